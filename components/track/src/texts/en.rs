//! English.

use super::{Passage, Section, Texts};

pub(super) const TEXTS: Texts = Texts {
    lang: "en",
    address: "Sent to",
    question: Section {
        heading: "Unsubscribe?",
        plain: "Would you like to stop receiving these emails?",
        domain: "Would you like to stop receiving these emails from {domain}?",
        topic: "Would you like to stop receiving emails about “{topic}” from {domain}?",
    },
    done: Section {
        heading: "You are unsubscribed",
        plain: "You will not get these emails any more. If this was a mistake, you can take it back.",
        domain: "You will not get these emails from {domain} any more. If this was a mistake, you can take it back.",
        topic: "You will not get emails about “{topic}” from {domain} any more. If this was a mistake, you can take it back.",
    },
    back: Section {
        heading: "You are subscribed again",
        plain: "You will keep getting these emails.",
        domain: "You will keep getting these emails from {domain}.",
        topic: "You will keep getting emails about “{topic}” from {domain}.",
    },
    broken: Passage {
        heading: "This link does not work",
        text: "Part of it may have got lost on the way. Please open it again from the email, or copy all of it.",
    },
    busy: Passage {
        heading: "That did not work",
        text: "Your choice was not recorded. The fault is ours. Please try again in a moment.",
    },
    unsubscribe: "Unsubscribe",
    resubscribe: "Subscribe again",
    retry: "Try again",
};
