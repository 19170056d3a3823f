//! The most that is read.

use rewrite::limits::{MAX_DEPTH, MAX_HTML_OCTETS, MAX_LINKS, MAX_PLACEHOLDERS};
use rewrite::{Hole, Policy, RewriteError, Template};

#[test]
fn html_of_the_greatest_length_is_read_and_no_longer_one() {
    let html = "<".repeat(MAX_HTML_OCTETS);
    assert!(Template::parse(&html, &Policy::default()).is_ok());
    let html = html + "<";
    let octets = html.len();
    let error = Template::parse(&html, &Policy::default()).unwrap_err();
    assert_eq!(error, RewriteError::TooLong { octets });
    assert_eq!(
        error.to_string(),
        "expected at most 10485760 octets of HTML, found 10485761"
    );
}

#[test]
fn links_beyond_the_limit_are_left_alone() {
    let html = "<a href=https://a.example/>".repeat(MAX_LINKS + 1);
    let template = Template::parse(&html, &Policy::default()).unwrap();
    assert_eq!(template.links().len(), MAX_LINKS);
    let two = Policy {
        max_links: 2,
        ..Policy::default()
    };
    let template = Template::parse(&html, &two).unwrap();
    assert_eq!(template.links().len(), 2);
    let copy = template.render(&mut |hole| matches!(hole, Hole::Link(_)).then(|| "#".to_owned()));
    assert_eq!(copy.matches("https://a.example/").count(), MAX_LINKS - 1);
}

#[test]
fn placeholders_beyond_the_limit_stay_and_links_with_them_too() {
    let html = "{{unsubscribe_url}}".repeat(MAX_PLACEHOLDERS)
        + "<a href='https://a.example/{{unsubscribe_url}}'>";
    let template = Template::parse(&html, &Policy::default()).unwrap();
    assert!(template.links().is_empty());
    let copy = template.render(&mut |hole| (hole == Hole::UnsubscribeUrl).then(String::new));
    assert_eq!(copy, "<a href='https://a.example/{{unsubscribe_url}}'>");
}

#[test]
fn deep_foreign_content_is_passed_over() {
    let open = "<svg><foreignObject>".repeat(MAX_DEPTH);
    let close = "</foreignObject></svg>".repeat(MAX_DEPTH);
    let html = open + &close + "<a href=https://a.example/>";
    let template = Template::parse(&html, &Policy::default()).unwrap();
    assert_eq!(template.links().len(), 1);
}

/// Two megabytes as a mail client's export would have them, with links throughout.
#[test]
fn a_long_mail_is_read_to_its_end() {
    let row = "<tr><td style=\"padding:0\" bgcolor='#ffffff'>Grüße &amp; mehr<br></td>\r\n";
    let rows = format!(
        "{}<td><a href=\"https://a.example/?p=1&amp;q=2\">a</a></td></tr>\r\n",
        row.repeat(40)
    )
    .repeat(800);
    let html = format!("<html><body><table>{rows}</table></body></html>\r\n");
    assert!(html.len() > 2_000_000);
    let template = Template::parse(&html, &Policy::default()).unwrap();
    assert_eq!(template.links().len(), 800);
    assert!(
        template
            .links()
            .iter()
            .all(|link| link.target == "https://a.example/?p=1&q=2")
    );
}
