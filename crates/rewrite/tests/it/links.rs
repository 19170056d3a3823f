//! Which `href` are links. Each case says which targets are found, in order.

use rewrite::{Policy, Template};

#[track_caller]
fn check(html: &str, expected: &[&str]) {
    let policy = Policy {
        left_alone: vec!["https://own.example".to_owned()],
        ..Policy::default()
    };
    let template = Template::parse(html, &policy).unwrap();
    let found: Vec<&str> = template.links().iter().map(|l| l.target.as_str()).collect();
    assert_eq!(found, expected, "{html}");
}

const A: &str = "https://a.example/";
const B: &str = "http://b.example/?c=1&d=2";

#[test]
fn anchors_and_areas() {
    check("", &[]);
    check("<a href=\"https://a.example/\">", &[A]);
    check("<area href=\"https://a.example/\">", &[A]);
    check("<A HREF=\"https://a.example/\">", &[A]);
    check(
        "<a href='https://a.example/'><a href=https://a.example/>",
        &[A, A],
    );
    check("<a href=https://a.example/ >", &[A]);
    check("<a href=https://a.example/\n>", &[A]);
    check("<a/href=https://a.example/>", &[A]);
    check("<a class=\"b\"href=\"https://a.example/\"id=c>", &[A]);
    check("<a href = \"https://a.example/\">", &[A]);
    check("<a href\r\n=\r\n'https://a.example/'>", &[A]);
    check("<a href=\r\nhttps://a.example/\r\n>", &[A]);
    check("<a\thref=\x0C\"https://a.example/\"/>", &[A]);
    check("<a title='>' href=\"https://a.example/\">", &[A]);
    check(
        "<a title=\"<a href='https://no.example'>\" href=https://a.example/>",
        &[A],
    );
    check("<a <b href=https://a.example/>", &[A]);
    check("<a =href=x href=https://a.example/>", &[A]);
}

#[test]
fn elements_that_are_no_links() {
    check("<link href=\"https://a.example/\">", &[]);
    check("<base href=\"https://a.example/\"><a href=\"/b\">", &[]);
    check(
        "<abbr href=\"https://a.example/\"><address href=\"https://a.example/\">",
        &[],
    );
    check(
        "<img src=\"https://a.example/\"><form action=\"https://a.example/\">",
        &[],
    );
    check("</a href=\"https://a.example/\">", &[]);
    check("<ahref=\"https://a.example/\">", &[]);
    check("< a href=\"https://a.example/\">", &[]);
    check("<a xlink:href=\"https://a.example/\">", &[]);
    check(
        "<a data-href=\"https://a.example/\" hrefs=\"https://a.example/\">",
        &[],
    );
    check(
        "<v:roundrect href=\"https://a.example/\"><a:a href=\"https://a.example/\">",
        &[],
    );
    check("href=\"https://a.example/\"", &[]);
    check("&lt;a href=\"https://a.example/\">", &[]);
}

#[test]
fn the_first_href_counts() {
    check(
        "<a href=https://a.example/ href=\"http://b.example/?c=1&d=2\">",
        &[A],
    );
    check("<a HREF=https://a.example/ href='#'>", &[A]);
    check("<a href='#' href=https://a.example/>", &[]);
    check("<a href href=https://a.example/>", &[]);
    check("<a href= href=https://a.example/>", &[]);
    check("<a href=\"\" href=https://a.example/>", &[]);
}

#[test]
fn references_are_those_of_attributes() {
    check("<a href=\"http://b.example/?c=1&amp;d=2\">", &[B]);
    check("<a href=\"http://b.example/?c=1&d=2\">", &[B]);
    check("<a href=\"http://b.example/?c=1&#38;d&#x3D;2\">", &[B]);
    check("<a href=http://b.example/?c=1&amp;d=2>", &[B]);
    check("<a href=\"&#104;ttps://a.example/\">", &[A]);
    check(
        "<a href=\"&#x68;&#x74;tps&colon;&sol;&sol;a.example/\">",
        &[A],
    );
    check(
        "<a href=\"https://a.example/?b=1&copy=2\">",
        &["https://a.example/?b=1&copy=2"],
    );
    check(
        "<a href=\"https://a.example/?b=1&copy2\">",
        &["https://a.example/?b=1&copy2"],
    );
    check(
        "<a href=\"https://a.example/?b=1&copy;2\">",
        &["https://a.example/?b=1©2"],
    );
    check(
        "<a href=\"https://a.example/?b&copy\">",
        &["https://a.example/?b©"],
    );
    check(
        "<a href=\"https://a.example/?&notit;\">",
        &["https://a.example/?&notit;"],
    );
    check(
        "<a href=\"https://a.example/?&#0;&#xD800;&#128;\">",
        &["https://a.example/?\u{FFFD}\u{FFFD}€"],
    );
    check(
        "<a href=\"https://a.example/?\0\">",
        &["https://a.example/?\u{FFFD}"],
    );
    check("<a href=\"https&#58//a.example/\">", &[A]);
}

#[test]
fn what_browsers_drop_from_a_url() {
    check("<a href=\" https://a.example/ \">", &[A]);
    check("<a href=\"\r\n  https://a.exa\r\n\tmple/\r\">", &[A]);
    check("<a href='https:/\n/a.example/'>", &[A]);
    check("<a href=\"&Tab;ht&NewLine;tps://a.example/&#1;\">", &[A]);
    check("<a href=\"&nbsp;https://a.example/\">", &[]);
}

#[test]
fn urls_that_are_left_alone() {
    for url in [
        "mailto:a@b.example",
        "tel:+4930",
        "sms:+4930",
        "cid:a@b",
        "data:text/html,a",
        "javascript:void(0)",
        "JAVASCRIPT:location='https://a.example/'",
        "#https://a.example/",
        "/a",
        "a",
        "?a",
        "",
        "//a.example/",
        "ftp://a.example/",
        "https:",
        "https:a",
        "https://",
        "view-source:https://a.example/",
    ] {
        check(&format!("<a href=\"{url}\">"), &[]);
    }
}

#[test]
fn our_own_urls_are_left_alone() {
    check(
        "<a href=\"https://own.example/u/1\"><a href=https://a.example/>",
        &[A],
    );
    check("<a href=\"HTTPS&#58;//OWN.example?u\">", &[]);
    check(
        "<a href=\"https://own.example.org/\">",
        &["https://own.example.org/"],
    );
}

#[test]
fn an_element_may_say_that_it_is_left_alone() {
    check(
        "<a href=https://a.example/ data-sendlet-track=\"off\">",
        &[],
    );
    check("<a data-sendlet-track=off href=https://a.example/>", &[]);
    check(
        "<a DATA-Sendlet-Track=' OFF ' href=https://a.example/>",
        &[],
    );
    check("<a data-sendlet-track=on href=https://a.example/>", &[A]);
    check("<a data-sendlet-track href=https://a.example/>", &[A]);
    check(
        "<a data-sendlet-track=on data-sendlet-track=off href=https://a.example/>",
        &[A],
    );
    check(
        "<a data-sendlet-track=off data-sendlet-track=on href=https://a.example/>",
        &[],
    );
    check(
        "<p data-sendlet-track=off><a href=https://a.example/>",
        &[A],
    );
    check(
        "<a data-sendlet-track=off><a href=https://a.example/>",
        &[A],
    );
    check(
        "</a data-sendlet-track=off><a href=https://a.example/>",
        &[A],
    );
}

#[test]
fn comments() {
    check("<!-- <a href=https://a.example/> -->", &[]);
    check(
        "<!-- -- > <a href=https://a.example/> --!><a href=https://a.example/>",
        &[A],
    );
    check("<!--><a href=https://a.example/>", &[A]);
    check("<!---><a href=https://a.example/>-->", &[A]);
    check("<!-- <!-- --> <a href=https://a.example/> -->", &[A]);
    check("<!x <a href=https://a.example/>", &[]);
    check("<?php <a href=https://a.example/> ?>", &[]);
    check("</ <a href=https://a.example/>", &[]);
    check("<!DOCTYPE html \"<a href=https://a.example/>", &[]);
    check("<!-- <a href=https://a.example/>", &[]);
}

#[test]
fn conditional_comments_of_outlook() {
    check("<!--[if mso]><a href=https://a.example/><![endif]-->", &[]);
    check(
        "<!--[if gte mso 9]><xml></xml><![endif]--><a href=https://a.example/>",
        &[A],
    );
    check(
        "<!--[if !mso]><!--><a href=https://a.example/><!--<![endif]-->",
        &[A],
    );
    check(
        "<!--[if !mso]><!-- --><a href=https://a.example/><!-- <![endif]-->",
        &[A],
    );
    check(
        "<!--[if !mso]>--><a href=https://a.example/><!--<![endif]-->",
        &[A],
    );
    check("<![if !mso]><a href=https://a.example/><![endif]>", &[A]);
    check(
        "<![if !mso]><a href=https://a.example/><![endif]--><a href=https://a.example/>",
        &[A, A],
    );
}

#[test]
fn elements_of_text() {
    for name in [
        "style",
        "script",
        "title",
        "textarea",
        "xmp",
        "iframe",
        "noembed",
        "noframes",
        "STYLE",
        "style/",
        "script type=a",
    ] {
        let end = name.split(['/', ' ']).next().unwrap();
        let link = "<a href=https://a.example/>";
        check(&format!("<{name}>{link}</{end}>{link}"), &[A]);
        check(&format!("<{name}>{link}</{end}\n x='>'>{link}"), &[A]);
        check(&format!("<{name}>{link}</{end}s>{link}</b>{link}"), &[]);
        check(&format!("<{name}>{link}"), &[]);
        check(&format!("</{end}>{link}"), &[A]);
    }
    check(
        "<plaintext><a href=https://a.example/></plaintext><a href=https://a.example/>",
        &[],
    );
    check("<noscript><a href=https://a.example/></noscript>", &[A]);
    check("<style><!-- </style><a href=https://a.example/> -->", &[A]);
    check("<title><!-- </title><a href=https://a.example/> -->", &[A]);
    check("<script><!-- </script><a href=https://a.example/>", &[A]);
    check(
        "<script><!-- <script></script><a href=https://a.example/>--></script>",
        &[],
    );
    check(
        "<pre><a href=https://a.example/></pre><listing><a href=https://a.example/>",
        &[A, A],
    );
    check("<![CDATA[<a href=https://a.example/>]]>", &[]);
    check("<![CDATA[ > <a href=https://a.example/>]]>", &[A]);
}

#[test]
fn tags_that_never_end() {
    check("<a href=https://a.example/", &[]);
    check("<a href=\"https://a.example/", &[]);
    check("<a href=\"https://a.example/\"", &[]);
    check("<a href=\"https://a.example/\" ", &[]);
    check(
        "<a href=\"https://a.example/><a href=\"https://a.example/\">",
        &["https://a.example/><a href="],
    );
}

#[test]
fn tag_soup() {
    check(
        "<p><a href=https://a.example/><p><a href=https://a.example/></b></a>",
        &[A, A],
    );
    check(
        "<table><a href=https://a.example/><tr><a href=https://a.example/>",
        &[A, A],
    );
    check("</body></html><a href=https://a.example/>", &[A]);
    check("a < b <<a href=https://a.example/>", &[A]);
    check("<><a href=https://a.example/></><3", &[A]);
    check("<a href=https://a.example/><a href='", &[A]);
    check("\u{FEFF}<a href=https://a.example/>é", &[A]);
}
