//! What a receiving server will conclude.

use mailer::dmarc::Policy;
use mailer::domain::diagnosis::{self, DkimResult, DmarcResult};
use mailer::spf::SpfResult;
use serde::Serialize;

/// What a receiving server will conclude about mail sent now.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Diagnosis {
    spf: Vec<Spf>,
    dkim: Vec<Dkim>,
    dmarc: Dmarc,
    advice: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spf {
    sending_address: String,
    domain: String,
    result: &'static str,
    aligned: bool,
    explanation: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dkim {
    selector: String,
    algorithm: &'static str,
    result: &'static str,
    aligned: bool,
    explanation: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dmarc {
    result: &'static str,
    policy: Option<&'static str>,
    explanation: String,
}

impl From<&diagnosis::Diagnosis> for Diagnosis {
    fn from(found: &diagnosis::Diagnosis) -> Self {
        Self {
            spf: found.spf.iter().map(Spf::from).collect(),
            dkim: found.dkim.iter().map(Dkim::from).collect(),
            dmarc: Dmarc::from(&found.dmarc),
            advice: found.advice.clone(),
        }
    }
}

impl From<&diagnosis::SpfOutlook> for Spf {
    fn from(found: &diagnosis::SpfOutlook) -> Self {
        Self {
            sending_address: found.address.to_string(),
            domain: found.domain.to_string(),
            result: match found.result {
                SpfResult::None => "none",
                SpfResult::Neutral => "neutral",
                SpfResult::Pass => "pass",
                SpfResult::Fail => "fail",
                SpfResult::SoftFail => "softfail",
                SpfResult::TempError => "temperror",
                SpfResult::PermError => "permerror",
            },
            aligned: found.aligned,
            explanation: found.explanation.clone(),
        }
    }
}

impl From<&diagnosis::DkimOutlook> for Dkim {
    fn from(found: &diagnosis::DkimOutlook) -> Self {
        Self {
            selector: found.selector.clone(),
            algorithm: found.algorithm.as_str(),
            result: match found.result {
                DkimResult::Pass => "pass",
                DkimResult::PermError => "permerror",
                DkimResult::TempError => "temperror",
            },
            aligned: found.aligned,
            explanation: found.explanation.clone(),
        }
    }
}

impl From<&diagnosis::DmarcOutlook> for Dmarc {
    fn from(found: &diagnosis::DmarcOutlook) -> Self {
        Self {
            result: match found.result {
                DmarcResult::Pass => "pass",
                DmarcResult::Fail => "fail",
                DmarcResult::None => "none",
                DmarcResult::TempError => "temperror",
                DmarcResult::PermError => "permerror",
            },
            policy: found.policy.map(Policy::as_str),
            explanation: found.explanation.clone(),
        }
    }
}
