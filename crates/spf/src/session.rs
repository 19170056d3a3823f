//! One check from its start to its end: RFC 7208 sections 4.4 to 4.7, 5 and 6.1.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::net::IpAddr;

use dns::{Answer, AnswerKind, Name, Question, RecordData, RecordType, Resolver};

use crate::domain_spec::Letter;
use crate::expansion::Values;
use crate::lookup::fetch;
use crate::mechanism::{in_ip4, in_ip6};
use crate::pointers::addresses;
use crate::{CheckHost, DomainSpec, EvaluationError, Mechanism, Prefixes, Record, SpfResult};

/// Most terms of a check that ask the DNS: section 4.6.4.
pub const MAX_LOOKUPS: u32 = 10;

/// Most questions of a check with nothing as an answer: section 4.6.4. The forward look-ups behind `ptr` and `%{p}` are
/// not counted, since the sender's domain has no part in them.
pub const MAX_VOID_LOOKUPS: u32 = 2;

/// Most mail exchanges of a domain: section 4.6.4.
pub const MAX_EXCHANGES: usize = 10;

/// What is known during a check, and what it has cost so far.
pub(crate) struct Session<'a, R> {
    pub(crate) resolver: &'a R,
    pub(crate) ip: IpAddr,
    local_part: &'a str,
    sender_domain: &'a str,
    helo: &'a str,
    lookups: u32,
    void_lookups: u32,
}

/// How a record decided.
pub(crate) struct Found {
    pub(crate) result: SpfResult,
    pub(crate) matched: Option<String>,
}

impl<'a, R: Resolver> Session<'a, R> {
    pub(crate) fn new(resolver: &'a R, of: CheckHost<'a>) -> Self {
        let (local_part, sender_domain) = match of.sender.rsplit_once('@') {
            Some(("", domain)) => ("postmaster", domain),
            Some((local_part, domain)) => (local_part, domain),
            None => ("postmaster", of.domain.as_str()),
        };
        Self {
            resolver,
            ip: of.ip.to_canonical(),
            local_part,
            sender_domain,
            helo: of.helo,
            lookups: 0,
            void_lookups: 0,
        }
    }

    pub(crate) fn lookups(&self) -> u32 {
        self.lookups
    }

    pub(crate) fn void_lookups(&self) -> u32 {
        self.void_lookups
    }

    /// What the record of a domain says, and those it redirects to.
    pub(crate) async fn check(&mut self, domain: Name) -> Result<Found, EvaluationError> {
        let Some(mut record) = fetch(self.resolver, &domain).await? else {
            return Ok(Found {
                result: SpfResult::None,
                matched: None,
            });
        };
        let mut domain = domain;
        loop {
            if let Some(found) = self.first_match(&record, &domain).await? {
                return Ok(found);
            }
            let Some(redirect) = record.effective_redirect() else {
                return Ok(Found {
                    result: SpfResult::Neutral,
                    matched: None,
                });
            };
            self.count_lookup()?;
            domain = self.required_target(redirect, &domain).await?;
            let next = fetch(self.resolver, &domain).await?;
            record = next.ok_or_else(|| EvaluationError::NoRecord {
                domain: domain.clone(),
            })?;
        }
    }

    async fn first_match(
        &mut self,
        record: &Record,
        domain: &Name,
    ) -> Result<Option<Found>, EvaluationError> {
        for directive in &record.directives {
            if self.matches(&directive.mechanism, domain).await? {
                return Ok(Some(Found {
                    result: directive.qualifier.into(),
                    matched: Some(directive.to_string()),
                }));
            }
        }
        Ok(None)
    }

    async fn matches(
        &mut self,
        mechanism: &Mechanism,
        domain: &Name,
    ) -> Result<bool, EvaluationError> {
        if mechanism.asks_dns() {
            self.count_lookup()?;
        }
        match (mechanism, self.ip) {
            (Mechanism::All, _) => Ok(true),
            (Mechanism::Ip4 { network, prefix }, IpAddr::V4(ip)) => {
                Ok(in_ip4(ip, *network, *prefix))
            }
            (Mechanism::Ip6 { network, prefix }, IpAddr::V6(ip)) => {
                Ok(in_ip6(ip, *network, *prefix))
            }
            (Mechanism::Ip4 { .. } | Mechanism::Ip6 { .. }, _) => Ok(false),
            (Mechanism::Include(spec), _) => self.include(spec, domain).await,
            (
                Mechanism::A {
                    domain: spec,
                    prefixes,
                },
                _,
            ) => match self.target(spec.as_ref(), domain).await {
                Some(target) => self.a(target, *prefixes).await,
                None => Ok(false),
            },
            (
                Mechanism::Mx {
                    domain: spec,
                    prefixes,
                },
                _,
            ) => match self.target(spec.as_ref(), domain).await {
                Some(target) => self.mx(target, *prefixes).await,
                None => Ok(false),
            },
            (Mechanism::Ptr(spec), _) => match self.target(spec.as_ref(), domain).await {
                Some(target) => self.ptr(&target).await,
                None => Ok(false),
            },
            (Mechanism::Exists(spec), _) => match self.target(Some(spec), domain).await {
                Some(target) => self.exists(target).await,
                None => Ok(false),
            },
        }
    }

    /// Section 5.2.
    async fn include(&mut self, spec: &DomainSpec, domain: &Name) -> Result<bool, EvaluationError> {
        let target = self.required_target(spec, domain).await?;
        // A future that holds itself needs a box. The limit on look-ups is one on their depth too.
        let found = Box::pin(self.check(target.clone())).await?;
        match found.result {
            SpfResult::Pass => Ok(true),
            SpfResult::Fail | SpfResult::SoftFail | SpfResult::Neutral => Ok(false),
            SpfResult::None | SpfResult::TempError | SpfResult::PermError => {
                Err(EvaluationError::NoRecord { domain: target })
            }
        }
    }

    /// Section 5.3.
    async fn a(&mut self, target: Name, prefixes: Prefixes) -> Result<bool, EvaluationError> {
        let answer = self.ask(target, address_type(self.ip)).await?;
        let ip = self.ip;
        Ok(addresses(&answer).any(|address| prefixes.agree(ip, address)))
    }

    /// Section 5.4.
    async fn mx(&mut self, target: Name, prefixes: Prefixes) -> Result<bool, EvaluationError> {
        let answer = self.ask(target.clone(), RecordType::Mx).await?;
        if answer.records.len() > MAX_EXCHANGES {
            return Err(EvaluationError::TooManyExchanges { domain: target });
        }
        for record in answer.records {
            let RecordData::Mx {
                exchange: Some(host),
                ..
            } = record
            else {
                continue;
            };
            if self.a(host, prefixes).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Section 5.5.
    async fn ptr(&mut self, target: &Name) -> Result<bool, EvaluationError> {
        let Some(answer) = self.pointers().await else {
            return Ok(false);
        };
        self.count_void(&answer)?;
        let names = self.validated(&answer, |name| name.is_within(target)).await;
        Ok(names.is_some())
    }

    /// Section 5.7: the IPv4 address of a name, whatever the client's is.
    async fn exists(&mut self, target: Name) -> Result<bool, EvaluationError> {
        let answer = self.ask(target, RecordType::A).await?;
        Ok(answer.kind == AnswerKind::Positive)
    }

    async fn ask(
        &mut self,
        name: Name,
        record_type: RecordType,
    ) -> Result<Answer, EvaluationError> {
        let question = Question { name, record_type };
        match self.resolver.resolve(&question).await {
            Ok(answer) => {
                self.count_void(&answer)?;
                Ok(answer)
            }
            Err(source) => Err(EvaluationError::Resolve {
                name: question.name,
                source,
            }),
        }
    }

    fn count_lookup(&mut self) -> Result<(), EvaluationError> {
        if self.lookups == MAX_LOOKUPS {
            return Err(EvaluationError::TooManyLookups);
        }
        self.lookups += 1;
        Ok(())
    }

    fn count_void(&mut self, answer: &Answer) -> Result<(), EvaluationError> {
        if answer.kind == AnswerKind::Positive {
            return Ok(());
        }
        if self.void_lookups == MAX_VOID_LOOKUPS {
            return Err(EvaluationError::TooManyVoidLookups);
        }
        self.void_lookups += 1;
        Ok(())
    }

    /// The target name of section 4.8: without a `domain-spec` the current domain. None where it is no name, which
    /// matches nothing.
    async fn target(&mut self, spec: Option<&DomainSpec>, domain: &Name) -> Option<Name> {
        let Some(spec) = spec else {
            return Some(domain.clone());
        };
        let validated_name = if spec.has(Letter::ValidatedName) {
            self.validated_name(domain).await
        } else {
            String::new()
        };
        spec.expand(&Values {
            local_part: self.local_part,
            sender_domain: self.sender_domain,
            domain: domain.as_str(),
            address: self.ip,
            validated_name: &validated_name,
            helo: self.helo,
        })
    }

    async fn required_target(
        &mut self,
        spec: &DomainSpec,
        domain: &Name,
    ) -> Result<Name, EvaluationError> {
        let target = self.target(Some(spec), domain).await;
        target.ok_or_else(|| EvaluationError::Target {
            domain_spec: spec.to_string(),
        })
    }
}

/// The type of the records that can hold an address of the client's family.
pub(crate) fn address_type(ip: IpAddr) -> RecordType {
    match ip {
        IpAddr::V4(_) => RecordType::A,
        IpAddr::V6(_) => RecordType::Aaaa,
    }
}
