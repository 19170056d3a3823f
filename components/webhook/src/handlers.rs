//! Decode, one use case, encode; batches are named to the sibling that takes them in behind the answer.

use std::rc::Rc;
use std::time::Duration;

use guest::{
    Level, Problem, Request, Response, SpinPorts, header, json, log, name_soon, name_work,
    read_body, read_start, stated_length,
};
use mailer::budget::Share;
use mailer::engagement::{Visit, gatherer};
use mailer::envelope::AddrSpec;
use mailer::event::{DeliveryEvent, Source, derived_from};
use mailer::intake::{self, MAX_REPORT_OCTETS, ReportRefusal};
use mailer::journal::WorkKind;
use mailer::operation::OperationId;
use mailer::ports::Clock;
use mailer::refusals::{self, Reason};
use mailer::return_path::ForeignReturnPath;
use mailer::subscription::secret::{SignatureFields, Unsigned};

use crate::config::Config;
use crate::wire::{Events, Received, Taken};

/// The largest body of events: 100 with replies of 1,024 characters each fit.
const MAX_EVENT_OCTETS: usize = 1024 * 1024;
/// How long a request waits for room in memory.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most addresses that one message is looked for at.
const MAX_ADDRESSES: usize = 10;

/// `POST /webhooks/relay`
pub(crate) async fn relay(request: Request) -> Result<Response, Problem> {
    let config = Config::load().await?;
    let ports = SpinPorts::open().await?;
    let (id, body) = signed_body(request, &config, &ports).await?;
    let events = Events::read(&body)
        .map_err(|message| Problem::new(400, "BadRequest", message).with_target("events"))?;
    let accepted = events.len();
    store(&config, &ports, (id, Source::Relay), events).await?;
    json(202, &Taken { accepted })
}

/// The body of a request and the batch it is, if the relay signed it. Whoever signs nothing is not waited for while he sends a body.
async fn signed_body(
    request: Request,
    config: &Config,
    ports: &SpinPorts,
) -> Result<(OperationId, Vec<u8>), Problem> {
    let field = |name: &str| header(&request, name).map(str::to_owned);
    let (id, timestamp) = (field("webhook-id"), field("webhook-timestamp"));
    let signature = field("webhook-signature");
    let fields = SignatureFields {
        id: id.as_deref(),
        timestamp: timestamp.as_deref(),
        signature: signature.as_deref(),
    };
    let claim = match fields.claim(ports.now()) {
        Ok(claim) => claim,
        Err(unsigned) => return Err(refuse_unsigned(ports, unsigned).await?),
    };
    let body = read_body(request, MAX_EVENT_OCTETS).await?;
    match claim.verify(&config.relay_event_secrets, &body) {
        Ok(id) => Ok((intake::signed_batch(id, &body), body)),
        Err(unsigned) => Err(refuse_unsigned(ports, unsigned).await?),
    }
}

async fn refuse_unsigned(ports: &SpinPorts, unsigned: Unsigned) -> Result<Problem, Problem> {
    refusals::count(ports, Reason::Unsigned).await?;
    let code = match unsigned {
        Unsigned::Fields => "SignatureMissing",
        Unsigned::Stale => "SignatureExpired",
        Unsigned::Forged => "SignatureInvalid",
    };
    Ok(Problem::new(401, code, unsigned.to_string()))
}

/// `POST /webhooks/report`
pub(crate) async fn report(request: Request) -> Result<Response, Problem> {
    let config = Config::load().await?;
    if !config
        .report_token
        .matches(header(&request, "authorization"))
    {
        return Err(Problem::no_token("report token"));
    }
    let ports = SpinPorts::open().await?;
    let to = addresses(&request);
    let _share = room(&config, &ports, &request).await?;
    let octets = read_start(request, MAX_REPORT_OCTETS).await?;
    let received = intake::receive(&*ports, &config.return_path_keys, &to, &octets).await;
    let received = match received {
        Ok(received) => received,
        Err(refusal) => return Err(refused(&ports, refusal).await?),
    };
    let result = keep(&config, &ports, received, &octets).await?;
    json(200, &Received { result })
}

/// Stores what there is to store, and says what it was.
async fn keep(
    config: &Config,
    ports: &Rc<SpinPorts>,
    received: intake::Received,
    octets: &[u8],
) -> Result<&'static str, Problem> {
    Ok(match received {
        intake::Received::Event(event) => {
            let id = intake::report_batch(&event, octets);
            store(config, ports, (id, Source::Report), vec![*event]).await?;
            "accepted"
        }
        intake::Received::Unsubscribe(visit) => {
            let place = format!("unsubscribe/{}/{}/", visit.message, visit.recipient);
            let id = derived_from(&place, octets);
            store_visit(config, ports, id, *visit).await?;
            "unsubscribed"
        }
        intake::Received::OtherFeedback { feedback_type } => {
            let fields = [("feedbackType", feedback_type.as_str())];
            log(Level::Info, "feedback came that is no complaint", &fields);
            "otherFeedback"
        }
        intake::Received::AutoReply => "autoReply",
        intake::Received::NotAReport => "notAReport",
    })
}

async fn room<'a>(
    config: &'a Config,
    ports: &SpinPorts,
    request: &Request,
) -> Result<Share<'a>, Problem> {
    let octets = stated_length(request).unwrap_or(MAX_REPORT_OCTETS);
    let share = config
        .budget
        .take(ports, octets.min(MAX_REPORT_OCTETS), PATIENCE);
    share
        .await
        .ok_or_else(|| Problem::unavailable("no memory for another body"))
}

/// The addresses that the MTA says the message came to.
fn addresses(request: &Request) -> Vec<AddrSpec> {
    let fields = request.headers().get_all("envelope-to").iter();
    let texts = fields.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
    let bare = |text: &str| {
        let text = text.trim();
        let inner = text
            .strip_prefix('<')
            .and_then(|text| text.strip_suffix('>'));
        AddrSpec::parse(inner.unwrap_or(text)).ok()
    };
    texts.filter_map(bare).take(MAX_ADDRESSES).collect()
}

/// What an MTA is told of a report that changes nothing. It is counted, so that a flood of forgeries is seen.
async fn refused(ports: &SpinPorts, refusal: ReportRefusal) -> Result<Problem, Problem> {
    let (reason, code) = match refusal {
        ReportRefusal::Store(error) => return Err(error.into()),
        ReportRefusal::ReturnPath(ForeignReturnPath::Form) => {
            (Reason::Misdirected, "NotAReturnPath")
        }
        ReportRefusal::ReturnPath(ForeignReturnPath::Forged) => {
            (Reason::Forged, "ReturnPathInvalid")
        }
        ReportRefusal::ReturnPath(ForeignReturnPath::Expired) => {
            (Reason::Expired, "ReturnPathExpired")
        }
        ReportRefusal::Unreadable(_) => (Reason::Unreadable, "ReportUnreadable"),
        ReportRefusal::Foreign => (Reason::Foreign, "ReportForeign"),
    };
    refusals::count(ports, reason).await?;
    log(Level::Info, "a report was refused", &[("code", code)]);
    Ok(Problem::new(422, code, refusal.to_string()))
}

async fn store(
    config: &Config,
    ports: &Rc<SpinPorts>,
    (id, source): (OperationId, Source),
    events: Vec<DeliveryEvent>,
) -> Result<(), Problem> {
    let _announced = config.outbox.announce();
    intake::store(&**ports, &config.outbox, (id, source), events).await?;
    name_soon(WorkKind::Batch, &config.nudges, ports, id);
    Ok(())
}

async fn store_visit(
    config: &Config,
    ports: &SpinPorts,
    id: OperationId,
    visit: Visit,
) -> Result<(), Problem> {
    let _announced = config.outbox.announce();
    gatherer::store(ports, &config.outbox, id, vec![visit]).await?;
    guest::spawn(name_work(vec![format!("visits:{id}")]));
    Ok(())
}
