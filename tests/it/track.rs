//! What recipients reach, over HTTP: links, the tracking image, and the page to unsubscribe on; and what is stored of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::join_all;
use mailer::engagement::{UnsubscribedBy, Visit, VisitAction, VisitBatch};
use mailer::journal::{JournalEntry, WorkKind};
use mailer::keys::decode;
use mailer::link::{LinkKeys, Reader};
use mailer::operation::OperationId;
use mailer::return_path::{ReturnPathKeys, Token};
use mailer::token_key::TokenKey;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{
    Answer, Faults, HostKind, LINK_KEY, REPORT_TOKEN, RETURN_PATH_KEY, Request, Setup, System,
    TestStore, eventually, manifest_path,
};

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                      Chrome/126.0.0.0 Safari/537.36";
const TARGET: &str = "https://shop.example.com/shoes?id=7&ref=%C3%BC#top";
const FORM: &str = "application/x-www-form-urlencoded";
/// Where a proxy says that requests come from.
const ADDRESS: &str = "192.0.2.77";

fn keys() -> LinkKeys {
    LinkKeys::new(TokenKey::parse(LINK_KEY).unwrap(), Vec::new())
}

fn reader() -> Reader {
    Reader {
        message: "9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34".parse().unwrap(),
        recipient: 3,
    }
}

fn click_path(target: &str) -> String {
    format!("/c/{}", keys().click(reader(), 5, target).unwrap())
}

fn open_path() -> String {
    format!("/o/{}", keys().open(reader()))
}

fn unsubscribe_path() -> String {
    format!("/u/{}", keys().unsubscribe(reader()))
}

/// A system whose visits stay as they were stored: nobody is told of them, and nobody looks for them.
struct Tracker {
    system: System,
    store: Arc<TestStore>,
    _folder: TempDir,
}

/// Writes a manifest under which `track` may reach nobody.
fn mute_manifest(folder: &Path) -> PathBuf {
    let manifest = manifest_path();
    let target = manifest.parent().unwrap().join("target");
    let text = fs::read_to_string(&manifest).unwrap();
    let (before, track) = text.split_once("[component.track]").unwrap();
    let track = track.replacen(r#"["http://notify.spin.internal"]"#, "[]", 1);
    let text = format!("{before}[component.track]{track}");
    let text = text.replace("\"target/", &format!("\"{}/", target.display()));
    let path = folder.join("spin.toml");
    fs::write(&path, text).unwrap();
    path
}

impl Tracker {
    /// Nothing on a host that keeps its store to itself.
    async fn start(setup: Setup) -> Option<Self> {
        if HostKind::chosen() == HostKind::Spin {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(TestStore::default());
        let setup = setup.manifest(&mute_manifest(folder.path()));
        let system = setup.store(&store).without_ticks().start().await;
        Some(Self {
            system,
            store,
            _folder: folder,
        })
    }

    async fn call(&self, method: &str, path: &str) -> Answer {
        self.system.client.call(request(method, path)).await
    }

    async fn post(&self, path: &str, content_type: &str, body: &str) -> Answer {
        let request = request("POST", path).field("content-type", content_type);
        let request = request.body(body.to_owned());
        self.system.client.call(request).await
    }

    /// What is written and not taken in, each with the name that the tick would give it.
    fn batches(&self) -> Vec<(OperationId, VisitBatch)> {
        let entries = self.store.entries();
        let journals = entries
            .iter()
            .filter(|(key, _)| key.starts_with("journal/") && *key != "journal/tail");
        let entries = journals.map(|(_, value)| decode::<JournalEntry>(value).unwrap());
        let batches = entries.filter_map(|entry| {
            let [item] = entry.items[..] else { return None };
            assert_eq!(item.kind, WorkKind::Visits);
            Some((item.id, entry.visits?))
        });
        batches.collect()
    }

    /// Every visit in the store, the oldest first.
    fn visits(&self) -> Vec<Visit> {
        let batches = self.batches();
        for (_, batch) in &batches {
            assert_eq!((batch.attempt, batch.due_at.is_some()), (0, true));
        }
        let mut visits: Vec<Visit> = batches.into_iter().flat_map(|(_, b)| b.visits).collect();
        visits.sort_by_key(|visit| visit.at);
        visits
    }
}

fn request(method: &str, path: &str) -> Request {
    Request::new(method, path)
        .field("user-agent", CHROME)
        .field("x-forwarded-for", ADDRESS)
}

#[track_caller]
fn has(answer: &Answer, fields: &[(&str, &str)]) {
    has_only(answer, fields);
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex"),
    ] {
        assert_eq!(answer.field(name), Some(value), "{name}");
    }
}

/// The fields of an answer to a visit, which is a short one.
#[track_caller]
fn has_only(answer: &Answer, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        assert_eq!(answer.field(name), Some(*value), "{name}");
    }
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    assert_eq!(answer.field("set-cookie"), None);
}

#[track_caller]
fn leads(answer: &Answer, location: &str) {
    let fields = [
        ("location", location),
        ("referrer-policy", "no-referrer"),
        ("content-length", "0"),
    ];
    has_only(answer, &fields);
    assert!(answer.body.is_empty());
}

fn body(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_leads_where_it_says_and_is_remembered_as_what_it_was() {
    let Some(tracker) = Tracker::start(Setup::default()).await else {
        return;
    };
    let get = tracker.call("GET", &click_path(TARGET)).await.expect(302);
    leads(&get, TARGET);
    let head = tracker.call("HEAD", &click_path(TARGET)).await.expect(302);
    leads(&head, TARGET);
    let visits = tracker.visits();
    let action = VisitAction::Click {
        link: 5,
        target: TARGET.to_owned(),
    };
    for (visit, is_head) in visits.iter().zip([false, true]) {
        assert_eq!(visit.reader(), reader());
        assert_eq!((&visit.action, visit.is_head), (&action, is_head));
        assert_eq!(visit.visitor.user_agent, None);
    }
    let audiences: Vec<&str> = visits.iter().map(|v| v.visitor.audience.as_str()).collect();
    assert_eq!(audiences, ["human", "scanner"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_image_is_a_pixel_that_nobody_keeps() {
    let Some(tracker) = Tracker::start(Setup::default()).await else {
        return;
    };
    let fields = [("content-type", "image/gif"), ("content-length", "43")];
    let get = tracker.call("GET", &open_path()).await.expect(200);
    has_only(&get, &fields);
    assert!(get.body.starts_with(b"GIF89a") && get.body.len() == 43);
    let head = tracker.call("HEAD", &open_path()).await.expect(200);
    has_only(&head, &fields);
    assert!(head.body.is_empty());
    let visits = tracker.visits();
    let found: Vec<_> = visits.iter().map(|v| (&v.action, v.is_head)).collect();
    assert_eq!(
        found,
        [(&VisitAction::Open, false), (&VisitAction::Open, true)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_targets_cannot_write_header_fields() {
    let Some(tracker) = Tracker::start(Setup::default()).await else {
        return;
    };
    for (target, location) in [
        (
            "https://a.example/\r\nSet-Cookie: a=b",
            "https://a.example/Set-Cookie:%20a=b",
        ),
        (
            "https://a.example/\"><script>",
            "https://a.example/%22%3E%3Cscript%3E",
        ),
        (
            "https://a.example/?'\0\u{202e}",
            "https://a.example/?%27%00%E2%80%AE",
        ),
        (
            "https://user@bücher.example",
            "https://user@xn--bcher-kva.example/",
        ),
        (
            "http://a.example//b.example/../x",
            "http://a.example//b.example/../x",
        ),
    ] {
        let answer = tracker.call("GET", &click_path(target)).await.expect(302);
        leads(&answer, location);
    }
    assert_eq!(tracker.visits().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_not_ours_are_not_found_and_leave_nothing() {
    let Some(tracker) = Tracker::start(Setup::default()).await else {
        return;
    };
    let before = tracker.store.entries();
    let other = LinkKeys::new(TokenKey::parse(RETURN_PATH_KEY).unwrap(), Vec::new());
    let (open, click) = (
        keys().open(reader()),
        keys().click(reader(), 0, TARGET).unwrap(),
    );
    let cut = &open[..open.len() - 1];
    let flipped = format!(
        "{}{}",
        if open.starts_with('A') { 'B' } else { 'A' },
        &open[1..]
    );
    let foreign = other.open(reader());
    let (long, slash) = ("A".repeat(4000), format!("{open}/"));
    let padded = format!("{open}=");
    for token in [
        "", "x", "%00", "..%2f", cut, &flipped, &foreign, &long, &slash, &padded,
    ] {
        for (place, method) in [
            ("o", "GET"),
            ("c", "GET"),
            ("u", "GET"),
            ("u", "POST"),
            ("o", "HEAD"),
        ] {
            let answer = tracker.call(method, &format!("/{place}/{token}")).await;
            assert_eq!(answer.status, 404, "{method} /{place}/{token}");
            has(&answer, &[("content-type", "text/html; charset=utf-8")]);
        }
    }
    // Each for another thing.
    for path in [
        format!("/c/{open}"),
        format!("/u/{open}"),
        format!("/o/{click}"),
    ] {
        tracker.call("GET", &path).await.expect(404);
    }
    assert_eq!(tracker.store.entries(), before);
    let log = tracker.system.log().join("\n");
    assert!(!log.contains("failed"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_and_places_are_refused() {
    let Some(tracker) = Tracker::start(Setup::default()).await else {
        return;
    };
    for (path, allowed) in [
        (click_path(TARGET), "GET, HEAD"),
        (open_path(), "GET, HEAD"),
        (unsubscribe_path(), "GET, HEAD, POST"),
    ] {
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
            let answer = tracker.call(method, &path).await.expect(405);
            has(&answer, &[("allow", allowed)]);
        }
    }
    for path in ["/c", "/o", "/u"] {
        tracker.call("GET", path).await.expect(404);
    }
    assert!(tracker.visits().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn following_the_link_to_unsubscribe_changes_nothing() {
    let Some(tracker) = Tracker::start(Setup::default()).await else {
        return;
    };
    let before = tracker.store.entries();
    let get = tracker.call("GET", &unsubscribe_path()).await.expect(200);
    has(
        &get,
        &[("content-language", "en"), ("vary", "Accept-Language")],
    );
    let policy = get.field("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "style-src 'sha256-",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    let button =
        "<form method=\"post\">\n<button class=\"strong\" name=\"action\" value=\"unsubscribe\">";
    assert!(body(&get).contains(button), "{}", body(&get));
    let head = tracker.call("HEAD", &unsubscribe_path()).await.expect(200);
    assert!(head.body.is_empty());
    assert_eq!(head.field("content-length"), get.field("content-length"));
    assert_eq!(tracker.store.entries(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_in_the_language_that_is_asked_for() {
    let Some(tracker) = Tracker::start(Setup::default()).await else {
        return;
    };
    for (accepted, lang, heading) in [
        ("de-AT,de;q=0.9,en;q=0.5", "de", "Abbestellen?"),
        ("pl,ja;q=0.8", "ja", "配信を停止しますか？"),
        ("pl", "en", "Unsubscribe?"),
    ] {
        let request = request("GET", &unsubscribe_path()).field("accept-language", accepted);
        let answer = tracker.system.client.call(request).await.expect(200);
        assert_eq!(answer.field("content-language"), Some(lang));
        assert!(body(&answer).contains(&format!("<html lang=\"{lang}\">")));
        assert!(body(&answer).contains(&format!("<h1>{heading}</h1>")));
    }
    let request = request("GET", "/c/x").field("accept-language", "fr");
    let answer = tracker.system.client.call(request).await.expect(404);
    assert!(body(&answer).contains("<h1>Ce lien ne fonctionne pas</h1>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_names_the_mail_it_is_about() {
    let Some(tracker) = Tracker::start(Setup::default()).await else {
        return;
    };
    let mut message = tracker.system.message("an offer");
    message["headers"] = json!({"x-sendlet-topic": "Offers"});
    let id = tracker.system.accepted(&message).await;
    let reader = Reader {
        message: id.parse().unwrap(),
        recipient: 0,
    };
    let path = format!("/u/{}", keys().unsubscribe(reader));
    let page = tracker.call("GET", &path).await.expect(200);
    let domain = tracker.system.domain_name();
    for part in [format!(">{domain}</strong>"), ">offers</strong>".to_owned()] {
        assert!(body(&page).contains(&part), "{}", body(&page));
    }
    assert!(body(&page).contains("s***@example.com"), "{}", body(&page));
    tracker.store.set_faults(Faults::All);
    let page = tracker.call("GET", &path).await.expect(200);
    assert!(!body(&page).contains("example.com"), "{}", body(&page));
}

/// As Gmail does it: a POST to the link in List-Unsubscribe, without cookies, that follows no redirect.
#[tokio::test(flavor = "multi_thread")]
async fn one_click_unsubscribes_in_either_form_and_again() {
    let Some(tracker) = Tracker::start(Setup::default()).await else {
        return;
    };
    let multipart = "--b1\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b1--\r\n";
    let rows = [
        (FORM, "List-Unsubscribe=One-Click"),
        (FORM, "List-Unsubscribe=One-Click"),
        ("multipart/form-data; boundary=b1", multipart),
    ];
    for (content_type, form) in rows {
        let answer = tracker.post(&unsubscribe_path(), content_type, form).await;
        let answer = answer.expect(200);
        has(&answer, &[("content-type", "text/plain; charset=utf-8")]);
        assert_eq!(body(&answer), "Unsubscribed.\n");
    }
    let by = UnsubscribedBy::OneClick;
    for visit in tracker.visits() {
        assert_eq!(visit.action, VisitAction::Unsubscribe { by });
        assert_eq!(visit.visitor.audience, "human");
        assert_eq!(visit.reader(), reader());
    }
    assert_eq!(tracker.visits().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_unsubscribes_and_takes_it_back() {
    let Some(tracker) = Tracker::start(Setup::default()).await else {
        return;
    };
    let path = unsubscribe_path();
    let done = tracker
        .post(&path, FORM, "action=unsubscribe")
        .await
        .expect(200);
    assert!(body(&done).contains("<h1>You are unsubscribed</h1>"));
    assert!(body(&done).contains("value=\"resubscribe\">Subscribe again</button>"));
    let back = tracker
        .post(&path, FORM, "action=resubscribe")
        .await
        .expect(200);
    assert!(body(&back).contains("<h1>You are subscribed again</h1>"));
    let actions: Vec<VisitAction> = tracker.visits().into_iter().map(|v| v.action).collect();
    let by = UnsubscribedBy::Page;
    assert_eq!(
        actions,
        [VisitAction::Unsubscribe { by }, VisitAction::Resubscribe]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_orders_nothing_changes_nothing() {
    let Some(tracker) = Tracker::start(Setup::default()).await else {
        return;
    };
    let path = unsubscribe_path();
    let long = format!("action=unsubscribe&x={}", "y".repeat(4096));
    for (form, status) in [
        ("", 400),
        ("action=delete", 400),
        ("List-Unsubscribe=Two-Clicks", 400),
        ("action=unsubscribe&action=resubscribe", 400),
        (long.as_str(), 413),
    ] {
        let answer = tracker.post(&path, FORM, form).await.expect(status);
        has(&answer, &[]);
    }
    let head = request("POST", &path)
        .field("host", &tracker.system.authority())
        .field("transfer-encoding", "chunked")
        .field("connection", "close");
    let chunk = [b"2000\r\n".to_vec(), vec![b'a'; 0x2000], b"\r\n".to_vec()].concat();
    let (answer, _) = tracker
        .system
        .client
        .flood(&format!("{}\r\n", head.head()), &chunk, 1 << 24)
        .await;
    answer.expect(413);
    assert!(tracker.visits().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_come_first_when_the_store_fails_and_nobody_is_told_what_is_not_so() {
    let Some(tracker) = Tracker::start(Setup::default()).await else {
        return;
    };
    tracker.call("GET", &open_path()).await.expect(200);
    tracker.store.set_faults(Faults::Writes);
    let answer = tracker.call("GET", &click_path(TARGET)).await.expect(302);
    leads(&answer, TARGET);
    tracker.call("GET", &open_path()).await.expect(200);
    let path = unsubscribe_path();
    let one_click = "List-Unsubscribe=One-Click";
    let answer = tracker.post(&path, FORM, one_click).await.expect(503);
    has(&answer, &[("retry-after", "5")]);
    assert_eq!(body(&answer), "Not recorded. Try again.\n");
    let answer = tracker
        .post(&path, FORM, "action=resubscribe")
        .await
        .expect(503);
    assert!(
        body(&answer).contains("was not recorded"),
        "{}",
        body(&answer)
    );
    assert!(body(&answer).contains("value=\"resubscribe\">Try again</button>"));
    tracker.store.set_faults(Faults::None);
    assert_eq!(tracker.visits().len(), 1);
    let log = tracker.system.log();
    let told = log
        .iter()
        .filter(|line| line.contains("a visit could not be stored"));
    let told: Vec<&String> = told.collect();
    assert_eq!(told.len(), 4);
    let token = path.trim_start_matches("/u/");
    assert!(told.iter().all(|line| !line.contains(token)));
    tracker.post(&path, FORM, one_click).await.expect(200);
    assert_eq!(tracker.visits().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn visits_that_come_together_are_stored_together() {
    let Some(tracker) = Tracker::start(Setup::default()).await else {
        return;
    };
    tracker.call("GET", &open_path()).await.expect(200);
    let paths = [open_path(), click_path(TARGET)];
    let calls = (0..200).map(|n: usize| tracker.call("GET", &paths[n % 2]));
    for answer in join_all(calls).await {
        assert!(matches!(answer.status, 200 | 302));
    }
    assert_eq!(tracker.visits().len(), 201);
    let largest = tracker
        .batches()
        .iter()
        .map(|(_, batch)| batch.visits.len())
        .max();
    assert!(largest > Some(1), "every visit had a batch of its own");
    assert!(largest <= Some(64));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_agent_is_kept_where_the_operator_wants_it_and_no_address_ever() {
    let setup = Setup::default().variable("engagement_user_agents", "true");
    let Some(tracker) = Tracker::start(setup).await else {
        return;
    };
    tracker.call("GET", &open_path()).await.expect(200);
    let visits = tracker.visits();
    assert_eq!(visits[0].visitor.user_agent.as_deref(), Some(CHROME));
    let holds = |value: &Vec<u8>| String::from_utf8_lossy(value).contains(ADDRESS);
    assert!(!tracker.store.entries().values().any(holds));
    assert!(!tracker.system.log().join("\n").contains(ADDRESS));
}

#[tokio::test(flavor = "multi_thread")]
async fn links_outlive_a_change_of_the_key() {
    let setup = Setup::default()
        .variable("link_key", RETURN_PATH_KEY)
        .variable("link_key_previous", LINK_KEY);
    let Some(tracker) = Tracker::start(setup).await else {
        return;
    };
    tracker.call("GET", &click_path(TARGET)).await.expect(302);
    assert_eq!(tracker.visits().len(), 1);
}

/// Batches are named to the sibling behind the answer.
#[tokio::test(flavor = "multi_thread")]
async fn batches_are_named_to_who_takes_them_in() {
    let Some(tracker) = Tracker::start(Setup::default()).await else {
        return;
    };
    tracker.call("GET", &open_path()).await.expect(200);
    eventually("the nudge is refused", async || {
        let told = |line: &String| line.contains("notify did not take all that was named");
        tracker.system.log().iter().any(told).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_to_the_address_to_unsubscribe_at_is_taken() {
    let system = Setup::default().start().await;
    let keys = ReturnPathKeys {
        current: TokenKey::parse(RETURN_PATH_KEY).unwrap(),
        previous: Vec::new(),
    };
    let token = Token {
        message: reader().message,
        recipient: 3,
        expires_on: 0,
    };
    let local_part = keys.unsubscribe_local_part(&token).unwrap().to_string();
    let bring = async |local_part: &str| {
        let request = Request::new("POST", "/webhooks/report")
            .field("authorization", &format!("Bearer {REPORT_TOKEN}"))
            .field("content-type", "message/rfc822")
            .field("envelope-to", &format!("<{local_part}@bounces.example>"))
            .body("Subject: unsubscribe\r\n\r\n".to_owned());
        let answer: Value = system.client.call(request).await.expect(200).json();
        answer["result"].as_str().unwrap().to_owned()
    };
    for local_part in [&local_part, &local_part.to_uppercase()] {
        assert_eq!(bring(local_part).await, "unsubscribed");
    }
    let (start, last) = local_part.split_at(local_part.len() - 1);
    let forged = format!("{start}{}", if last == "a" { "b" } else { "a" });
    assert_eq!(bring(&forged).await, "notAReport");
}
