//! Reading Authentication-Results fields (RFC 8601).
//!
//! # Not supported
//! Comments and reasons, which are skipped.

/// A result of section 2.7, of any method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The message has nothing to judge, or its domain says nothing.
    None,
    /// It stood the test.
    Pass,
    /// It did not.
    Fail,
    /// Nothing can be said.
    Neutral,
    /// SPF's weak form of fail.
    SoftFail,
    /// The DNS did not answer.
    TempError,
    /// What the domain publishes is wrong.
    PermError,
    /// The signature is fine and not accepted.
    Policy,
}

impl Outcome {
    /// Reads a result's name.
    #[track_caller]
    pub(crate) fn parse(name: &str) -> Self {
        match name {
            "none" => Self::None,
            "pass" => Self::Pass,
            "fail" => Self::Fail,
            "neutral" => Self::Neutral,
            "softfail" => Self::SoftFail,
            "temperror" => Self::TempError,
            "permerror" => Self::PermError,
            "policy" => Self::Policy,
            _ => panic!("expected a result of RFC 8601, section 2.7, found {name}"),
        }
    }
}

/// What one method says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) method: String,
    pub(crate) result: Outcome,
    properties: Vec<(String, String)>,
}

impl Finding {
    /// The value of a property such as `header.d`.
    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        let mut all = self.properties.iter();
        all.find_map(|(known, value)| (known == name).then_some(value.as_str()))
    }
}

/// The findings of the server with this name about a message, from the top down.
#[track_caller]
pub(crate) fn findings(message: &[u8], server: &str) -> Vec<Finding> {
    let text = String::from_utf8_lossy(message);
    let headers = text.split("\r\n\r\n").next().unwrap_or_default();
    let unfolded = headers.replace("\r\n\t", " ").replace("\r\n ", " ");
    let mut findings = Vec::new();
    for field in unfolded.split("\r\n") {
        let Some(body) = field.strip_prefix("Authentication-Results:") else {
            continue;
        };
        let plain = without_comments(body);
        let mut parts = plain.split(';').map(str::trim);
        if parts.next() == Some(server) {
            findings.extend(parts.filter_map(finding));
        }
    }
    findings
}

/// Reads `method=result` and properties. `none` alone, and nothing at all, say that there is no finding.
#[track_caller]
fn finding(text: &str) -> Option<Finding> {
    let mut pairs = text
        .split_whitespace()
        .filter_map(|pair| pair.split_once('='));
    let (method, result) = pairs.next()?;
    Some(Finding {
        method: method.to_owned(),
        result: Outcome::parse(result),
        properties: pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    })
}

/// Drops comments and what is within quotes, where a semicolon ends nothing.
fn without_comments(text: &str) -> String {
    let mut depth = 0_usize;
    let mut is_quoted = false;
    let mut plain = String::new();
    for character in text.chars() {
        match character {
            '"' if depth == 0 => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(character),
            _ => {}
        }
    }
    plain
}

#[test]
fn comments_and_reasons_hide_no_finding() {
    let message = b"Return-Path: <a@example.com>\r\n\
        Authentication-Results: judge; dmarc=fail (p=reject; dis=none) header.from=example.com\r\n\
        Authentication-Results: other; dmarc=pass header.from=example.com\r\n\
        Authentication-Results: judge;\r\n\tdkim=fail reason=\"a; b\" (2048-bit key)\r\n\t header.d=example.com\r\n\
        \r\nAuthentication-Results: judge; spf=pass\r\n";
    let found = findings(message, "judge");
    let found: Vec<_> = found
        .iter()
        .map(|found| {
            (
                found.method.as_str(),
                found.result,
                found.property("header.d"),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("dmarc", Outcome::Fail, None),
            ("dkim", Outcome::Fail, Some("example.com")),
        ]
    );
}
