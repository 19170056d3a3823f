//! The rules: the table of `rules.tsv`, and the times that can be set.

mod index;
mod parse;

use crate::audience::Audience;
use crate::client::{Class, Family};
use crate::headers::Field;

pub(crate) use index::candidates;

const TEXT: &str = include_str!("../rules.tsv");
const COUNT: usize = parse::count(TEXT);

/// The rules of `rules.tsv` in its order. A line that is wrong does not compile.
pub(crate) static RULES: [Rule; COUNT] = parse::rules(TEXT);

/// The rules for User-Agent whose patterns begin where no letter or digit is before them.
pub(crate) static AT_WORDS: index::Index<COUNT> = index::of(&RULES, Place::AtWord);

/// The rules for User-Agent whose patterns may stand anywhere.
pub(crate) static ANYWHERE: index::Index<COUNT> = index::of(&RULES, Place::Anywhere);

/// The rules for other fields.
pub(crate) static OTHER_FIELDS: index::Index<COUNT> = index::of(&RULES, Place::OtherField);

/// The rules that visits are judged by: those of `rules.tsv`, with times that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Rules {
    /// The times.
    pub timing: Timing,
}

/// How soon and how close together is too soon for a person. All in milliseconds; each counts as within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From delivery to a click. Two seconds: shorter than it takes to notice a message, open it and find the link in it.
    pub click_after_delivery: u32,
    /// From delivery to an open. One second, since somebody may be waiting for the message.
    pub open_after_delivery: u32,
    /// From HEAD to GET of the same link.
    pub get_after_head: u32,
    /// Whose HEAD counts for that.
    pub head_by: HeadBy,
    /// From the first to the last of all links.
    pub burst: u32,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            click_after_delivery: 2_000,
            open_after_delivery: 1_000,
            get_after_head: 60_000,
            head_by: HeadBy::SameClient,
            burst: 10_000,
        }
    }
}

/// Whose HEAD makes the GET after it a scanner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadBy {
    /// That of the same program on the same class of device, if it is known: browsers do not send HEAD before they follow
    /// a link, so what does both is none.
    SameClient,
    /// Anybody's. Some filters send HEAD in the moment in which a person clicks, and let the browser go on a second later
    /// (<https://github.com/supabase/agent-skills/issues/586>). This takes such people for scanners.
    AnyClient,
}

/// A line of `rules.tsv`.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    /// Where it is among all, from 0.
    pub(crate) number: u16,
    pub(crate) kind: Kind,
    pub(crate) when: When,
    pub(crate) field: Field,
    pub(crate) how: How,
    /// What is looked for. Invariant: in lower case, not empty.
    pub(crate) pattern: &'static str,
    /// The reason, of an audience.
    pub(crate) word: &'static str,
    pub(crate) family: Option<Family>,
    /// Of a client or device.
    pub(crate) class: Option<Class>,
}

/// What a rule says.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Who made the request.
    Audience(Audience),
    /// What program a person uses.
    Client,
    /// What kind of device it runs on.
    Device,
}

/// For which visits a rule is.
#[derive(Clone, Copy)]
pub(crate) enum When {
    Any,
    Open,
    Click,
}

/// How the pattern of a rule stands in a field.
#[derive(Clone, Copy)]
pub(crate) enum How {
    /// It is all there is.
    Is,
    /// At the beginning.
    Starts,
    /// With no letter or digit right before it.
    Word,
    /// At the end.
    Ends,
    /// Anywhere.
    Has,
}

impl Rule {
    const fn place(&self) -> Place {
        if !matches!(self.field, Field::UserAgent) {
            return Place::OtherField;
        }
        match self.how {
            How::Is | How::Starts | How::Word => Place::AtWord,
            How::Ends | How::Has => Place::Anywhere,
        }
    }
}

/// Where patterns are looked for.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// In User-Agent, where no letter or digit is before them.
    AtWord,
    /// In User-Agent, after anything.
    Anywhere,
    /// In another field.
    OtherField,
}
