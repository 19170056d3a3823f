//! Where the pixel goes: the `|` of each case.

use rewrite::{Hole, Policy, Template};

#[track_caller]
fn check(marked: &str) {
    let html = marked.replace('|', "");
    let template = Template::parse(&html, &Policy::default()).unwrap();
    let copy = template.render(&mut |hole| (hole == Hole::Pixel).then(String::new));
    let empty = Template::parse("", &Policy::default()).unwrap();
    let pixel = empty.render(&mut |_| Some(String::new()));
    assert_eq!(copy.replace(&pixel, "|"), marked);
}

#[test]
fn before_the_last_end_tag_of_a_body() {
    check("<html><body><p>a</p>|</body></html>");
    check("<body>a|</BODY >\r\n</html>\r\n");
    check("a|</body>");
    check("<body>a</body><p>b</p>|</body>");
    check("<div><html><body>a</body></html></div>b|</body></html>");
    check("a|</body x='</body>'>");
    check("a</bodys>|</body><!-- </body> -->");
    check("a|</body><!--[if mso]></body><![endif]-->");
    check("a|</body><style></body></style>");
    check("a|</body><script>'</body>'</script>b");
    check("a|</body><title></body>");
    check("a|</body><plaintext></body>");
    check("a|</body><a href='</body>");
    check("a|</body></body ");
}

#[test]
fn at_the_end_without_one() {
    check("|");
    check("a|");
    check("<p>a</p>\r\n|");
    check("<html>a</html>|");
    check("&am|");
    check("&lt|");
    check("a <|");
    check("a < b|");
    check("a <3|");
    check("</>|");
    check("<!-- a -->|");
    check("<!-- a --!>|");
    check("<!-->|");
    check("<!---->|");
    check("<!x>|");
    check("<!DOCTYPE html>|");
    check("<title>a</title>|");
    check("<plaintex>|");
    check("\r|");
    check("é|");
}

#[test]
fn before_what_does_not_end() {
    check("a|<p");
    check("a|<p ");
    check("a|<p class");
    check("a|<p class=");
    check("a|<p class=b");
    check("a|<p class='b>");
    check("a|<p class='b'");
    check("a|<p/");
    check("a|</");
    check("a|</p");
    check("a|</p ");
    check("a|</ ");
    check("a|<!");
    check("a|<!-");
    check("a|<!--");
    check("a|<!-- >");
    check("a|<!-- --");
    check("a|<!-- --!");
    check("a|<!-- <b> ->");
    check("a|<!doc");
    check("a|<!DOCTYPE html");
    check("a|<!DOCTYPE html \"");
    check("a|<?");
    check("a|<![CDATA[");
    check("a|<plaintext>");
    check("a|<plaintext><p></p>b");
    check("a|<style>b");
    check("a|<style>b</styl");
    check("a|<style>b</style");
    check("a|<style>b</style ");
    check("a|<script>b</p>");
    check("a|<script><!-- <script> </script>");
    check("a|<title>b <p>");
    check("<b>a</b>|<textarea>");
    check("a|<xmp></p>");
    check("a|<iframe src=b>");
    check("a|<noembed>");
    check("a|<noframes>");
}

#[test]
fn before_foreign_content_that_is_open() {
    check("a|<svg>");
    check("a<svg></svg>|");
    check("a<svg/>|");
    check("a|<svg><style>");
    check("a<svg><p>|");
    check("a|<svg>b</body>");
    check("a<svg>b</svg>|</body>");
    check("a|<svg><![CDATA[</body>]]></body>");
    check("a<svg>b</svg><b>c</b>|<svg><g>d</g><![CDATA[<a href=https://a.example/> ]]");
    check("a|<svg><foreignObject><p>b</p><svg></svg>");
    check("a<math><mi><b></b></mi></math>|");
}
