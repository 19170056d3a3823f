//! The sender usernames of a domain.

use envelope::{Domain, LocalPart};
use message::DisplayName;

use super::edit::{DomainError, edit};
use super::history::EventKind;
use super::record::{DEFAULT_SENDER, DomainRecord, SenderUsername};
use crate::ports::{Clock, KeyValue, Scheduler};

/// Most sender usernames of one domain.
pub const MAX_SENDERS: usize = 100;

/// Adds a sender username, or changes the display name of the one there is. Gives whether it is new.
///
/// # Errors
/// When the username is no local part, the display name is none, the domain has as many as it may, or as [`edit`].
pub async fn set<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    domain: &Domain,
    username: &str,
    display_name: Option<&str>,
) -> Result<(SenderUsername, bool), DomainError> {
    let sender = checked(username, display_name)?;
    let (_, is_new) = edit(ports, domain, |draft| {
        let is_new = put(&mut draft.record, &sender)?;
        draft.note(EventKind::SenderSet, None, sender.username.as_str());
        Ok(is_new)
    })
    .await?;
    Ok((sender, is_new))
}

fn checked(username: &str, display_name: Option<&str>) -> Result<SenderUsername, DomainError> {
    let local_part = LocalPart::parse(username).map_err(|_| DomainError::SenderUsername)?;
    if let Some(name) = display_name {
        DisplayName::parse(name).map_err(|_| DomainError::DisplayName)?;
    }
    Ok(SenderUsername {
        username: local_part.content().to_owned(),
        display_name: display_name.map(str::to_owned),
    })
}

fn put(record: &mut DomainRecord, sender: &SenderUsername) -> Result<bool, DomainError> {
    let is_it = |other: &&mut SenderUsername| other.username.eq_ignore_ascii_case(&sender.username);
    if let Some(found) = record.senders.iter_mut().find(is_it) {
        *found = sender.clone();
        return Ok(false);
    }
    if record.senders.len() >= MAX_SENDERS {
        return Err(DomainError::TooManySenders);
    }
    record.senders.push(sender.clone());
    Ok(true)
}

/// Removes a sender username, spelt in any letter case.
///
/// # Errors
/// When there is none, when it is the default one, or as [`edit`].
pub async fn remove<P: Clock + KeyValue + Scheduler>(
    ports: &P,
    domain: &Domain,
    username: &str,
) -> Result<(), DomainError> {
    if username.eq_ignore_ascii_case(DEFAULT_SENDER) {
        return Err(DomainError::DefaultSender);
    }
    let change = |draft: &mut super::edit::Draft| {
        let before = draft.record.senders.len();
        draft
            .record
            .senders
            .retain(|sender| !sender.username.eq_ignore_ascii_case(username));
        if draft.record.senders.len() == before {
            return Err(DomainError::NoSuchSender);
        }
        draft.note(EventKind::SenderRemoved, None, username);
        Ok(())
    };
    edit(ports, domain, change).await.map(|_| ())
}
