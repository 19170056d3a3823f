//! The query of `GET /messages`.

use guest::{Problem, page_size};
use mailer::envelope::AddrSpec;
use mailer::listing::Cursor;
use mailer::outcome::Status;
use mailer::time::Timestamp;

/// The messages of a page when nobody says.
const PAGE: usize = 50;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Search {
    /// The day, counted from 1970-01-01.
    pub(crate) day: u64,
    /// As it was written.
    pub(crate) day_text: String,
    pub(crate) sender: Option<AddrSpec>,
    pub(crate) state: Option<Status>,
    pub(crate) cursor: Cursor,
    pub(crate) most: usize,
}

impl Search {
    /// Reads a query; without a day it is that of `now`.
    pub(crate) fn parse(query: &str, now: Timestamp) -> Result<Self, Problem> {
        let today = now.to_rfc3339();
        let today = today.split('T').next().unwrap_or_default();
        let mut search = Self {
            day: now.day(),
            day_text: today.to_owned(),
            sender: None,
            state: None,
            cursor: Cursor::START,
            most: PAGE,
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            search.set(&name, &value)?;
        }
        Ok(search)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        match name {
            "day" => {
                let start = Timestamp::parse_rfc3339(&format!("{value}T00:00:00Z"));
                let start = start.ok_or_else(|| {
                    malformed("day", "Expected day to be a date such as 2026-11-25.")
                })?;
                self.day = start.day();
                value.clone_into(&mut self.day_text);
            }
            "sender" => {
                let sender = AddrSpec::parse(value);
                let message = "Expected sender to be an address.";
                self.sender = Some(sender.map_err(|_| malformed("sender", message))?);
            }
            "state" => self.state = Some(state(value)?),
            "skipToken" => {
                let message = "Expected skipToken as a nextLink has it.";
                self.cursor = cursor(value).ok_or_else(|| malformed("skipToken", message))?;
            }
            "top" => self.most = page_size(value)?,
            // As everywhere in the API, what is not known is passed over.
            _ => {}
        }
        Ok(())
    }

    /// The address of the next page.
    pub(crate) fn next_link(&self, cursor: Cursor) -> String {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("day", &self.day_text);
        if let Some(sender) = &self.sender {
            pairs.append_pair("sender", &sender.to_string());
        }
        if let Some(state) = self.state {
            pairs.append_pair("state", state.name());
        }
        pairs.append_pair("top", &self.most.to_string());
        let Cursor { place, entry, item } = cursor;
        pairs.append_pair("skipToken", &format!("{place}.{entry}.{item}"));
        format!("/messages?{}", pairs.finish())
    }
}

fn state(value: &str) -> Result<Status, Problem> {
    let mut all = Status::ALL.into_iter();
    all.find(|state| state.name() == value).ok_or_else(|| {
        let names: Vec<&str> = Status::ALL.iter().map(|state| state.name()).collect();
        malformed(
            "state",
            &format!("Expected state to be one of {}.", names.join(", ")),
        )
    })
}

fn cursor(value: &str) -> Option<Cursor> {
    let mut numbers = value.split('.');
    let cursor = Cursor {
        place: numbers.next()?.parse().ok()?,
        entry: numbers.next()?.parse().ok()?,
        item: numbers.next()?.parse().ok()?,
    };
    numbers.next().is_none().then_some(cursor)
}

fn malformed(target: &'static str, message: &str) -> Problem {
    Problem::new(400, "BadRequest", message).with_target(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    #[test]
    fn a_query_and_its_next_link_say_the_same() {
        let query = "day=2026-09-01&sender=News%40a.example&state=Bounced&top=7&skipToken=3.2.1";
        let search = Search::parse(query, NOW).expect("a query");
        let link = search.next_link(search.cursor);
        let (_, again) = link.split_once('?').expect("a query");
        assert_eq!(Search::parse(again, NOW).ok(), Some(search));
    }

    #[test]
    fn without_a_day_it_is_today() {
        let search = Search::parse("", NOW).expect("a query");
        assert_eq!(
            (search.day, search.day_text.as_str()),
            (NOW.day(), "2026-09-21")
        );
    }

    #[track_caller]
    fn refused(query: &str, target: &str) {
        let problem = Search::parse(query, NOW).expect_err("malformed");
        assert_eq!(problem.target.as_deref(), Some(target), "{query}");
    }

    #[test]
    fn what_is_malformed_is_named() {
        refused("day=yesterday", "day");
        refused("day=2026-02-30", "day");
        refused("sender=news", "sender");
        refused("state=delivered", "state");
        refused("top=0", "top");
        refused("top=101", "top");
        refused("skipToken=1.2", "skipToken");
        refused("skipToken=1.2.3.4", "skipToken");
        refused("skipToken=-1.2.3", "skipToken");
    }
}
