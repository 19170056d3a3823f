//! French.

use super::{Passage, Section, Texts};

// Before a question mark and inside of guillemets stand no-break spaces.
pub(super) const TEXTS: Texts = Texts {
    lang: "fr",
    address: "Envoyé à",
    question: Section {
        heading: "Se désabonner\u{a0}?",
        plain: "Souhaitez-vous ne plus recevoir ces e-mails\u{a0}?",
        domain: "Souhaitez-vous ne plus recevoir ces e-mails de {domain}\u{a0}?",
        topic: "Souhaitez-vous ne plus recevoir d’e-mails de {domain} sur le thème «\u{a0}{topic}\u{a0}»\u{a0}?",
    },
    done: Section {
        heading: "Vous êtes désabonné(e)",
        plain: "Vous ne recevrez plus ces e-mails. En cas d’erreur, vous pouvez revenir sur votre choix.",
        domain: "Vous ne recevrez plus ces e-mails de {domain}. En cas d’erreur, vous pouvez revenir sur votre choix.",
        topic: "Vous ne recevrez plus d’e-mails de {domain} sur le thème «\u{a0}{topic}\u{a0}». En cas d’erreur, vous pouvez revenir sur votre choix.",
    },
    back: Section {
        heading: "Vous êtes de nouveau abonné(e)",
        plain: "Vous continuerez à recevoir ces e-mails.",
        domain: "Vous continuerez à recevoir ces e-mails de {domain}.",
        topic: "Vous continuerez à recevoir des e-mails de {domain} sur le thème «\u{a0}{topic}\u{a0}».",
    },
    broken: Passage {
        heading: "Ce lien ne fonctionne pas",
        text: "Une partie s’est peut-être perdue en route. Ouvrez-le de nouveau depuis l’e-mail, ou copiez-le en entier.",
    },
    busy: Passage {
        heading: "Cela n’a pas fonctionné",
        text: "Votre choix n’a pas été enregistré. L’erreur vient de nous. Veuillez réessayer dans un instant.",
    },
    unsubscribe: "Se désabonner",
    resubscribe: "Se réabonner",
    retry: "Réessayer",
};
