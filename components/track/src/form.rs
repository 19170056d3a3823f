//! What a POST to the unsubscribe link orders.
//!
//! Mailbox providers send the pair of RFC 8058 section 3.2 as `application/x-www-form-urlencoded` or as `multipart/form-data`
//! (RFC 7578); browsers send the former, with the button that was pressed. Not supported: charsets other than ASCII, transfer
//! encodings in parts. A part that is cut off counts as far as it goes.

use url::form_urlencoded;

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// No more mail, said by the mail program's button.
    OneClick,
    /// No more mail, said on our page.
    Unsubscribe,
    /// Mail again, said on our page.
    Resubscribe,
}

/// Names and values of a form.
type Pairs = Vec<(String, String)>;

/// The longest boundary (RFC 2046 section 5.1.1).
const MAX_BOUNDARY: usize = 70;

impl Order {
    /// The value that our page's button sends.
    pub(crate) const fn value(self) -> &'static str {
        match self {
            Self::OneClick | Self::Unsubscribe => "unsubscribe",
            Self::Resubscribe => "resubscribe",
        }
    }

    fn of(name: &str, value: &str) -> Option<Self> {
        let is = |a: &str, b: &str| a.trim().eq_ignore_ascii_case(b);
        if is(name, "List-Unsubscribe") && is(value, "One-Click") {
            return Some(Self::OneClick);
        }
        let wanted = |order: &Self| name == "action" && value == order.value();
        [Self::Unsubscribe, Self::Resubscribe]
            .into_iter()
            .find(wanted)
    }
}

/// The order in a form; none if there is none, or two that contradict each other. Other fields are passed over.
pub(crate) fn order(content_type: Option<&str>, body: &[u8]) -> Option<Order> {
    let pairs = match content_type.and_then(boundary) {
        Some(boundary) => multipart(&boundary, body),
        None => form_urlencoded::parse(body).into_owned().collect(),
    };
    let mut orders = pairs
        .iter()
        .filter_map(|(name, value)| Order::of(name, value));
    let first = orders.next()?;
    orders.all(|other| other == first).then_some(first)
}

/// The boundary of a multipart type.
fn boundary(content_type: &str) -> Option<String> {
    let (essence, parameters) = content_type.split_once(';')?;
    let is_multipart = essence.trim().eq_ignore_ascii_case("multipart/form-data");
    let boundary = parameter(parameters, "boundary").filter(|_| is_multipart)?;
    (1..=MAX_BOUNDARY)
        .contains(&boundary.len())
        .then_some(boundary)
}

/// The value of a parameter such as `name="value"`, without its quotes.
fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim();
        let quoted = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'));
        let is_wanted = name.trim().eq_ignore_ascii_case(wanted);
        is_wanted.then(|| quoted.unwrap_or(value).to_owned())
    })
}

/// The fields of a multipart form. What is no text is none of ours.
fn multipart(boundary: &str, body: &[u8]) -> Pairs {
    let Ok(text) = std::str::from_utf8(body) else {
        return Pairs::new();
    };
    // The first delimiter may have nothing before it.
    let text = format!("\r\n{text}");
    let delimiter = format!("\r\n--{boundary}");
    let parts = text.split(delimiter.as_str()).skip(1);
    let parts = parts.take_while(|part| !part.starts_with("--"));
    parts.filter_map(part).collect()
}

/// Name and content of a part, whose first line is what is left of its delimiter.
fn part(text: &str) -> Option<(String, String)> {
    let (padding, rest) = text.split_once("\r\n")?;
    let (head, content) = rest.split_once("\r\n\r\n")?;
    let is_field = |line: &&str| {
        let name = line.split_once(':').map_or("", |(name, _)| name);
        name.trim().eq_ignore_ascii_case("content-disposition")
    };
    let (_, disposition) = head.split("\r\n").find(is_field)?.split_once(':')?;
    let name = parameter(disposition, "name").filter(|_| padding.trim().is_empty())?;
    Some((name, content.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    #[track_caller]
    fn check(content_type: Option<&str>, body: &str, expected: Option<Order>) {
        assert_eq!(order(content_type, body.as_bytes()), expected, "{body:?}");
    }

    fn multipart_body(boundary: &str, name: &str, value: &str) -> String {
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n--{boundary}--\r\n"
        )
    }

    #[test]
    fn forms_of_programs_and_of_our_page_are_read() {
        check(
            Some(FORM),
            "List-Unsubscribe=One-Click",
            Some(Order::OneClick),
        );
        check(
            None,
            "List-Unsubscribe=One-Click\r\n",
            Some(Order::OneClick),
        );
        check(
            Some(FORM),
            "List%2DUnsubscribe=One%2dClick&x=y",
            Some(Order::OneClick),
        );
        check(Some(FORM), "action=unsubscribe", Some(Order::Unsubscribe));
        check(Some(FORM), "action=resubscribe", Some(Order::Resubscribe));
    }

    #[test]
    fn multipart_forms_are_read() {
        let body = multipart_body("b-1", "List-Unsubscribe", "One-Click");
        for content_type in [
            "multipart/form-data; boundary=b-1",
            "Multipart/Form-Data; charset=utf-8; Boundary=\"b-1\"",
        ] {
            check(Some(content_type), &body, Some(Order::OneClick));
        }
        let preamble = format!("to be passed over\r\n{body}epilogue");
        let content_type = Some("multipart/form-data; boundary=b-1");
        check(content_type, &preamble, Some(Order::OneClick));
        let other = multipart_body("b-1", "file", "--b-1 is no delimiter here");
        check(
            content_type,
            &format!("{}{body}", other.replace("--b-1--\r\n", "")),
            Some(Order::OneClick),
        );
        check(
            content_type,
            body.trim_end_matches("--\r\n"),
            Some(Order::OneClick),
        );
    }

    #[test]
    fn anything_else_is_no_order() {
        for body in [
            "",
            "List-Unsubscribe",
            "One-Click",
            "List-Unsubscribe=One-Click-Not",
            "list=List-Unsubscribe=One-Click",
            "action=",
            "action=Unsubscribe",
            "action=delete",
            "ACTION=unsubscribe",
            "{\"List-Unsubscribe\":\"One-Click\"}",
            "action=unsubscribe&action=resubscribe",
            "List-Unsubscribe=One-Click&action=resubscribe",
        ] {
            check(Some(FORM), body, None);
        }
        let body = multipart_body("b-1", "List-Unsubscribe", "One-Click");
        check(Some("multipart/form-data; boundary=b"), &body, None);
        check(Some("multipart/form-data; boundary="), &body, None);
        check(Some("multipart/mixed; boundary=b-1"), &body, None);
        check(
            Some("multipart/form-data; boundary=b-1"),
            "List-Unsubscribe=One-Click",
            None,
        );
        let far = format!("multipart/form-data; boundary={}", "b".repeat(71));
        check(
            Some(&far),
            &multipart_body(&"b".repeat(71), "action", "unsubscribe"),
            None,
        );
    }

    proptest! {
        #[test]
        fn whatever_comes_there_is_an_answer(content_type: String, body: Vec<u8>) {
            let _ = order(Some(&content_type), &body);
            let _ = order(Some("multipart/form-data; boundary=b"), &body);
        }

        #[test]
        fn a_part_is_found_behind_whatever_others(value in "[^-\r\n]{0,20}", boundary in "[a-z0-9]{1,70}") {
            let content_type = format!("multipart/form-data; boundary={boundary}");
            let other = multipart_body(&boundary, "other", &value);
            let body = multipart_body(&boundary, "action", "unsubscribe");
            let open = other.replace(&format!("--{boundary}--\r\n"), "");
            prop_assert_eq!(order(Some(&content_type), format!("{open}{body}").as_bytes()), Some(Order::Unsubscribe));
        }
    }
}
