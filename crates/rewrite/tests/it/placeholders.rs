//! `{{unsubscribe_url}}` in HTML.

use rewrite::{Hole, Policy, Template};

const URL: &str = "https://u.example/?a='1'&b=\"2\"";
const ENCODED: &str = "https://u.example/?a=&#39;1&#39;&amp;b=&quot;2&quot;";

#[track_caller]
fn check(html: &str, expected: &str) {
    let template = Template::parse(html, &Policy::default()).unwrap();
    assert_eq!(template.links(), [], "{html}");
    let copy = template.render(&mut |hole| (hole == Hole::UnsubscribeUrl).then(|| URL.to_owned()));
    assert_eq!(copy, expected.replace('|', ENCODED));
}

#[test]
fn it_is_filled_wherever_it_stands() {
    check("", "");
    check("{{unsubscribe_url}}", "|");
    check(
        "<p>{{ unsubscribe_url }}</p>{{\tunsubscribe_url}}",
        "<p>|</p>|",
    );
    check("<b title=\"{{unsubscribe_url}}\">", "<b title=\"|\">");
    check("<b title={{unsubscribe_url}}>", "<b title=|>");
    check(
        "<!-- {{unsubscribe_url}} --><style>{{unsubscribe_url}}",
        "<!-- | --><style>|",
    );
    check("{{{unsubscribe_url}}}{{unsubscribe}}", "{|}{{unsubscribe}}");
}

#[test]
fn a_link_with_it_is_not_counted() {
    check("<a href=\"{{unsubscribe_url}}\">", "<a href=\"|\">");
    check(
        "<a href='https://a.example/?u={{ unsubscribe_url }}&c'>",
        "<a href='https://a.example/?u=|&c'>",
    );
    check(
        "<a href=https://a.example/{{unsubscribe_url}}>",
        "<a href=https://a.example/|>",
    );
    // The value ends at the space.
    check(
        "<a href=https://a.example/{{ unsubscribe_url }}>",
        "<a href=https://a.example/|>",
    );
    check(
        "<a href=https://a.example/{{ unsubscribe_url}}/?b>",
        "<a href=https://a.example/|/?b>",
    );
    // What the author encoded is found neither as a place nor as a link.
    check(
        "<a href='https://a.example/&#123;{unsubscribe_url}}'>",
        "<a href='https://a.example/&#123;{unsubscribe_url}}'>",
    );
}
