//! Where a link leads.

/// The URL in an attribute's decoded value as a browser would see it, if it is absolute and http or https. What [WHATWG
/// URL] drops before it looks at a URL is dropped: C0 controls and spaces at both ends, tabs and line breaks anywhere.
///
/// [WHATWG URL]: https://url.spec.whatwg.org/#concept-basic-url-parser
pub(crate) fn from_value(value: &str) -> Option<String> {
    let trimmed = value.trim_matches(|c: char| c <= ' ');
    let dropped = ['\t', '\n', '\r'];
    let url: String = trimmed.chars().filter(|c| !dropped.contains(c)).collect();
    is_absolute(&url).then_some(url)
}

/// Two or more slashes of either kind are those before a host, as for browsers, and with fewer the URL may be relative.
fn is_absolute(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once(':') else {
        return false;
    };
    if !["http", "https"]
        .iter()
        .any(|s| scheme.eq_ignore_ascii_case(s))
    {
        return false;
    }
    let host = rest.trim_start_matches(['/', '\\']);
    rest.len() >= host.len() + 2 && !host.is_empty() && !host.starts_with(['?', '#'])
}

#[cfg(test)]
mod tests {
    use super::from_value;

    #[track_caller]
    fn check(value: &str, expected: Option<&str>) {
        assert_eq!(from_value(value).as_deref(), expected, "{value:?}");
    }

    #[test]
    fn http_and_https_in_any_case() {
        check("https://a.example", Some("https://a.example"));
        check("HtTp://a.example/B", Some("HtTp://a.example/B"));
        check("https://müller.example/ü", Some("https://müller.example/ü"));
        check("https://[2001:db8::1]:8/", Some("https://[2001:db8::1]:8/"));
        check(
            "https://a.example/{{name}}",
            Some("https://a.example/{{name}}"),
        );
        check(r"https:\\a.example", Some(r"https:\\a.example"));
        check("https:////a.example", Some("https:////a.example"));
    }

    #[test]
    fn what_browsers_drop_is_dropped() {
        check(
            " \x01\x0C https://a.example/ \0\r\n",
            Some("https://a.example/"),
        );
        check("ht\ntps:/\t/a.ex\r\nample/ b", Some("https://a.example/ b"));
        // A no-break space is not dropped, so this is a relative URL.
        check("\u{A0}https://a.example", None);
    }

    #[test]
    fn everything_else_is_left_alone() {
        for value in [
            "",
            " ",
            "#top",
            "/path",
            "path",
            "?q",
            "//a.example/",
            r"\\a.example",
            ":",
            "://a",
            "mailto:a@b.example",
            "tel:+49",
            "sms:1",
            "cid:a@b",
            "data:text/html,a",
            "blob:https://a/",
            "javascript:alert(1)",
            "ftp://a.example",
            "ms-word:ofe|u|https://a.example",
            "x:https://a.example",
            "https",
            "https:",
            "https:/",
            "https://",
            "https:///",
            "https:a.example",
            "https:/a.example",
            "https://?a",
            "https://#a",
            "http s://a.example",
            "httpſ://a.example",
        ] {
            check(value, None);
        }
    }
}
