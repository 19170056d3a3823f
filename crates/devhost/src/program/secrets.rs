//! The application's secrets: made once, and kept where only their owner can read them.

use std::{collections::BTreeMap, error::Error, io, path::Path};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};

use super::{print, state::write_private};

/// The largest file of secrets read.
const MAX_BYTES: u64 = 64 * 1024;

/// The form a secret is written in.
#[derive(Clone, Copy)]
enum Form {
    /// A key: base64 of this many random bytes.
    Key(usize),
    /// A bearer token, which must be fit for a header field.
    Token,
    /// A secret of Standard Webhooks.
    Webhook,
}

/// Every secret the application may declare, and its form.
const SECRETS: [(&str, Form); 10] = [
    ("access_key_primary", Form::Key(64)),
    ("access_key_secondary", Form::Key(64)),
    ("admin_token", Form::Token),
    ("link_key", Form::Key(32)),
    ("master_key", Form::Key(32)),
    ("relay_event_secret", Form::Webhook),
    ("relay_token", Form::Token),
    ("report_token", Form::Token),
    ("return_path_key", Form::Key(32)),
    ("webhook_key", Form::Key(32)),
];

/// A value for each secret.
#[derive(Clone)]
pub(super) struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// Reads the file at `path`, and makes what is missing in it.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is not one of ours.
    pub(super) fn load_or_make(path: &Path) -> io::Result<Self> {
        let mut secrets = Self::load(path)?.unwrap_or(Self(BTreeMap::new()));
        if secrets.complete()? {
            let text = serde_json::to_string_pretty(&secrets.0).map_err(io::Error::other)?;
            write_private(path, text.as_bytes())?;
        }
        Ok(secrets)
    }

    /// Reads the file at `path`, if there is one.
    ///
    /// # Errors
    /// When the file cannot be read or is not one of ours.
    pub(super) fn load(path: &Path) -> io::Result<Option<Self>> {
        let malformed = |error| {
            io::Error::other(format!(
                "{} is not a file of secrets: {error}",
                path.display()
            ))
        };
        match std::fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
            Ok(metadata) if metadata.len() > MAX_BYTES => {
                return Err(malformed("it is too large".to_owned()));
            }
            Ok(_) => {}
        }
        let text = std::fs::read_to_string(path)?;
        serde_json::from_str(&text)
            .map(|values| Some(Self(values)))
            .map_err(|error| malformed(error.to_string()))
    }

    /// Makes what is missing, and tells whether anything was.
    fn complete(&mut self) -> io::Result<bool> {
        let before = self.0.len();
        for (name, form) in SECRETS {
            if !self.0.contains_key(name) {
                self.0.insert(name.to_owned(), form.make()?);
            }
        }
        Ok(self.0.len() > before)
    }

    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }
}

impl Form {
    fn make(self) -> io::Result<String> {
        let length = match self {
            Self::Key(length) => length,
            Self::Token | Self::Webhook => 32,
        };
        let mut bytes = vec![0; length];
        getrandom::fill(&mut bytes)
            .map_err(|error| io::Error::other(format!("no randomness: {error}")))?;
        Ok(match self {
            Self::Key(_) => BASE64_STANDARD.encode(bytes),
            Self::Token => BASE64_URL_SAFE_NO_PAD.encode(bytes),
            Self::Webhook => format!("whsec_{}", BASE64_STANDARD.encode(bytes)),
        })
    }
}

/// Prints a fresh set as lines for a shell.
pub(super) fn print_lines(secrets: &Secrets) -> String {
    let line = |(name, value): (&String, &String)| {
        format!(
            "export {}='{value}'",
            crate::variables::environment_name(name)
        )
    };
    secrets.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Prints a fresh set of secrets for `spin up`.
///
/// # Errors
/// When there is no randomness or no standard output.
pub(super) fn print_fresh() -> Result<(), Box<dyn Error>> {
    let mut secrets = Secrets(BTreeMap::new());
    secrets.complete()?;
    Ok(print(print_lines(&secrets))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_made_once_and_missing_ones_added() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.json");
        let made = Secrets::load_or_make(&path).unwrap();
        assert_eq!(made.0, Secrets::load_or_make(&path).unwrap().0);
        write_private(&path, br#"{"admin_token":"kept"}"#).unwrap();
        let completed = Secrets::load_or_make(&path).unwrap();
        assert_eq!(
            (completed.get("admin_token"), completed.0.len()),
            ("kept", SECRETS.len())
        );
    }

    #[test]
    fn keys_have_their_length_and_no_two_are_the_same() {
        let mut secrets = Secrets(BTreeMap::new());
        secrets.complete().unwrap();
        assert_eq!(
            BASE64_STANDARD
                .decode(secrets.get("master_key"))
                .unwrap()
                .len(),
            32
        );
        assert_eq!(
            BASE64_STANDARD
                .decode(secrets.get("access_key_primary"))
                .unwrap()
                .len(),
            64
        );
        assert_ne!(
            secrets.get("access_key_primary"),
            secrets.get("access_key_secondary")
        );
    }

    #[test]
    fn a_damaged_file_is_refused_rather_than_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.json");
        write_private(&path, b"{").unwrap();
        assert!(Secrets::load_or_make(&path).is_err());
    }

    #[test]
    fn lines_are_for_a_shell() {
        let secrets = Secrets(BTreeMap::from([("admin_token".to_owned(), "x".to_owned())]));
        assert_eq!(
            print_lines(&secrets),
            "export SPIN_VARIABLE_ADMIN_TOKEN='x'"
        );
    }
}
