//! Pages for recipients: one heading, a sentence, a button. They load nothing and run nothing.

use guest::{Response, whole, with_header};
use mailer::engagement::notice::Notice;

use crate::form::Order;
use crate::language::Language;
use crate::texts::{Passage, Section, Texts};

/// How pages look. Contrast is that of WCAG 2.2 AA, in light and in dark.
const STYLE: &str = include_str!("page.css");
/// What a page may do: look as [`STYLE`] says, and send its form to where it came from.
const POLICY: &str = "default-src 'none'; style-src 'sha256-VPWSL8ybD5F4QCumYl6Cdk1aFI1qYmWNW9YC+xpnqRY='; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const HTML: &str = "text/html; charset=utf-8";

/// What a page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Whether to unsubscribe.
    Question,
    /// It is done.
    Done,
    /// It is taken back.
    Back,
}

/// The page that asks, or says what was done; with what is known of the mail.
pub(crate) fn said(language: Language, said: Said, notice: Option<&Notice>) -> Response {
    let texts = Texts::of(language);
    let (section, order, label) = match said {
        Said::Question => (&texts.question, Order::Unsubscribe, texts.unsubscribe),
        Said::Done => (&texts.done, Order::Resubscribe, texts.resubscribe),
        Said::Back => (&texts.back, Order::Unsubscribe, texts.unsubscribe),
    };
    let class = if said == Said::Question {
        "strong"
    } else {
        "quiet"
    };
    let address = notice
        .map(|notice| address(texts, notice))
        .unwrap_or_default();
    let body = format!(
        "<p>{}</p>\n{address}{}",
        sentence(section, notice),
        form(order, label, class)
    );
    page(200, texts, section.heading, &body)
}

/// The page for a link that is none of ours.
pub(crate) fn broken(language: Language) -> Response {
    let texts = Texts::of(language);
    passage(404, texts, &texts.broken, "")
}

/// The page that says that `order` was not recorded, and lets it be sent again.
pub(crate) fn busy(language: Language, order: Order) -> Response {
    let texts = Texts::of(language);
    passage(503, texts, &texts.busy, &form(order, texts.retry, "strong"))
}

fn passage(status: u16, texts: &Texts, passage: &Passage, more: &str) -> Response {
    let body = format!("<p>{}</p>\n{more}", passage.text);
    page(status, texts, passage.heading, &body)
}

fn sentence(section: &Section, notice: Option<&Notice>) -> String {
    let Some(Notice { domain, topic, .. }) = notice else {
        return section.plain.to_owned();
    };
    let named = |text: &str| text.replace("{domain}", &strong(domain.as_ref()));
    match topic {
        // The topic is put in first: no topic has braces, so none is taken for a place to put the domain.
        Some(topic) => named(&section.topic.replace("{topic}", &strong(topic.as_str()))),
        None => named(section.domain),
    }
}

/// A name that is no word of the sentence, and is not to be read as of its language.
fn strong(name: &str) -> String {
    format!("<strong translate=\"no\">{}</strong>", escaped(name))
}

fn address(texts: &Texts, notice: &Notice) -> String {
    let recipient = escaped(&notice.recipient);
    format!(
        "<p class=\"soft\">{} <span translate=\"no\">{recipient}</span></p>\n",
        texts.address
    )
}

/// A form without action goes to where the page came from.
fn form(order: Order, label: &str, class: &str) -> String {
    let value = order.value();
    format!(
        "<form method=\"post\">\n<button class=\"{class}\" name=\"action\" value=\"{value}\">{label}</button>\n</form>\n"
    )
}

fn page(status: u16, texts: &Texts, heading: &str, body: &str) -> Response {
    let lang = texts.lang;
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{heading}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>{heading}</h1>\n{body}</main>\n</body>\n</html>\n"
    );
    let response = whole(status, HTML, page.into_bytes());
    let response = with_header(response, "content-language", lang);
    let response = with_header(response, "vary", "Accept-Language");
    with_header(response, "content-security-policy", POLICY)
}

/// `text` as HTML has it, in elements and in quoted attributes.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
        escaped
    })
}

#[cfg(test)]
mod tests;
