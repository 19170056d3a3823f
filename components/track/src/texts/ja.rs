//! Japanese.

use super::{Passage, Section, Texts};

pub(super) const TEXTS: Texts = Texts {
    lang: "ja",
    address: "送信先：",
    question: Section {
        heading: "配信を停止しますか？",
        plain: "今後、このメールの配信を停止してもよろしいですか？",
        domain: "今後、{domain} からのこのメールの配信を停止してもよろしいですか？",
        topic: "今後、{domain} からの「{topic}」に関するメールの配信を停止してもよろしいですか？",
    },
    done: Section {
        heading: "配信を停止しました",
        plain: "今後、このメールは届きません。お間違えの場合は、元に戻すことができます。",
        domain: "今後、{domain} からのこのメールは届きません。お間違えの場合は、元に戻すことができます。",
        topic: "今後、{domain} からの「{topic}」に関するメールは届きません。お間違えの場合は、元に戻すことができます。",
    },
    back: Section {
        heading: "配信を再開しました",
        plain: "引き続き、このメールをお届けします。",
        domain: "引き続き、{domain} からのこのメールをお届けします。",
        topic: "引き続き、{domain} からの「{topic}」に関するメールをお届けします。",
    },
    broken: Passage {
        heading: "このリンクは無効です",
        text: "リンクの一部が欠けている可能性があります。メールからもう一度開くか、リンク全体をコピーしてください。",
    },
    busy: Passage {
        heading: "処理できませんでした",
        text: "お客様の選択は保存されていません。当方の不具合です。しばらくしてから、もう一度お試しください。",
    },
    unsubscribe: "配信を停止する",
    resubscribe: "配信を再開する",
    retry: "もう一度試す",
};
