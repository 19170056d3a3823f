//! Other people's DKIM verifiers.

use std::{
    borrow::Borrow,
    fs,
    hash::Hash,
    path::{Path, PathBuf},
    time::Instant,
};

use mail_auth::{
    AuthenticatedMessage, DkimResult, MessageAuthenticator, Parameters, ResolverCache, Txt,
    common::{parse::TxtRecordParser as _, verify::DomainKey},
    hickory_resolver::config::{ResolverConfig, ResolverOpts},
};
use serde_json::json;
use tempfile::TempDir;

use crate::tools;

/// The one key there is, by its DNS name, and a folder for messages to be judged.
pub(crate) struct Verifiers {
    name: String,
    record: String,
    folder: TempDir,
}

/// What each verifier says of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdicts {
    pub(crate) dkimpy: bool,
    pub(crate) opendkim: bool,
    pub(crate) mail_auth: bool,
}

impl Verdicts {
    /// All verifiers say this.
    pub(crate) const fn all(passes: bool) -> Self {
        Self {
            dkimpy: passes,
            opendkim: passes,
            mail_auth: passes,
        }
    }
}

impl Verifiers {
    pub(crate) fn new((name, record): (&str, &str)) -> Self {
        Self {
            name: name.to_owned(),
            record: record.to_owned(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Judges messages, each with its lines ended by CRLF.
    pub(crate) async fn judge(&self, messages: &[Vec<u8>]) -> Vec<Verdicts> {
        let files: Vec<PathBuf> = messages
            .iter()
            .enumerate()
            .map(|(n, message)| self.write(&format!("{n}.eml"), message))
            .collect();
        let mut verdicts = Vec::new();
        for ((message, file), dkimpy) in messages.iter().zip(&files).zip(self.dkimpy(&files).await)
        {
            verdicts.push(Verdicts {
                dkimpy,
                opendkim: self.opendkim(file).await,
                mail_auth: self.mail_auth(message).await,
            });
        }
        verdicts
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    async fn dkimpy(&self, files: &[PathBuf]) -> Vec<bool> {
        let job = json!({"name": self.name, "record": self.record, "files": files});
        let script = tools::script("python/dkim_verify.py");
        let verdicts = tools::ask(&tools::python("1.1.0"), &script, &job).await;
        serde_json::from_value(verdicts).unwrap()
    }

    async fn opendkim(&self, file: &Path) -> bool {
        let keys = self.write(
            "keys",
            format!("{} {}\n", self.name, self.record).as_bytes(),
        );
        let settings = format!("Mode v\nSyslog no\nTestPublicKeys {}\n", keys.display());
        let settings = self.write("opendkim.conf", settings.as_bytes());
        let program = tools::installed("/usr/sbin/opendkim");
        let arguments = ["-x".as_ref(), settings.as_path(), "-t".as_ref(), file];
        let output = tools::run(&program, &arguments, "").await;
        let said = String::from_utf8_lossy(&output.stdout);
        output.status.success() && said.contains("succeeded")
    }

    async fn mail_auth(&self, message: &[u8]) -> bool {
        // Never asked: the cache has an answer to every question.
        let resolver =
            MessageAuthenticator::new(ResolverConfig::default(), ResolverOpts::default());
        let parsed = AuthenticatedMessage::parse(message).unwrap();
        let key = OneKey {
            name: format!("{}.", self.name).into(),
            key: DomainKey::parse(self.record.as_bytes()).unwrap().into(),
        };
        let parameters = Parameters::new(&parsed).with_txt_cache(&key);
        let verdicts = resolver.unwrap().verify_dkim(parameters).await;
        let [verdict] = verdicts.as_slice() else {
            panic!("expected one signature, found {verdicts:?}");
        };
        *verdict.result() == DkimResult::Pass
    }
}

/// A cache in the place of DNS.
struct OneKey {
    name: Box<str>,
    key: Txt,
}

impl ResolverCache<Box<str>, Txt> for OneKey {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let known: &Q = self.name.borrow();
        assert!(known == name, "a signature names another key than ours");
        Some(self.key.clone())
    }

    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: Instant) {}
}
