//! The messages under `tests/vectors`.

macro_rules! vectors {
    ($($path:literal),* $(,)?) => {
        pub(crate) const ALL: &[(&str, &str)] = &[$(($path, include_str!(concat!("../vectors/", $path)))),*];
    };
}

vectors![
    "auto_reply/gmail.eml",
    "auto_reply/outlook.eml",
    "auto_reply/vacation.eml",
    "delivery/exchange_2007.eml",
    "delivery/exchange_online.eml",
    "delivery/exim_delay.eml",
    "delivery/exim_mime.eml",
    "delivery/exim_text.eml",
    "delivery/gmail.eml",
    "delivery/gmail_delay_text.eml",
    "delivery/gmail_text.eml",
    "delivery/listserver_wrapped.eml",
    "delivery/opensmtpd.eml",
    "delivery/postfix_delay.eml",
    "delivery/postfix_user_unknown.eml",
    "delivery/qmail.eml",
    "delivery/sendmail.eml",
    "delivery/smtputf8.eml",
    "delivery/yahoo.eml",
    "delivery/yahoo_mta.eml",
    "feedback/auth_failure.eml",
    "feedback/yahoo.eml",
    "other/answer.eml",
    "other/disposition.eml",
    "other/forwarded_bounce.eml",
    "other/unknown_bounce.eml",
    "rfc3464/delayed.eml",
    "rfc3464/gateway.eml",
    "rfc3464/multi_recipient.eml",
    "rfc3464/simple.eml",
    "rfc5965/full.eml",
    "rfc5965/minimal.eml",
];

#[track_caller]
pub(crate) fn vector(path: &str) -> &'static str {
    let found = ALL.iter().find(|(name, _)| *name == path);
    found.unwrap().1
}

/// A file that no test reads would prove nothing.
#[test]
fn every_file_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += std::fs::read_dir(path).unwrap().count();
        }
    }
    assert_eq!(files, ALL.len());
}
