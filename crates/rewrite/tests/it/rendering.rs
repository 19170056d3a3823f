//! Recipients' copies.

use rewrite::{Hole, Link, Policy, Template};

const HTML: &str = "<A class=x HREF='http://a.example/?b&amp;c' id=1>a</A>\r\n<a href=https://b.example/ >b</a>\
    <area href=\"\nhttps://c.example/\n\">{{unsubscribe_url}}</BODY>\r\n";

#[track_caller]
fn check(html: &str, fill: &mut dyn FnMut(Hole<'_>) -> Option<String>, expected: &str) {
    let template = Template::parse(html, &Policy::default()).unwrap();
    assert_eq!(template.render(fill), expected);
}

fn plain(hole: Hole<'_>) -> Option<String> {
    Some(match hole {
        Hole::Link(link) => format!("https://t.example/{}?u={}", link.number, link.target),
        Hole::Pixel => "https://t.example/o?a&b".to_owned(),
        Hole::UnsubscribeUrl => "https://t.example/u".to_owned(),
    })
}

#[test]
fn urls_are_put_in_encoded() {
    check(
        HTML,
        &mut plain,
        "<A class=x HREF='https://t.example/0?u=http://a.example/?b&amp;c' id=1>a</A>\r\n\
         <a href=\"https://t.example/1?u=https://b.example/\" >b</a>\
         <area href=\"https://t.example/2?u=https://c.example/\">https://t.example/u\
         <img src=\"https://t.example/o?a&amp;b\" width=\"1\" height=\"1\" border=\"0\" alt=\"\" \
         style=\"display:block;position:absolute !important;width:1px !important;height:1px !important;\
         margin:-1px 0 0 !important;padding:0 !important;border:0 !important\"></BODY>\r\n",
    );
}

#[test]
fn what_is_not_filled_stays() {
    check(HTML, &mut |_| None, HTML);
    let copy = HTML.replace("\nhttps://c.example/\n", "/");
    let mut third = |hole: Hole<'_>| match hole {
        Hole::Link(Link { number: 2, .. }) => Some("/".to_owned()),
        Hole::Link(_) | Hole::Pixel | Hole::UnsubscribeUrl => None,
    };
    check(HTML, &mut third, &copy);
}

#[test]
fn a_value_without_quotes_gets_them() {
    let mut fill = |hole: Hole<'_>| matches!(hole, Hole::Link(_)).then(|| "a b>\"".to_owned());
    check(
        "<a href=https://a.example/>",
        &mut fill,
        "<a href=\"a&#32;b&gt;&quot;\">",
    );
    let mut empty = |hole: Hole<'_>| matches!(hole, Hole::Link(_)).then(String::new);
    check(
        "<a href=https://a.example/ id=b>",
        &mut empty,
        "<a href=\"\" id=b>",
    );
}

#[test]
fn places_are_asked_for_in_order() {
    let html = "{{unsubscribe_url}}<a href=https://a.example/>{{unsubscribe_url}}</body><a href=https://b.example/>";
    let mut asked = Vec::new();
    check(
        html,
        &mut |hole| {
            asked.push(format!("{hole:?}"));
            None
        },
        html,
    );
    let kinds: Vec<&str> = asked
        .iter()
        .map(|hole| hole.split('(').next().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["UnsubscribeUrl", "Link", "UnsubscribeUrl", "Pixel", "Link"]
    );
}

#[test]
fn links_are_numbered_without_those_left_alone() {
    let html = "<a href=#><a href=https://a.example/><a href=mailto:a><a href=https://a.example/>";
    let template = Template::parse(html, &Policy::default()).unwrap();
    let target = "https://a.example/".to_owned();
    let expected = [0, 1].map(|number| Link {
        number,
        target: target.clone(),
    });
    assert_eq!(template.links(), expected);
}
