//! Finds the rules that match a request.
//!
//! The User-Agent is gone through once. At each octet only the patterns that begin with it are tried, most of them only
//! where a word begins.

use crate::headers::{Field, Headers, MAX_HEADER_OCTETS};
use crate::rules::{ANYWHERE, AT_WORDS, How, Kind, OTHER_FIELDS, RULES, Rule, When, candidates};
use crate::visit::Action;

/// The first rule of each kind that matches.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) audience: Option<&'static Rule>,
    pub(crate) client: Option<&'static Rule>,
    pub(crate) device: Option<&'static Rule>,
}

impl Findings {
    fn of(&mut self, kind: Kind) -> &mut Option<&'static Rule> {
        match kind {
            Kind::Audience(_) => &mut self.audience,
            Kind::Client => &mut self.client,
            Kind::Device => &mut self.device,
        }
    }

    /// Takes a rule that matches, unless there is one that comes before it.
    fn offer(&mut self, rule: &'static Rule) {
        let best = self.of(rule.kind);
        if best.is_none_or(|best| rule.number < best.number) {
            *best = Some(rule);
        }
    }
}

/// The rules that match the fields of a request for what `action` says.
pub(crate) fn find(headers: &Headers<'_>, action: Action) -> Findings {
    let mut found = Findings::default();
    for field in Field::OTHERS {
        if let Some(value) = headers.get(field) {
            let mut buffer = [0; MAX_HEADER_OCTETS];
            in_other_field(&mut found, lower_case(value, &mut buffer), field, action);
        }
    }
    if let Some(value) = headers.user_agent {
        let mut buffer = [0; MAX_HEADER_OCTETS];
        in_user_agent(&mut found, lower_case(value, &mut buffer), action);
    }
    found
}

/// As much of the value as is looked at, without white space around it, in lower case.
fn lower_case<'b>(value: &[u8], buffer: &'b mut [u8; MAX_HEADER_OCTETS]) -> &'b [u8] {
    let value = value.get(..MAX_HEADER_OCTETS).unwrap_or(value).trim_ascii();
    let mut length = 0;
    for (to, from) in buffer.iter_mut().zip(value) {
        *to = from.to_ascii_lowercase();
        length += 1;
    }
    buffer.get(..length).unwrap_or_default()
}

fn in_user_agent(found: &mut Findings, text: &[u8], action: Action) {
    for (at, first) in text.iter().enumerate() {
        let at_word: &[u16] = if is_word_start(text, at) {
            candidates(&AT_WORDS, *first)
        } else {
            &[]
        };
        for number in at_word.iter().chain(candidates(&ANYWHERE, *first)) {
            let Some(rule) = RULES.get(usize::from(*number)) else {
                continue;
            };
            if matches_at(rule, text, at) && applies(rule.when, action) {
                found.offer(rule);
            }
        }
    }
}

fn in_other_field(found: &mut Findings, text: &[u8], field: Field, action: Action) {
    for (at, first) in text.iter().enumerate() {
        for number in candidates(&OTHER_FIELDS, *first) {
            let Some(rule) = RULES.get(usize::from(*number)) else {
                continue;
            };
            if rule.field == field && matches_at(rule, text, at) && applies(rule.when, action) {
                found.offer(rule);
            }
        }
    }
}

const fn applies(when: When, action: Action) -> bool {
    match when {
        When::Any => true,
        When::Open => matches!(action, Action::Open),
        When::Click => matches!(action, Action::Click(_) | Action::Unsubscribe),
    }
}

/// Whether the pattern of a rule stands in the text at this place, in the way that the rule says.
fn matches_at(rule: &Rule, text: &[u8], at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    let pattern = rule.pattern.as_bytes();
    // Most differ in the second octet, so this is faster than to compare slices.
    let is_here = rest.len() >= pattern.len() && rest.iter().zip(pattern).all(|(a, b)| a == b);
    let is_all = rest.len() == pattern.len();
    is_here
        && match rule.how {
            How::Is => at == 0 && is_all,
            How::Starts => at == 0,
            How::Word => is_word_start(text, at),
            How::Ends => is_all,
            How::Has => true,
        }
}

/// Whether no letter or digit is right before this place.
fn is_word_start(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    !before.is_some_and(u8::is_ascii_alphanumeric)
}
