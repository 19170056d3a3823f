use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use guest::{AnswerBody, Response};
use mailer::engagement::notice::Notice;
use mailer::envelope::Domain;
use sha2::{Digest as _, Sha256};

use super::*;

const ALL: [Language; 5] = [
    Language::English,
    Language::German,
    Language::French,
    Language::Spanish,
    Language::Japanese,
];

fn notice(topic: Option<&str>) -> Notice {
    Notice {
        domain: Domain::parse("shop.example.com").unwrap(),
        topic: topic.map(|topic| topic.to_owned().try_into().unwrap()),
        recipient: "<script>'\"&@example.com".to_owned(),
    }
}

fn text(response: Response) -> String {
    let AnswerBody::Whole(Some(octets)) = response.into_body() else {
        panic!("expected a whole body");
    };
    String::from_utf8(octets.to_vec()).unwrap()
}

fn every_page() -> Vec<(Language, String)> {
    let mut pages = Vec::new();
    for language in ALL {
        for notice in [None, Some(notice(None)), Some(notice(Some("offers")))] {
            for what in [Said::Question, Said::Done, Said::Back] {
                pages.push((language, text(said(language, what, notice.as_ref()))));
            }
        }
        pages.push((language, text(broken(language))));
        pages.push((language, text(busy(language, Order::Resubscribe))));
    }
    pages
}

#[test]
fn every_page_is_whole_and_loads_nothing() {
    for (language, page) in every_page() {
        let lang = Texts::of(language).lang;
        assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\""), "{page}");
        assert!(page.contains(&format!("<html lang=\"{lang}\">")), "{page}");
        for once in ["<h1>", "<main>", "</main>", "<title>", "width=device-width"] {
            assert_eq!(page.matches(once).count(), 1, "{once} in {page}");
        }
        for never in [
            "<script", "<img", "<link", "src=", "http", "url(", "{domain}", "{topic}", "style=\"",
        ] {
            assert!(!page.contains(never), "{never} in {page}");
        }
    }
}

#[test]
fn names_are_in_the_page_where_they_are_known_and_escaped() {
    for language in ALL {
        let page = text(said(
            language,
            Said::Question,
            Some(&notice(Some("offers"))),
        ));
        assert!(page.contains(">shop.example.com</strong>"), "{page}");
        assert!(page.contains(">offers</strong>"), "{page}");
        assert!(
            page.contains(">&lt;script&gt;&#39;&quot;&amp;@example.com<"),
            "{page}"
        );
        let page = text(said(language, Said::Question, None));
        assert!(!page.contains("<strong"), "{page}");
    }
}

#[test]
fn buttons_say_what_they_do() {
    let button = |what| text(said(Language::English, what, None));
    let unsubscribe = "name=\"action\" value=\"unsubscribe\">Unsubscribe</button>";
    let resubscribe = "name=\"action\" value=\"resubscribe\">Subscribe again</button>";
    assert!(button(Said::Question).contains(unsubscribe));
    assert!(button(Said::Done).contains(resubscribe));
    assert!(button(Said::Back).contains(unsubscribe));
    let again = text(busy(Language::English, Order::Resubscribe));
    assert!(again.contains("value=\"resubscribe\">Try again</button>"));
    assert!(!text(broken(Language::English)).contains("<form"));
}

#[test]
fn the_policy_lets_this_style_in() {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = POLICY.split_once("'sha256-").unwrap().1;
    assert_eq!(policy.split_once('\'').unwrap().0, hash);
}

/// The relative luminance of `#rrggbb` (WCAG 2.2).
fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let octet = u8::from_str_radix(&colour[at..at + 2], 16).unwrap();
        let share = f64::from(octet) / 255.0;
        if share <= 0.04045 {
            share / 12.92
        } else {
            ((share + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

#[test]
fn whatever_is_read_stands_out_enough() {
    for palette in STYLE.lines().take(2) {
        let colour = |name: &str| {
            let (_, rest) = palette.split_once(&format!("--{name}:")).unwrap();
            luminance(&rest[..7])
        };
        for (text, ground) in [
            ("text", "card"),
            ("soft", "card"),
            ("on-button", "button"),
            ("button", "card"),
        ] {
            let (a, b) = (colour(text), colour(ground));
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast >= 4.5, "{text} on {ground}: {contrast}");
        }
    }
}
