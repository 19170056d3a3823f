//! Unsubscribing. Whoever follows the link is asked; only a POST changes anything, since scanners follow links (RFC 8058 section 1).

use audience::Action;
use guest::{Problem, Request, Response, SpinPorts, header, read_body, text, with_header};
use mailer::engagement::notice::Notice;
use mailer::engagement::{UnsubscribedBy, VisitAction};
use mailer::link::Reader;

use super::{Seen, broken, remember};
use crate::config::Config;
use crate::form::{self, Order};
use crate::language::Language;
use crate::page::{self, Said};
use crate::visitor::visitor;

/// The largest form: one of ours has 18 octets, those of mailbox providers some hundred.
const MAX_FORM_OCTETS: usize = 4 * 1024;

/// `GET /u/{token}`: asks, and stores nothing.
pub(crate) async fn ask(request: &Request, token: &str) -> Result<Response, Problem> {
    let config = Config::load().await?;
    let Some(reader) = config.link_keys.verify_unsubscribe(token) else {
        return Ok(broken(request));
    };
    let notice = notice(reader).await;
    Ok(page::said(
        Language::of(request),
        Said::Question,
        notice.as_ref(),
    ))
}

/// `POST /u/{token}`: the mail program's button, or one of our page.
pub(crate) async fn decide(request: Request, token: &str) -> Result<Response, Problem> {
    let config = Config::load().await?;
    let Some(reader) = config.link_keys.verify_unsubscribe(token) else {
        return Ok(broken(&request));
    };
    let language = Language::of(&request);
    let visitor = visitor(&request, Action::Unsubscribe, &config.visitors);
    let content_type = header(&request, "content-type").map(str::to_owned);
    let body = read_body(request, MAX_FORM_OCTETS).await?;
    let order = form::order(content_type.as_deref(), &body).ok_or_else(no_order)?;
    let seen = Seen {
        reader,
        action: action(order),
        is_head: false,
        visitor,
    };
    match remember(&config, seen).await {
        Ok(()) => Ok(done(language, order, reader).await),
        Err(_) => Ok(failed(language, order)),
    }
}

fn no_order() -> Problem {
    let message = "Expected a form with List-Unsubscribe=One-Click, action=unsubscribe or action=resubscribe.";
    Problem::new(400, "BadRequest", message)
}

const fn action(order: Order) -> VisitAction {
    match order {
        Order::OneClick => VisitAction::Unsubscribe {
            by: UnsubscribedBy::OneClick,
        },
        Order::Unsubscribe => VisitAction::Unsubscribe {
            by: UnsubscribedBy::Page,
        },
        Order::Resubscribe => VisitAction::Resubscribe,
    }
}

async fn done(language: Language, order: Order, reader: Reader) -> Response {
    let said = match order {
        // A program reads this, so there is nothing to read up for it.
        Order::OneClick => return text(200, "Unsubscribed.\n"),
        Order::Unsubscribe => Said::Done,
        Order::Resubscribe => Said::Back,
    };
    let notice = notice(reader).await;
    page::said(language, said, notice.as_ref())
}

/// Nobody is told that he is unsubscribed when that is not stored.
fn failed(language: Language, order: Order) -> Response {
    let response = match order {
        Order::OneClick => text(503, "Not recorded. Try again.\n"),
        Order::Unsubscribe | Order::Resubscribe => page::busy(language, order),
    };
    with_header(response, "retry-after", "5")
}

async fn notice(reader: Reader) -> Option<Notice> {
    let ports = SpinPorts::open().await.ok()?;
    Notice::read(&*ports, reader).await
}
