//! What pages say, in each language: one file a language, so that whoever knows it can look it through.

mod de;
mod en;
mod es;
mod fr;
mod ja;

use crate::language::Language;

/// All texts of a language. `{domain}` stands for who sent the mail, `{topic}` for what it is about.
#[derive(Debug)]
pub(crate) struct Texts {
    /// The language, as HTML names it (RFC 5646).
    pub(crate) lang: &'static str,
    /// Before the address of who got the mail.
    pub(crate) address: &'static str,
    /// Asks whether to unsubscribe.
    pub(crate) question: Section,
    /// Says that it is done.
    pub(crate) done: Section,
    /// Says that mail comes again.
    pub(crate) back: Section,
    /// Says that the link is none of ours.
    pub(crate) broken: Passage,
    /// Says that nothing was recorded.
    pub(crate) busy: Passage,
    /// The button that unsubscribes.
    pub(crate) unsubscribe: &'static str,
    /// The button that takes it back.
    pub(crate) resubscribe: &'static str,
    /// The button that sends the same again.
    pub(crate) retry: &'static str,
}

/// A heading, and what stands below it, by what is known of the mail.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) heading: &'static str,
    /// Nothing is known.
    pub(crate) plain: &'static str,
    /// With `{domain}`.
    pub(crate) domain: &'static str,
    /// With `{domain}` and `{topic}`.
    pub(crate) topic: &'static str,
}

/// A heading, and what stands below it.
#[derive(Debug)]
pub(crate) struct Passage {
    pub(crate) heading: &'static str,
    pub(crate) text: &'static str,
}

impl Texts {
    /// Those of `language`.
    pub(crate) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &en::TEXTS,
            Language::German => &de::TEXTS,
            Language::French => &fr::TEXTS,
            Language::Spanish => &es::TEXTS,
            Language::Japanese => &ja::TEXTS,
        }
    }
}
