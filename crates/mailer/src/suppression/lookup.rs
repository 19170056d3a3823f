//! Whether an address is written to, and why not.

use envelope::AddrSpec;
use futures::future::{try_join_all, try_join3};

use super::identity::{Name, Suppressor};
use super::list::{SuppressionList, SuppressionLists, topic_name};
use super::record::{Kind, Suppression};
use super::shelf::Scope;
use crate::keys;
use crate::ports::{KeyValue, StoreError};
use crate::time::Timestamp;
use crate::treatment::{Topic, Treatment};

/// Why an address may not be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Whose mail the list holds back.
    pub scope: Scope,
    /// What put the address on it.
    pub kind: Kind,
    /// When it may be written to again, if ever.
    pub until: Option<Timestamp>,
    /// The last reply from there.
    pub reply: Option<String>,
}

/// The mail that is to go there.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'a> {
    /// The address in its From field.
    pub sender: &'a AddrSpec,
    /// What was decided for it: its topic has a list, and what is owed goes to those too who unsubscribed.
    pub treatment: &'a Treatment,
}

/// Whether an address may be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// It may.
    Free,
    /// It may, since the mail is owed: its owner unsubscribed from others.
    Bypassed(Hit),
    /// It may not.
    Held(Hit),
}

impl Ruling {
    /// Whether it may not be written to.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }
}

/// For each of `recipients`, in their order, whether `mail` may go there.
///
/// All is read in one round of concurrent reads: two, and for each recipient three, or twice as many if addresses are hashed; one more, or
/// two, if the mail has a topic.
///
/// # Errors
/// When a list cannot be read; then nothing may be sent.
pub async fn check(
    store: &impl KeyValue,
    suppressor: &Suppressor,
    mail: Mail<'_>,
    recipients: &[AddrSpec],
    now: Timestamp,
) -> Result<Vec<Ruling>, StoreError> {
    let Mail { sender, treatment } = mail;
    let scopes = scopes(Some(sender), treatment.topic.as_ref());
    let listed = read(store, suppressor, (Some(sender), &scopes), recipients).await?;
    let rule = |listed| rule(listed, treatment.transactional, now);
    Ok(listed.into_iter().map(rule).collect())
}

/// The first entry that holds the mail back, or else the first that would hold back other mail.
fn rule(listed: Vec<Listed>, is_owed: bool, now: Timestamp) -> Ruling {
    let (passed, held): (Vec<Listed>, Vec<Listed>) = listed
        .into_iter()
        .filter(|listed| listed.entry.applies(now))
        .partition(|listed| is_owed && listed.entry.kind == Kind::Unsubscribed);
    let first = |all: Vec<Listed>| all.into_iter().next().map(Hit::from);
    let held = first(held).map(Ruling::Held);
    held.or_else(|| first(passed).map(Ruling::Bypassed))
        .unwrap_or(Ruling::Free)
}

impl From<Listed> for Hit {
    fn from(found: Listed) -> Self {
        Self {
            scope: found.scope,
            kind: found.entry.kind,
            until: found.entry.until,
            reply: found.entry.reply,
        }
    }
}

/// What is known of whether an address is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Whether it is, at the time that was asked for.
    pub is_written_to: bool,
    /// Every list that has the address and is for the sender.
    pub listed: Vec<Listed>,
}

/// An address on a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Whose mail the list holds back.
    pub scope: Scope,
    /// The list's name as a resource, if it is of a domain.
    pub list: Option<String>,
    /// What the entry is stored under.
    pub name: Name,
    /// The entry.
    pub entry: Suppression,
}

/// Why mail from `sender` about `topic` goes to `recipient` or not. Without a sender, what holds back everybody's mail.
///
/// # Errors
/// When a list cannot be read.
pub async fn explain(
    store: &impl KeyValue,
    suppressor: &Suppressor,
    (sender, topic): (Option<&AddrSpec>, Option<&Topic>),
    recipient: &AddrSpec,
    now: Timestamp,
) -> Result<Explanation, StoreError> {
    let recipients = std::slice::from_ref(recipient);
    let scopes = scopes(sender, topic);
    let listed = read(store, suppressor, (sender, &scopes), recipients).await?;
    let listed: Vec<Listed> = listed.into_iter().flatten().collect();
    Ok(Explanation {
        is_written_to: !listed.iter().any(|listed| listed.entry.applies(now)),
        listed,
    })
}

/// What the lists of `scopes`, those that are for `sender`, have of each recipient.
async fn read(
    store: &impl KeyValue,
    suppressor: &Suppressor,
    (sender, scopes): (Option<&AddrSpec>, &[Scope]),
    recipients: &[AddrSpec],
) -> Result<Vec<Vec<Listed>>, StoreError> {
    let places = recipients.iter().map(|recipient| {
        let names = suppressor.names(recipient);
        let in_scope = |scope: &Scope| {
            names
                .iter()
                .map(|name| (scope.clone(), name.clone()))
                .collect::<Vec<_>>()
        };
        scopes.iter().flat_map(in_scope).collect::<Vec<_>>()
    });
    let entries =
        places.map(|places| try_join_all(places.into_iter().map(|place| entry(store, place))));
    let lists = async {
        match sender {
            Some(sender) => keys::suppression_lists(sender.domain()).read(store).await,
            None => Ok(None),
        }
    };
    let mode = keys::suppression_mode();
    let (mode, lists, found) = try_join3(mode.read(store), lists, try_join_all(entries)).await?;
    suppressor.check(mode.as_ref())?;
    let lists = lists.unwrap_or_default();
    let live = |found: Vec<Option<Listed>>| {
        let found = found.into_iter().flatten();
        found
            .filter_map(|listed| on_live_list(listed, &lists))
            .collect()
    };
    Ok(found.into_iter().map(live).collect())
}

/// The lists that are for mail of `sender` about `topic`, those for all first.
fn scopes(sender: Option<&AddrSpec>, topic: Option<&Topic>) -> Vec<Scope> {
    let mut scopes = vec![Scope::Everywhere];
    if let Some(sender) = sender {
        let username = sender.local_part().content();
        scopes.push(Scope::Domain(sender.domain().clone()));
        scopes.push(Scope::of(sender.domain(), username));
        let of_topic = |topic| Scope::of(sender.domain(), &topic_name(topic));
        scopes.extend(topic.map(of_topic));
    }
    scopes
}

async fn entry(
    store: &impl KeyValue,
    (scope, name): (Scope, Name),
) -> Result<Option<Listed>, StoreError> {
    let found = keys::suppression_entry(&scope, &name).read(store).await?;
    Ok(found.map(|entry| Listed {
        scope,
        list: None,
        name,
        entry,
    }))
}

/// `listed` if its list is there, and not a later one of the same name.
fn on_live_list(listed: Listed, lists: &SuppressionLists) -> Option<Listed> {
    if listed.scope == Scope::Everywhere {
        return Some(listed);
    }
    let list: &SuppressionList = lists.for_scope(&listed.scope)?;
    (list.generation == listed.entry.generation).then(|| Listed {
        list: Some(list.id.clone()),
        ..listed
    })
}
