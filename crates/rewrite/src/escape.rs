//! A URL written into HTML.

/// Appends `url` so that it means itself in text and in an attribute's value, with quotes of either kind or none.
pub(crate) fn push_escaped(html: &mut String, url: &str) {
    let mut rest = url;
    while let Some(at) = rest.find(|c: char| reference(c).is_some()) {
        let (plain, special) = rest.split_at(at);
        html.push_str(plain);
        let mut special = special.chars();
        html.push_str(special.next().and_then(reference).unwrap_or_default());
        rest = special.as_str();
    }
    html.push_str(rest);
}

/// What stands for a character that would end a value, begin a tag, or begin a reference.
const fn reference(c: char) -> Option<&'static str> {
    Some(match c {
        '&' => "&amp;",
        '"' => "&quot;",
        '\'' => "&#39;",
        '<' => "&lt;",
        '>' => "&gt;",
        '`' => "&#96;",
        ' ' => "&#32;",
        '\t' => "&#9;",
        '\n' => "&#10;",
        '\x0C' => "&#12;",
        '\r' => "&#13;",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::push_escaped;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        let mut html = String::from("<");
        push_escaped(&mut html, url);
        assert_eq!(html, format!("<{expected}"));
    }

    #[test]
    fn what_could_end_or_begin_something_is_a_reference() {
        check("", "");
        check("https://a.example/é?b=1", "https://a.example/é?b=1");
        check("?a=1&b=2&amp;", "?a=1&amp;b=2&amp;amp;");
        check("\"'<>`", "&quot;&#39;&lt;&gt;&#96;");
        check(" \t\n\x0C\r", "&#32;&#9;&#10;&#12;&#13;");
    }
}
