//! The records of sender domains, kept for a moment: most messages of an instance come from few domains.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use envelope::Domain;

use crate::domain::DomainRecord;
use crate::keys;
use crate::ports::{Clock, KeyValue, StoreError};
use crate::time::Timestamp;

/// How old a record may be: a domain or sender that was taken away may send for this long.
pub const FRESH_FOR: Duration = Duration::from_secs(1);
/// The most records kept.
pub const MAX_KEPT: usize = 256;

/// What an instance knows of sender domains. Lives as long as the instance.
#[derive(Debug, Default)]
pub struct SenderDomains {
    kept: RefCell<BTreeMap<Domain, Kept>>,
}

#[derive(Debug)]
struct Kept {
    record: Rc<DomainRecord>,
    read_at: Timestamp,
}

impl Kept {
    /// A clock that was set back says nothing of how old this is.
    fn is_fresh(&self, now: Timestamp) -> bool {
        now >= self.read_at && now.since(self.read_at) < FRESH_FOR
    }
}

impl SenderDomains {
    /// The record of `domain`, at most [`FRESH_FOR`] old. That there is none is not kept: what was just linked may send at once.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read<P: Clock + KeyValue>(
        &self,
        ports: &P,
        domain: &Domain,
    ) -> Result<Option<Rc<DomainRecord>>, StoreError> {
        let now = ports.now();
        if let Some(kept) = self.kept.borrow().get(domain)
            && kept.is_fresh(now)
        {
            return Ok(Some(Rc::clone(&kept.record)));
        }
        let record = keys::domain(domain).read(ports).await?.map(Rc::new);
        let mut kept = self.kept.borrow_mut();
        match &record {
            // As of before the read: what was written since may be missing from it.
            Some(record) => make_room(&mut kept).insert(
                domain.clone(),
                Kept {
                    record: Rc::clone(record),
                    read_at: now,
                },
            ),
            None => kept.remove(domain),
        };
        Ok(record)
    }
}

fn make_room(kept: &mut BTreeMap<Domain, Kept>) -> &mut BTreeMap<Domain, Kept> {
    if kept.len() >= MAX_KEPT {
        kept.clear();
    }
    kept
}
