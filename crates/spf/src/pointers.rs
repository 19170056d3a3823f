//! The names of the client's address: RFC 7208 sections 5.5 and 7.3, `%{p}`.

use alloc::string::{String, ToString};
use core::net::IpAddr;

use dns::{Answer, Name, Question, RecordData, RecordType, Resolver};

use crate::session::{Session, address_type};

/// Most names of an address that are looked at: section 4.6.4. More are passed over.
pub const MAX_POINTERS: usize = 10;

impl<R: Resolver> Session<'_, R> {
    /// The names the client's address claims. None where the DNS does not say: then no name is valid.
    pub(crate) async fn pointers(&self) -> Option<Answer> {
        let question = Question {
            name: Name::reverse(self.ip),
            record_type: RecordType::Ptr,
        };
        self.resolver.resolve(&question).await.ok()
    }

    /// The first of the claimed names that is wanted and has the client's address.
    pub(crate) async fn validated(
        &self,
        pointers: &Answer,
        wanted: impl Fn(&Name) -> bool,
    ) -> Option<Name> {
        for record in pointers.records.iter().take(MAX_POINTERS) {
            if let RecordData::Ptr(name) = record
                && wanted(name)
                && self.has_client_address(name).await
            {
                return Some(name.clone());
            }
        }
        None
    }

    /// The value of `%{p}`: the domain itself rather than a name below it rather than any other.
    pub(crate) async fn validated_name(&self, domain: &Name) -> String {
        let Some(pointers) = self.pointers().await else {
            return "unknown".to_string();
        };
        let preferences: [&dyn Fn(&Name) -> bool; 3] = [
            &|name| name == domain,
            &|name| name != domain && name.is_within(domain),
            &|name| !name.is_within(domain),
        ];
        for wanted in preferences {
            if let Some(name) = self.validated(&pointers, wanted).await {
                return name.to_string();
            }
        }
        "unknown".to_string()
    }

    async fn has_client_address(&self, name: &Name) -> bool {
        let question = Question {
            name: name.clone(),
            record_type: address_type(self.ip),
        };
        match self.resolver.resolve(&question).await {
            Ok(answer) => addresses(&answer).any(|address| address == self.ip),
            Err(_) => false,
        }
    }
}

/// The addresses among the records.
pub(crate) fn addresses(answer: &Answer) -> impl Iterator<Item = IpAddr> {
    answer.records.iter().filter_map(|record| match record {
        RecordData::A(address) => Some(IpAddr::V4(*address)),
        RecordData::Aaaa(address) => Some(IpAddr::V6(*address)),
        RecordData::Cname(_) | RecordData::Mx { .. } | RecordData::Ptr(_) | RecordData::Txt(_) => {
            None
        }
    })
}
