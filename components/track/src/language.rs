//! Which of our languages a visitor likes best (RFC 9110 section 12.5.4).

use http::Request;

/// The languages that pages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    German,
    French,
    Spanish,
    Japanese,
}

/// The most ranges that are looked at.
const MAX_RANGES: usize = 32;
/// The weight of a range that names none, in thousandths.
const FULL: u16 = 1000;

impl Language {
    /// What the Accept-Language fields of `request` ask for; English if that is nothing of ours.
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let fields = request.headers().get_all(http::header::ACCEPT_LANGUAGE);
        let texts = fields.iter().filter_map(|value| value.to_str().ok());
        Self::preferred(texts.flat_map(|text| text.split(',')))
    }

    /// The one with the highest weight; of several that one which is named first.
    fn preferred<'a>(ranges: impl Iterator<Item = &'a str>) -> Self {
        let weighed = ranges.take(MAX_RANGES).filter_map(weighed);
        let best = weighed.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map_or(Self::English, |(language, _)| language)
    }

    /// The language of a range such as `de-CH`, or of `*`.
    fn named(range: &str) -> Option<Self> {
        let primary = range.split('-').next()?.to_ascii_lowercase();
        match primary.as_str() {
            "en" | "*" => Some(Self::English),
            "de" => Some(Self::German),
            "fr" => Some(Self::French),
            "es" => Some(Self::Spanish),
            "ja" => Some(Self::Japanese),
            _ => None,
        }
    }
}

/// Language and weight of a range that names one of ours; nothing if it is not acceptable at all.
fn weighed(range: &str) -> Option<(Language, u16)> {
    let (range, weight) = match range.split_once(';') {
        None => (range, FULL),
        Some((range, parameter)) => {
            let (name, value) = parameter.split_once('=')?;
            let is_weight = name.trim().eq_ignore_ascii_case("q");
            (range, thousandths(value.trim()).filter(|_| is_weight)?)
        }
    };
    let language = Language::named(range.trim())?;
    (weight > 0).then_some((language, weight))
}

/// A qvalue (RFC 9110 section 12.4.2): `0` or `1` with up to three decimals, and not over 1.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_number = decimals.len() <= 3 && decimals.bytes().all(|octet| octet.is_ascii_digit());
    let padded = format!("{decimals:0<3}");
    let weight = match whole {
        "0" => padded.parse().ok()?,
        "1" => padded.parse::<u16>().ok()?.checked_add(FULL)?,
        _ => return None,
    };
    (is_number && weight <= FULL).then_some(weight)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(field: &str, expected: Language) {
        let request = Request::builder().header("accept-language", field);
        assert_eq!(
            Language::of(&request.body(()).unwrap()),
            expected,
            "{field}"
        );
    }

    #[test]
    fn the_best_of_ours_is_chosen() {
        check("de", Language::German);
        check("DE-ch-1996", Language::German);
        check("fr-CA,fr;q=0.9,en;q=0.8", Language::French);
        check("en;q=0.8, es ; q=0.9", Language::Spanish);
        check("pl, ja;q=0.5, de;q=0.4", Language::Japanese);
        check("es;q=0.123,fr;q=0.124", Language::French);
        check("fr;q=0.7,es;q=0.7", Language::French);
        check("fr;q=0, de;q=0.001", Language::German);
        check("de;q=0.5,*;q=0.6", Language::English);
    }

    #[test]
    fn english_stands_in_for_what_is_not_there_or_cannot_be_read() {
        for field in [
            "",
            "pl",
            "*",
            "deutsch",
            "d",
            "-de",
            "de;q=2",
            "de;q=0.0001",
            "de;q=1.001",
            "de;q=",
            "de;q=-1",
            "de;v=1",
            "de;q=0",
            ";",
            ",,,",
            "de;q=1;q=1",
        ] {
            check(field, Language::English);
        }
        check(&format!("{}de", "x,".repeat(40)), Language::English);
    }

    #[test]
    fn several_fields_count_as_one() {
        let request = Request::builder();
        let request = request.header("accept-language", "fr;q=0.5");
        let request = request.header("accept-language", "ja");
        assert_eq!(Language::of(&request.body(()).unwrap()), Language::Japanese);
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_there_is_a_language(field: String) {
            let _ = Language::preferred(field.split(','));
        }
    }
}
