//! Spanish.

use super::{Passage, Section, Texts};

pub(super) const TEXTS: Texts = Texts {
    lang: "es",
    address: "Enviado a",
    question: Section {
        heading: "¿Cancelar la suscripción?",
        plain: "¿Quiere dejar de recibir estos correos?",
        domain: "¿Quiere dejar de recibir estos correos de {domain}?",
        topic: "¿Quiere dejar de recibir correos de {domain} sobre «{topic}»?",
    },
    done: Section {
        heading: "Su suscripción está cancelada",
        plain: "Ya no recibirá estos correos. Si ha sido un error, puede deshacerlo.",
        domain: "Ya no recibirá estos correos de {domain}. Si ha sido un error, puede deshacerlo.",
        topic: "Ya no recibirá correos de {domain} sobre «{topic}». Si ha sido un error, puede deshacerlo.",
    },
    back: Section {
        heading: "Su suscripción vuelve a estar activa",
        plain: "Seguirá recibiendo estos correos.",
        domain: "Seguirá recibiendo estos correos de {domain}.",
        topic: "Seguirá recibiendo correos de {domain} sobre «{topic}».",
    },
    broken: Passage {
        heading: "Este enlace no funciona",
        text: "Es posible que se haya perdido una parte por el camino. Ábralo de nuevo desde el correo o cópielo completo.",
    },
    busy: Passage {
        heading: "No ha funcionado",
        text: "Su elección no se ha guardado. El error es nuestro. Vuelva a intentarlo dentro de un momento.",
    },
    unsubscribe: "Cancelar la suscripción",
    resubscribe: "Suscribirse de nuevo",
    retry: "Reintentar",
};
