//! German.

use super::{Passage, Section, Texts};

pub(super) const TEXTS: Texts = Texts {
    lang: "de",
    address: "Gesendet an",
    question: Section {
        heading: "Abbestellen?",
        plain: "Möchten Sie diese E-Mails nicht mehr erhalten?",
        domain: "Möchten Sie diese E-Mails von {domain} nicht mehr erhalten?",
        topic: "Möchten Sie keine E-Mails zum Thema „{topic}“ von {domain} mehr erhalten?",
    },
    done: Section {
        heading: "Sie sind abgemeldet",
        plain: "Sie erhalten diese E-Mails nicht mehr. War das ein Versehen? Dann können Sie es rückgängig machen.",
        domain: "Sie erhalten diese E-Mails von {domain} nicht mehr. War das ein Versehen? Dann können Sie es rückgängig machen.",
        topic: "Sie erhalten keine E-Mails zum Thema „{topic}“ von {domain} mehr. War das ein Versehen? Dann können Sie es rückgängig machen.",
    },
    back: Section {
        heading: "Sie sind wieder angemeldet",
        plain: "Sie erhalten diese E-Mails auch weiterhin.",
        domain: "Sie erhalten diese E-Mails von {domain} auch weiterhin.",
        topic: "Sie erhalten auch weiterhin E-Mails zum Thema „{topic}“ von {domain}.",
    },
    broken: Passage {
        heading: "Dieser Link funktioniert nicht",
        text: "Vielleicht ist unterwegs ein Teil davon verloren gegangen. Bitte öffnen Sie ihn noch einmal aus der E-Mail, oder kopieren Sie ihn vollständig.",
    },
    busy: Passage {
        heading: "Das hat nicht geklappt",
        text: "Ihre Auswahl wurde nicht gespeichert. Der Fehler liegt bei uns. Bitte versuchen Sie es gleich noch einmal.",
    },
    unsubscribe: "Abbestellen",
    resubscribe: "Wieder anmelden",
    retry: "Noch einmal versuchen",
};
