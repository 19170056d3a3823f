//! Whole mails of `tests/mails`.

use std::fs;
use std::path::Path;

use rewrite::{Hole, Policy, Template};

use crate::properties;

pub(crate) struct Mail {
    pub(crate) name: String,
    pub(crate) html: String,
}

pub(crate) fn all() -> Vec<Mail> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut mails: Vec<Mail> = files
        .filter(|path| path.extension().is_some_and(|e| e == "html"))
        .map(|path| Mail {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            html: fs::read_to_string(path).unwrap(),
        })
        .collect();
    mails.sort_by(|a, b| a.name.cmp(&b.name));
    mails
}

/// One line a mail: its links, placeholders, and what is around the pixel.
#[test]
fn links_placeholders_and_pixels_of_all() {
    let found: String = all().iter().map(summary).collect();
    let expected =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails/expected.txt"))
            .unwrap();
    assert_eq!(found, expected, "found:\n{found}");
}

#[test]
fn nothing_but_the_places_changes() {
    for mail in all() {
        properties::check(&mail.html);
    }
}

fn summary(mail: &Mail) -> String {
    let template = Template::parse(&mail.html, &Policy::default()).unwrap();
    let links = template.links().len();
    let mut placeholders = 0;
    let copy = template.render(&mut |hole| {
        placeholders += usize::from(hole == Hole::UnsubscribeUrl);
        (hole == Hole::Pixel).then(String::new)
    });
    let (before, after) = copy.split_once("<img src=\"\" ").unwrap();
    let after = after.split_once('>').unwrap().1;
    let before: String = before
        .chars()
        .rev()
        .take(12)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    let after: String = after.chars().take(8).collect();
    format!(
        "{}: {links} links, {placeholders} placeholders, pixel {before:?} | {after:?}\n",
        mail.name
    )
}
