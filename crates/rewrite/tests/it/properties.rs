//! What holds for any text.

use proptest::prelude::*;
use rewrite::{Hole, Policy, Template};

use crate::oracle::Shown;
use crate::soup;

/// In no input.
const MARK: &str = "\u{E0FF}";

/// What is replaced in a place, if only that is filled, and what it is then.
#[derive(Debug)]
struct Place {
    start: usize,
    original: String,
    filled: String,
    target: Option<String>,
}

/// Nothing is changed unless it is asked for, and what is changed can be changed back.
#[track_caller]
pub(crate) fn check(html: &str) {
    let template = Template::parse(html, &Policy::default()).unwrap();
    let mut count = 0;
    assert_eq!(
        template.render(&mut |_| {
            count += 1;
            None
        }),
        html
    );
    let places: Vec<Place> = (0..count)
        .map(|number| place(&template, html, number))
        .collect();
    let (mut rebuilt, mut from) = (String::new(), 0);
    for place in &places {
        assert!(from <= place.start, "places in order and apart");
        rebuilt += &html[from..place.start];
        rebuilt += &place.filled;
        from = place.start + place.original.len();
        if let Some(target) = &place.target {
            assert_eq!(reread(&place.original), *target, "{html}");
        }
    }
    rebuilt += &html[from..];
    assert_eq!(template.render(&mut |_| Some(MARK.to_owned())), rebuilt);
}

fn place(template: &Template<'_>, html: &str, number: usize) -> Place {
    let (mut asked, mut target, mut is_pixel) = (0, None, false);
    let copy = template.render(&mut |hole| {
        asked += 1;
        if asked <= number || asked > number + 1 {
            return None;
        }
        is_pixel = hole == Hole::Pixel;
        if let Hole::Link(link) = hole {
            target = Some(link.target.clone());
        }
        Some(MARK.to_owned())
    });
    let at = copy.find(MARK).unwrap();
    let (mut start, mut end) = (at, at + MARK.len());
    if is_pixel {
        start -= "<img src=\"".len();
        end += copy[end..].find('>').unwrap() + 1;
    } else if !(html.starts_with(&copy[..start]) && html.ends_with(&copy[end..])) {
        // A value without quotes got some.
        (start, end) = (start - 1, end + 1);
        assert_eq!((&copy[start..=start], &copy[end - 1..end]), ("\"", "\""));
    }
    assert!(
        html.starts_with(&copy[..start]) && html.ends_with(&copy[end..]),
        "{html:?} {copy:?}"
    );
    let original = html[start..html.len() - (copy.len() - end)].to_owned();
    Place {
        start,
        original,
        filled: copy[start..end].to_owned(),
        target,
    }
}

/// The value that a tree builder reads.
fn reread(value: &str) -> String {
    let quote = if value.contains('"') { '\'' } else { '"' };
    let shown = Shown::by(&format!("<a href={quote}{value}{quote}>"));
    shown.targets.into_iter().next().unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_soup_can_be_put_back_together(html in soup::of_any_kind()) {
        prop_assume!(!html.contains(MARK));
        check(&html);
    }

    #[test]
    fn any_text_can_be_put_back_together(html in any::<String>()) {
        prop_assume!(!html.contains(MARK));
        check(&html);
    }

    /// What was put in is itself one link each, and no other.
    #[test]
    fn a_copy_has_as_many_links(html in soup::of_any_kind()) {
        let template = Template::parse(&html, &Policy::default()).unwrap();
        let mut fill = |hole: Hole<'_>| match hole {
            Hole::Link(link) => Some(format!("https://t.example/{}?a=\"'>&b", link.number)),
            Hole::Pixel => Some("https://t.example/o".to_owned()),
            Hole::UnsubscribeUrl => None,
        };
        let copy = template.render(&mut fill);
        let again = Template::parse(&copy, &Policy::default()).unwrap();
        let found: Vec<&str> = again.links().iter().map(|link| link.target.as_str()).collect();
        let expected: Vec<String> = template.links().iter().map(|link| format!("https://t.example/{}?a=\"'>&b", link.number)).collect();
        prop_assert_eq!(found, expected);
        let own = Policy { left_alone: vec!["https://t.example".to_owned()], ..Policy::default() };
        prop_assert!(Template::parse(&copy, &own).unwrap().links().is_empty());
    }
}
