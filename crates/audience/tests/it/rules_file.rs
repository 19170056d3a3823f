//! Whether `rules.tsv` is in order. That each line can be read is the compiler's concern.

use std::collections::BTreeSet;

const RULES: &str = include_str!("../../rules.tsv");

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line<'a> {
    kind: &'a str,
    when: &'a str,
    field: &'a str,
    how: &'a str,
    pattern: &'a str,
    word: &'a str,
    family: &'a str,
    source: &'a str,
    note: &'a str,
}

impl Line<'_> {
    /// All audiences are one kind.
    fn group(&self) -> &str {
        match self.kind {
            "client" | "device" => self.kind,
            _ => "audience",
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self.how {
            "is" => text == self.pattern,
            "starts" => text.starts_with(self.pattern),
            "ends" => text.ends_with(self.pattern),
            "has" => text.contains(self.pattern),
            "word" => text.match_indices(self.pattern).any(|(at, _)| {
                !text[..at].ends_with(|before: char| before.is_ascii_alphanumeric())
            }),
            _ => panic!("{self:?}"),
        }
    }

    /// Texts that it matches, in all the surroundings that it allows.
    fn samples(&self) -> Vec<String> {
        let (before, after): (&[&str], &[&str]) = match self.how {
            "is" => (&[""], &[""]),
            "starts" => (&[""], &["", "x", " "]),
            "ends" => (&["", "x", " "], &[""]),
            "has" => (&["", "x", " "], &["", "x", " "]),
            "word" => (&["", " "], &["", "x", " "]),
            _ => panic!("{self:?}"),
        };
        let mut samples = Vec::new();
        for before in before {
            for after in after {
                samples.push(format!("{before}{}{after}", self.pattern));
            }
        }
        samples
    }

    /// Whether nothing is left for a later line.
    fn hides(&self, later: &Line<'_>) -> bool {
        self.group() == later.group()
            && self.field == later.field
            && (self.when == "any" || self.when == later.when)
            && later.samples().iter().all(|text| self.matches(text))
    }
}

fn lines() -> Vec<Line<'static>> {
    let rules = RULES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    rules.map(line).collect()
}

fn line(text: &str) -> Line<'_> {
    let [kind, when, field, how, pattern, word, family, source, note] =
        text.split('\t').collect::<Vec<_>>()[..]
    else {
        panic!("expected nine columns, found {text}");
    };
    Line {
        kind,
        when,
        field,
        how,
        pattern,
        word,
        family,
        source,
        note,
    }
}

#[test]
fn every_line_has_a_source_and_a_note() {
    for line in lines() {
        let is_address = line.source.starts_with("https://") || line.source.starts_with("http://");
        assert!(is_address && !line.source.contains(' '), "{line:?}");
        assert!(line.note.ends_with('.'), "{line:?}");
    }
}

#[test]
fn reasons_are_stable_words() {
    for line in lines().iter().filter(|line| line.group() == "audience") {
        let (prefix, word) = line.word.split_once(':').unwrap();
        let expected = if line.field == "ua" { "ua" } else { "header" };
        assert_eq!(prefix, expected, "{line:?}");
        let is_word = |octet: u8| octet.is_ascii_lowercase() || b"-_0123456789".contains(&octet);
        assert!(!word.is_empty() && word.bytes().all(is_word), "{line:?}");
    }
}

#[test]
fn clients_have_a_family_and_devices_none() {
    for line in lines() {
        assert_eq!(
            line.kind == "device",
            line.family == "-" && line.group() != "audience",
            "{line:?}"
        );
        assert_ne!(line.family, "unknown", "{line:?}");
    }
}

#[test]
fn no_pattern_is_there_twice() {
    let mut seen = BTreeSet::new();
    for line in lines() {
        let key = (line.group().to_owned(), line.when, line.field, line.pattern);
        assert!(seen.insert(key), "{line:?}");
    }
}

#[test]
fn no_line_is_hidden_by_one_before_it() {
    let lines = lines();
    for (index, later) in lines.iter().enumerate() {
        for earlier in &lines[..index] {
            assert!(!earlier.hides(later), "{earlier:?}\nhides {later:?}");
        }
    }
}

#[test]
fn hidden_lines_are_found() {
    let of = |how, pattern| {
        line("bot\tany\tua\thow\tpattern\tua:a\t-\thttps://a.example\tA.").with(how, pattern)
    };
    let check = |earlier: Line<'_>, later: Line<'_>, hides: bool| {
        assert_eq!(earlier.hides(&later), hides, "{earlier:?} {later:?}");
    };
    check(of("has", "bot"), of("word", "a bot c"), true);
    check(of("word", "bot"), of("word", "bot/2"), true);
    check(of("word", "bot"), of("has", "bot/2"), false);
    check(of("word", "bot"), of("has", "a bot/2"), true);
    check(of("starts", "bot"), of("is", "bot 2"), true);
    check(of("starts", "bot"), of("word", "bot"), false);
    check(of("is", "bot"), of("starts", "bot"), false);
}

impl<'a> Line<'a> {
    fn with(self, how: &'a str, pattern: &'a str) -> Self {
        Self {
            how,
            pattern,
            ..self
        }
    }
}
