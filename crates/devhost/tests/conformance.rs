//! What a component sees of the host, told by a probe component (`tests/probe`) that runs in it.

#![expect(
    clippy::unwrap_used,
    reason = "outside `#[test]` functions too, a test fails by panicking"
)]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use devhost::{
    Host, HostOptions, KeyValue, KeyValueError, Limits, SqliteKeyValue, build::Build, log::LogEvent,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// The built probe, in the crate's own target folder so that cargo does not wait for itself.
static PROBE: LazyLock<PathBuf> = LazyLock::new(|| {
    let probe = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/probe");
    let target_folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probe");
    let build = Build {
        manifest: probe.join("Cargo.toml"),
        target_folder: target_folder.clone(),
        profile: "dev".to_owned(),
        packages: Vec::new(),
    };
    build.run().unwrap();
    target_folder.join("wasm32-wasip2/debug/probe.wasm")
});

const MANIFEST: &str = r#"
spin_manifest_version = 2
[application]
name = "probe"
[variables]
greeting = { default = "hello" }
own = { default = "" }
outside = { default = "http://127.0.0.1:9" }
[[trigger.http]]
route = "/..."
component = "probe"
[[trigger.http]]
route = { private = true }
component = "hidden"
[component.probe]
source = "PROBE"
key_value_stores = ["default"]
allowed_outbound_hosts = ["http://hidden.spin.internal", "http://missing.spin.internal", "{{ outside }}"]
[component.probe.variables]
greeting = "{{ greeting }}, world"
own = "{{ own }}"
[component.hidden]
source = "PROBE"
"#;

/// A host with the probe, and its state.
struct Fixture {
    host: Host,
    log: mpsc::UnboundedReceiver<String>,
    store: Arc<dyn KeyValue>,
    _folder: TempDir,
}

impl Fixture {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(adjust: impl FnOnce(&mut HostOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let probe = tokio::task::spawn_blocking(|| PROBE.clone()).await.unwrap();
        let manifest = folder.path().join("spin.toml");
        std::fs::write(
            &manifest,
            MANIFEST.replace("PROBE", probe.to_str().unwrap()),
        )
        .unwrap();
        let (sender, log) = mpsc::unbounded_channel();
        let store = Arc::new(SqliteKeyValue::open(&folder.path().join("store.db")).unwrap());
        let mut options = HostOptions::new(manifest, store);
        options.log = Arc::new(move |event: &LogEvent<'_>| drop(sender.send(event.to_string())));
        adjust(&mut options);
        let store = Arc::clone(&options.key_value);
        Self {
            host: Host::start(options).await.unwrap(),
            log,
            store,
            _folder: folder,
        }
    }

    async fn get(&self, path: &str) -> (u16, String) {
        get(self.host.address(), path).await
    }

    #[track_caller]
    fn check(&self, path: &'static str, expected: &'static str) -> impl Future<Output = ()> {
        let (address, caller) = (self.host.address(), std::panic::Location::caller());
        async move {
            assert_eq!(
                get(address, path).await,
                (200, expected.to_owned()),
                "{path} at {caller}"
            );
        }
    }

    async fn next_log(&mut self) -> String {
        self.log.recv().await.unwrap()
    }

    async fn log_with(&mut self, wanted: &str) -> String {
        loop {
            let line = self.next_log().await;
            if line.contains(wanted) {
                return line;
            }
        }
    }
}

async fn get(address: std::net::SocketAddr, path: &str) -> (u16, String) {
    exchange(
        address,
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"),
    )
    .await
}

async fn exchange(address: std::net::SocketAddr, request: String) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    parse(&response)
}

fn parse(response: &str) -> (u16, String) {
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((response, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    (status, body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_work_through_both_interfaces() {
    let fixture = Fixture::start().await;
    fixture.check("/spin/set-get?value", "value").await;
    fixture.check("/spin/concurrent", "8").await;
    fixture
        .check("/wasi/set-many", "(Some([1]), Some([2]))")
        .await;
    fixture.check("/wasi/increment?counter", "1").await;
    fixture.check("/wasi/increment?counter", "2").await;
    fixture.check("/wasi/swap", "true true").await;
    fixture.check("/spin/keys", "a,b,counter,k,swapped").await;
    assert_eq!(
        fixture.store.get("counter").unwrap(),
        Some(2i64.to_le_bytes().to_vec())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_granted_stores_open() {
    let fixture = Fixture::start().await;
    fixture.check("/spin/open?default", "opened").await;
    fixture.check("/wasi/open?default", "opened").await;
    for path in ["/spin/open?other", "/wasi/open?other"] {
        let (status, text) = fixture.get(path).await;
        assert!(
            status == 418 && text.contains("AccessDenied"),
            "{path}: {text}"
        );
    }
    // The hidden component has no grant at all.
    for path in [
        "/fetch?http://hidden.spin.internal/spin/open?default",
        "/fetch?http://hidden.spin.internal/wasi/open?default",
    ] {
        let (_, text) = fixture.get(path).await;
        assert!(
            text.contains("418") && text.contains("AccessDenied"),
            "{path}: {text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_sees_its_own_variables_only() {
    let given = BTreeMap::from([("greeting".to_owned(), "good day".to_owned())]);
    let fixture = Fixture::start_with(|options| options.variables = given).await;
    fixture.check("/variable?greeting", "good day, world").await;
    for (name, error) in [("outside", "Undefined"), ("Bad-Name", "InvalidName")] {
        let (status, text) = fixture.get(&format!("/variable?{name}")).await;
        assert!(status == 418 && text.contains(error), "{name}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_may_have_the_origin_served_as_default() {
    let served_at = |options: &mut HostOptions| options.served_at = vec!["own", "undeclared"];
    let fixture = Fixture::start_with(served_at).await;
    let origin = format!("http://{}", fixture.host.address());
    assert_eq!(fixture.get("/variable?own").await, (200, origin));
    let given = BTreeMap::from([("own".to_owned(), "given".to_owned())]);
    let fixture = Fixture::start_with(|options| {
        served_at(options);
        options.variables = given;
    })
    .await;
    fixture.check("/variable?own", "given").await;
    let fixture = Fixture::start().await;
    fixture.check("/variable?own", "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn siblings_are_reached_in_process_and_hidden_from_outside() {
    let fixture = Fixture::start().await;
    fixture
        .check("/fetch?http://hidden.spin.internal/seen", "200 1")
        .await;
    assert_eq!(fixture.host.component_stats()["hidden"].requests, 1);
    let (_, uri) = fixture.get("/fetch?http://hidden.spin.internal/uri").await;
    assert!(uri.contains("http://hidden.spin.internal/uri"), "{uri}");
    // A client that claims to be calling a sibling gets nowhere.
    let spoofed =
        "GET /uri HTTP/1.1\r\nHost: hidden.spin.internal\r\nConnection: close\r\n\r\n".to_owned();
    assert_eq!(exchange(fixture.host.address(), spoofed).await.0, 400);
    let (status, text) = fixture.get("/fetch?http://missing.spin.internal/").await;
    assert_eq!(
        (status, text.as_str()),
        (418, "ErrorCode::DestinationNotFound")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_allowed_is_denied_before_it_leaves() {
    let fixture = Fixture::start().await;
    for url in [
        "http://127.0.0.1:1/",
        "https://example.com/",
        "http://probe.spin.internal/seen",
    ] {
        let (status, text) = fixture.get(&format!("/fetch?{url}")).await;
        assert_eq!(
            (status, text.as_str()),
            (418, "ErrorCode::HttpRequestDenied"),
            "{url}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn allowed_hosts_are_reached_and_their_failures_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let given = BTreeMap::from([("outside".to_owned(), origin.clone())]);
    let fixture = Fixture::start_with(|options| options.variables = given).await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let read = stream.read(&mut head).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 503 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            .await
            .unwrap();
        String::from_utf8(head[..read].to_vec()).unwrap()
    });
    assert_eq!(
        fixture.get(&format!("/fetch?{origin}/path")).await,
        (200, "503 no".to_owned())
    );
    let head = server.await.unwrap().to_ascii_lowercase();
    assert!(head.starts_with("get /path http/1.1\r\n"), "{head}");
    assert_eq!(head.matches("host:").count(), 1, "{head}");
    // The listener is gone now.
    let (status, text) = fixture.get(&format!("/fetch?{origin}/path")).await;
    assert_eq!(
        (status, text.as_str()),
        (418, "ErrorCode::ConnectionRefused")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_sees_the_uri_and_host_the_client_sent() {
    let fixture = Fixture::start().await;
    let request =
        "GET /uri?a=b%20c HTTP/1.1\r\nHost: Example.test:8080\r\nConnection: close\r\n\r\n"
            .to_owned();
    let (status, text) = exchange(fixture.host.address(), request).await;
    assert_eq!(status, 200);
    assert!(
        text.contains(":8080/uri?a=b%20c") && text.contains("Some(\"Example.test:8080\")"),
        "{text}"
    );
    let request = "GET /uri HTTP/1.0\r\n\r\n".to_owned();
    assert_eq!(exchange(fixture.host.address(), request).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_goes_on_after_the_response_and_stop_waits_for_it() {
    let fixture = Fixture::start().await;
    fixture.check("/after?late", "spawned").await;
    let store = Arc::clone(&fixture.store);
    assert_eq!(store.get("late").unwrap(), None);
    fixture.host.stop().await;
    assert_eq!(
        store.get("late").unwrap().unwrap(),
        b"written after the response"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_host_ends_work_as_a_crash_would() {
    let fixture = Fixture::start_with(|options| options.limits.stop = Duration::ZERO).await;
    fixture.check("/after?late", "spawned").await;
    let store = Arc::clone(&fixture.store);
    fixture.host.stop().await;
    assert_eq!(store.get("late").unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_reused_and_its_requests_run_side_by_side() {
    let hour = Duration::from_hours(1);
    let fixture = Fixture::start_with(|options| options.limits.idle_instance = hour).await;
    fixture.check("/seen", "1").await;
    fixture.check("/seen", "2").await;
    let sleeper = tokio::spawn(get(fixture.host.address(), "/sleep"));
    // Until the sleeper has begun, nobody is there to be woken. Who rings while it computes gets an instance of its own, as the
    // handler has it, and rings there in vain: only a request in the sleeper's own instance wakes it.
    while fixture.get("/ring").await.0 != 200 {}
    assert_eq!(sleeper.await.unwrap(), (200, "woken".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_replaced_after_its_share_of_requests() {
    let fixture = Fixture::start_with(|options| {
        options.limits.requests_per_instance = 2;
        options.limits.idle_instance = Duration::from_hours(1);
    })
    .await;
    for seen in ["1", "2", "1", "2"] {
        assert_eq!(fixture.get("/seen").await.1, seen);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_is_a_500_and_a_line_in_the_log_and_the_next_request_is_served() {
    let mut fixture = Fixture::start().await;
    let (status, text) = fixture.get("/trap").await;
    assert!(
        status == 500 && text.contains(r#""code":"InternalServerError""#),
        "{text}"
    );
    let line = fixture.log_with("probe failed").await;
    assert!(
        line.contains("unreachable") || line.contains("trap"),
        "{line}"
    );
    fixture.check("/seen", "1").await;
    assert_eq!(fixture.host.component_stats()["probe"].failures, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_busy_instance_does_not_hold_up_another() {
    let hour = Duration::from_hours(1);
    let fixture = Fixture::start_with(|options| {
        options.limits.request = hour;
        // Or the instance might take the next request before it is busy with the first.
        options.limits.concurrent_requests_per_instance = 1;
    });
    let fixture = fixture.await;
    let busy = tokio::spawn(get(fixture.host.address(), "/spin?3600"));
    // With one thread, the second component answers before the busy first one has ended only if that yields. The busy
    // one is given an hour, which nobody waits for: how long the answers take is up to what else the machine does.
    for _ in 0..2 {
        let answer = fixture.get("/fetch?http://hidden.spin.internal/seen").await;
        assert_eq!(answer.0, 200);
    }
    assert!(!busy.is_finished());
    busy.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_takes_too_long_is_ended() {
    let fixture =
        Fixture::start_with(|options| options.limits.request = Duration::from_millis(100)).await;
    assert_eq!(fixture.get("/sleep").await.0, 500);
    assert_eq!(fixture.get("/spin?1").await.0, 500);
}

/// Sends `request` and returns all that comes back, however it ends.
async fn transcript(fixture: &Fixture, request: &str) -> String {
    let mut stream = TcpStream::connect(fixture.host.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    // A reset is one of the ways.
    let _ = stream.read_to_end(&mut response).await;
    String::from_utf8(response).unwrap().to_ascii_lowercase()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_has_begun_ends_in_order_or_not_at_all() {
    const LAST_CHUNK: &str = "\r\n0\r\n\r\n";
    let fixture =
        Fixture::start_with(|options| options.limits.request = Duration::from_millis(500)).await;
    for end in ["end", "trap", "error", "never"] {
        let request =
            format!("GET /pieces?{end} HTTP/1.1\r\nHost: probe.test\r\nConnection: close\r\n\r\n");
        let response = transcript(&fixture, &request).await;
        assert_eq!(
            response.ends_with(LAST_CHUNK),
            end == "end",
            "{end}: {response}"
        );
        // Of the others nothing may have left yet when they break off.
        if matches!(end, "end" | "never") {
            assert!(response.starts_with("http/1.1 200 "), "{end}: {response}");
            assert_eq!(response.matches("piece").count(), 2, "{end}: {response}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_cut_off_is_an_error_to_a_sibling_too() {
    let fixture = Fixture::start().await;
    for end in ["trap", "error"] {
        let path = format!("/fetch?http://hidden.spin.internal/pieces?{end}");
        assert_eq!(fixture.get(&path).await.0, 418, "{end}");
    }
    fixture
        .check(
            "/fetch?http://hidden.spin.internal/pieces?end",
            "200 piecepiece",
        )
        .await;
}

/// A head that states a body, which does not come.
const NO_BODY: &str = "POST /echo HTTP/1.1\r\nHost: probe.test\r\nContent-Length: 100\r\n\r\n";

#[track_caller]
fn check_too_slow(response: &str) {
    assert!(response.starts_with("http/1.1 408 "), "{response}");
    assert!(response.contains("\r\nconnection: close\r\n"), "{response}");
    assert!(
        response.contains("\r\nx-ms-error-code: requesttimeout\r\n"),
        "{response}"
    );
    assert!(
        response.contains(r#""code":"requesttimeout""#),
        "{response}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let mut fixture =
        Fixture::start_with(|options| options.limits.body_pause = Duration::from_millis(50)).await;
    check_too_slow(&transcript(&fixture, NO_BODY).await);
    let line = fixture.log_with("/echo").await;
    assert!(line.starts_with("POST /echo 408 "), "{line}");
    // The component was told, and goes on.
    fixture.check("/seen", "2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_takes_as_long_as_a_request_may_is_its_clients_fault() {
    let fixture =
        Fixture::start_with(|options| options.limits.request = Duration::from_millis(100)).await;
    check_too_slow(&transcript(&fixture, NO_BODY).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_may_stop_to_wait_for_a_body() {
    let fixture = Fixture::start().await;
    let request = "POST /patient?50 HTTP/1.1\r\nHost: probe.test\r\nContent-Length: 100\r\n\r\n";
    let response = transcript(&fixture, request).await;
    assert!(response.starts_with("http/1.1 200 "), "{response}");
    assert!(response.ends_with("late"), "{response}");
    assert_eq!(fixture.host.component_stats()["probe"].failures, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_places_are_taken_says_so_at_once() {
    let fixture = Fixture::start_with(|options| {
        options.limits.concurrent_requests = 1;
        options.limits.place = Duration::from_millis(10);
        options.limits.body_pause = Duration::from_hours(1);
    });
    let fixture = fixture.await;
    let mut holder = TcpStream::connect(fixture.host.address()).await.unwrap();
    holder.write_all(NO_BODY.as_bytes()).await.unwrap();
    let request = "GET /seen HTTP/1.1\r\nHost: probe.test\r\nConnection: close\r\n\r\n";
    // Until the holder has its place there is one for us.
    let refused = loop {
        let response = transcript(&fixture, request).await;
        if !response.starts_with("http/1.1 200 ") {
            break response;
        }
    };
    assert!(refused.starts_with("http/1.1 503 "), "{refused}");
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    assert!(
        refused.contains(r#""code":"serviceunavailable""#),
        "{refused}"
    );
    fixture.check("/.well-known/spin/health", "OK").await;
    drop(holder);
    while fixture.get("/seen").await.0 != 200 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_sent_all_it_has_gets_its_answer() {
    let fixture = Fixture::start().await;
    let mut stream = TcpStream::connect(fixture.host.address()).await.unwrap();
    let request =
        "POST /patient?1000 HTTP/1.1\r\nHost: probe.test\r\nContent-Length: 5\r\n\r\nhello";
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert_eq!(parse(&response), (200, "5 bytes".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_two_hosts_is_refused() {
    let fixture = Fixture::start().await;
    for second in ["other.test", "probe.test"] {
        let request = format!(
            "GET /seen HTTP/1.1\r\nHost: probe.test\r\nHost: {second}\r\nConnection: close\r\n\r\n"
        );
        let (status, text) = exchange(fixture.host.address(), request).await;
        assert!(
            status == 400 && text.contains(r#""code":"BadRequest""#),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_limited_and_its_peak_is_known() {
    let limits = Limits {
        memory_bytes: 32 << 20,
        ..Limits::default()
    };
    let fixture = Fixture::start_with(|options| options.limits = limits).await;
    fixture.check("/grow?16", "16777216").await;
    let peak = fixture.host.component_stats()["probe"].peak_memory_bytes;
    assert!((16 << 20..32 << 20).contains(&peak), "{peak}");
    assert_eq!(fixture.get("/grow?64").await.0, 418);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_cut_off_is_an_error_to_the_component() {
    let mut fixture = Fixture::start().await;
    let address = fixture.host.address();
    let whole = format!(
        "POST /echo HTTP/1.1\r\nHost: {address}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    );
    assert_eq!(exchange(address, whole).await, (200, "5 bytes".to_owned()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let cut = format!("POST /echo HTTP/1.1\r\nHost: {address}\r\nContent-Length: 500\r\n\r\nhello");
    stream.write_all(cut.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let line = fixture.log_with("/echo 418").await;
    assert!(
        line.starts_with("POST /echo 418 ") && line.ends_with(" probe"),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_output_are_logged_without_queries() {
    let mut fixture = Fixture::start().await;
    fixture.check("/print?secret", "").await;
    assert_eq!(fixture.next_log().await, "probe: a line from the guest");
    let line = fixture.next_log().await;
    assert!(
        line.starts_with("GET /print 200 ")
            && line.ends_with("ms probe")
            && !line.contains("secret"),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_head_is_cut_off() {
    let fixture =
        Fixture::start_with(|options| options.limits.request_head = Duration::from_millis(50))
            .await;
    let mut stream = TcpStream::connect(fixture.host.address()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
}

/// Fails while it is told to.
struct Faulty {
    inner: SqliteKeyValue,
    failing: Arc<AtomicBool>,
}

impl Faulty {
    fn inner(&self) -> Result<&SqliteKeyValue, KeyValueError> {
        if self.failing.load(Ordering::SeqCst) {
            Err(KeyValueError::new("told to fail"))
        } else {
            Ok(&self.inner)
        }
    }
}

impl KeyValue for Faulty {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        self.inner()?.get(key)
    }
    fn set(&self, key: &str, value: &[u8]) -> Result<(), KeyValueError> {
        self.inner()?.set(key, value)
    }
    fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        self.inner()?.delete(key)
    }
    fn exists(&self, key: &str) -> Result<bool, KeyValueError> {
        self.inner()?.exists(key)
    }
    fn keys(&self) -> Result<Vec<String>, KeyValueError> {
        self.inner()?.keys()
    }
    fn increment(&self, key: &str, delta: i64) -> Result<i64, KeyValueError> {
        self.inner()?.increment(key, delta)
    }
    fn get_many(&self, keys: &[String]) -> Result<Vec<(String, Option<Vec<u8>>)>, KeyValueError> {
        self.inner()?.get_many(keys)
    }
    fn set_many(&self, entries: &[(String, Vec<u8>)]) -> Result<(), KeyValueError> {
        self.inner()?.set_many(entries)
    }
    fn delete_many(&self, keys: &[String]) -> Result<(), KeyValueError> {
        self.inner()?.delete_many(keys)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_store_is_an_error_to_the_component() {
    let failing = Arc::new(AtomicBool::new(true));
    let faulty = Faulty {
        inner: SqliteKeyValue::in_memory().unwrap(),
        failing: Arc::clone(&failing),
    };
    let fixture = Fixture::start_with(|options| options.key_value = Arc::new(faulty)).await;
    for path in [
        "/spin/set-get?x",
        "/spin/keys",
        "/wasi/set-many",
        "/wasi/increment?x",
    ] {
        assert_eq!(
            fixture.get(path).await,
            (418, "Error::Other(\"told to fail\")".to_owned()),
            "{path}"
        );
    }
    failing.store(false, Ordering::SeqCst);
    fixture.check("/spin/set-get?x", "x").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_share_compiled_components_and_nothing_else() {
    let (one, two) = (Fixture::start().await, Fixture::start().await);
    one.check("/wasi/increment?n", "1").await;
    two.check("/wasi/increment?n", "1").await;
    assert_ne!(one.host.address(), two.host.address());
}
