//! `/domains/{name}/suppressionLists`.

use std::rc::Rc;
use std::time::Duration;

use guest::{Level, Problem, Request, Response, SpinPorts, empty, json, log, spawn};
use mailer::envelope::{AddrSpec, Domain};
use mailer::ports::Scheduler;
use mailer::suppression::address::{self, NewAddress};
use mailer::suppression::list;
use mailer::suppression::shelf::page;
use mailer::suppression::{Shelf, SuppressionError};

use super::{page_size, read_json, read_record, skip_token};
use crate::config::Config;
use crate::refusal::suppression as refusal;
use crate::wire::{self, AddressPut, ListPut};

/// Lists of one page.
const PAGE: usize = 50;
/// Between two pages that are deleted, so that others come to change the lists.
const PAUSE: Duration = Duration::from_millis(30);

/// `GET /domains/{name}/suppressionLists`
pub(crate) async fn list(request: &Request, name: &str) -> Result<Response, Problem> {
    let skip = skip_token(request)?.unwrap_or(0);
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let ports = SpinPorts::open().await?;
    let domain = read_record(&ports, name).await?.domain;
    let lists = list::read(&*ports, &domain).await?;
    if !lists.doomed.is_empty() {
        spawn(sweep(ports, domain.clone()));
    }
    let values = lists.lists.iter().skip(skip).take(PAGE);
    let values: Vec<wire::List> = values.map(wire::List::from).collect();
    let end = skip.saturating_add(values.len());
    let next = (end < lists.lists.len())
        .then(|| format!("/domains/{domain}/suppressionLists?skipToken={end}"));
    json(200, &wire::Page::new(values, next))
}

/// `GET /domains/{name}/suppressionLists/{list}`
pub(crate) async fn get(name: &str, list: &str) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    let domain = read_record(&ports, name).await?.domain;
    let found = list::get(&*ports, &domain, list).await.map_err(refusal)?;
    json(200, &wire::List::from(&found))
}

/// `PUT /domains/{name}/suppressionLists/{list}`
pub(crate) async fn put(request: Request, name: &str, list: &str) -> Result<Response, Problem> {
    let body: ListPut = read_json(request).await?;
    let ports = SpinPorts::open().await?;
    let domain = read_record(&ports, name).await?.domain;
    let put = list::put(&*ports, &domain, list, body.list_name.as_deref()).await;
    let (list, is_new) = put.map_err(refusal)?;
    json(if is_new { 201 } else { 200 }, &wire::List::from(&list))
}

/// `DELETE /domains/{name}/suppressionLists/{list}`
pub(crate) async fn delete(name: &str, list: &str) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    let domain = read_record(&ports, name).await?.domain;
    match list::remove(&*ports, &domain, list).await {
        Ok(()) => {
            spawn(sweep(ports, domain));
            Ok(empty(200))
        }
        Err(SuppressionError::NoSuchList) => Ok(empty(204)),
        Err(error) => Err(refusal(error)),
    }
}

/// Deletes what deleted lists left. What it does not come to is left to the next look at the lists.
async fn sweep(ports: Rc<SpinPorts>, domain: Domain) {
    loop {
        match list::sweep(&*ports, &domain).await {
            Ok(true) => ports.sleep(PAUSE).await,
            Ok(false) | Err(SuppressionError::Busy) => return,
            Err(error) => {
                let cause = error.to_string();
                let message = "a deleted suppression list could not be emptied";
                return log(Level::Error, message, &[("cause", &cause)]);
            }
        }
    }
}

/// Where the entries of a list are.
pub(crate) async fn shelf(name: &str, list: &str) -> Result<Shelf, Problem> {
    let ports = SpinPorts::open().await?;
    let domain = read_record(&ports, name).await?.domain;
    let found = list::get(&*ports, &domain, list).await.map_err(refusal)?;
    Ok(found.shelf(&domain))
}

/// `GET …/suppressionListAddresses`
pub(crate) async fn addresses(
    request: &Request,
    config: &Config,
    (name, list): (&str, &str),
) -> Result<Response, Problem> {
    let after = skip_token(request)?.unwrap_or(0);
    let limit = page_size(request)?;
    let ports = SpinPorts::open().await?;
    config.suppressor.admit(&*ports).await?;
    let domain = read_record(&ports, name).await?.domain;
    let found = list::get(&*ports, &domain, list).await.map_err(refusal)?;
    let page = page(&*ports, &found.shelf(&domain), after, limit).await?;
    let base = format!("/domains/{domain}/suppressionLists/{}", found.id);
    let next = page
        .next_after
        .map(|after| format!("{base}/suppressionListAddresses?skipToken={after}&top={limit}"));
    let values = page.entries.iter().map(wire::Address::new);
    json(200, &wire::Page::new(values.collect(), next))
}

/// `GET …/suppressionListAddresses/{address}`
pub(crate) async fn get_address(
    config: &Config,
    (name, list): (&str, &str),
    id: &str,
) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    config.suppressor.admit(&*ports).await?;
    let domain = read_record(&ports, name).await?.domain;
    let list = list::get(&*ports, &domain, list).await.map_err(refusal)?;
    let found = address::get_listed(&*ports, &domain, &list, id).await;
    json(200, &wire::Address::new(&found.map_err(refusal)?))
}

/// `PUT …/suppressionListAddresses/{address}`
pub(crate) async fn put_address(
    request: Request,
    config: &Config,
    (name, list): (&str, &str),
    id: &str,
) -> Result<Response, Problem> {
    let body: AddressPut = read_json(request).await?;
    let email = body.email.as_deref().unwrap_or_default();
    let address = AddrSpec::parse(email).map_err(|error| refusal(error.into()))?;
    let ports = SpinPorts::open().await?;
    let domain = read_record(&ports, name).await?.domain;
    let new = NewAddress {
        id: id.to_owned(),
        address,
        person: body.person(),
    };
    let put = address::put_listed(&*ports, &config.suppressor, (&domain, list), new).await;
    let (entry, is_new) = put.map_err(refusal)?;
    json(if is_new { 201 } else { 200 }, &wire::Address::new(&entry))
}

/// `DELETE …/suppressionListAddresses/{address}`
pub(crate) async fn delete_address(
    config: &Config,
    (name, list): (&str, &str),
    id: &str,
) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    config.suppressor.admit(&*ports).await?;
    let domain = read_record(&ports, name).await?.domain;
    match address::remove_listed(&*ports, (&domain, list), id).await {
        Ok(()) => Ok(empty(200)),
        Err(SuppressionError::NoSuchAddress) => Ok(empty(204)),
        Err(error) => Err(refusal(error)),
    }
}
