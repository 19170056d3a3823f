//! Requests about customers' domains that cannot be served: what exactly each is told. None is ever a 500, none a trap.

use serde_json::{Value, json};
use tests::{ADMIN_TOKEN, Request, System};

use crate::customer::{Customer, SHOP, Stage, as_operator};

/// Method, target, body, and what is told: status, code and target.
type Row = (
    &'static str,
    String,
    Value,
    u16,
    &'static str,
    Option<&'static str>,
);

const ED25519: &str = include_str!("vectors/ed25519.pem");
const RSA: &str = include_str!("vectors/rsa-2048.pem");

/// Sends a row's request; null is no body.
async fn send(system: &System, method: &str, target: &str, body: &Value) -> tests::Answer {
    let request = as_operator(method, target);
    let request = match body {
        Value::Null => request,
        body => request.json(body),
    };
    system.client.call(request).await
}

/// Tells of all rows that went otherwise at once.
async fn check(system: &System, rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for (method, target, body, status, code, at) in rows {
        let answer = send(system, method, &target, &body).await;
        let found = answer.problem();
        if (found.0, found.1.as_str(), found.2.as_deref()) != (status, code, at) {
            let message = answer.text("/error/message");
            wrong.push(format!(
                "{method} {target:.80} {body:.60}: {found:?}, {message:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn long(labels: usize, rest: &str) -> String {
    let labels = vec!["a".repeat(49); labels];
    format!("{}.{rest}", labels.join("."))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_nobody_can_hold_is_refused() {
    let customer = Customer::at(Stage::Published).await;
    let rows = [
        ("localhost", 400, "InvalidDomain"),
        ("192.0.2.1", 400, "InvalidDomain"),
        ("%5B192.0.2.1%5D", 400, "InvalidDomain"),
        ("%5BIPv6%3A2001%3Adb8%3A%3A1%5D", 400, "InvalidDomain"),
        ("a_b.example.com", 400, "InvalidDomain"),
        ("-a.example.com", 400, "InvalidDomain"),
        ("a..example.com", 400, "InvalidDomain"),
        (".example.com", 400, "InvalidDomain"),
        ("not%20a%20domain.example", 400, "InvalidDomain"),
        ("a%0D%0Ab.example.com", 400, "InvalidDomain"),
        ("a%00b.example.com", 400, "InvalidDomain"),
        ("a%2Fb.example.com", 400, "InvalidDomain"),
        ("%FF.example.com", 400, "InvalidDomain"),
        ("xn--a.example.com", 400, "InvalidDomain"),
        ("co.uk", 400, "PublicSuffix"),
        ("github.io", 400, "PublicSuffix"),
        ("mail.sendlet.example", 409, "DomainReserved"),
        ("shop.Mail.Sendlet.Example", 409, "DomainReserved"),
        (SHOP, 409, "DomainAlreadyExists"),
        ("SHOP.example.com", 409, "DomainAlreadyExists"),
    ];
    let row = |(name, status, code): (&str, _, _)| -> Row {
        let target = format!("/domains/{name}");
        ("PUT", target, Value::Null, status, code, Some("domain"))
    };
    let long = [
        format!("{}.example.com", "a".repeat(64)),
        // Of 253 octets, which names in front of it would make longer.
        long(4, &format!("{}.example.com", "b".repeat(41))),
        long(5, "example.com"),
    ];
    let long = long.iter().map(|name| row((name, 400, "InvalidDomain")));
    check(
        &customer.system,
        rows.map(row).into_iter().chain(long).collect(),
    )
    .await;
}

/// Look-alike letters show, wherever the domain is shown.
#[tokio::test(flavor = "multi_thread")]
async fn an_internationalized_domain_is_shown_in_its_a_labels() {
    let customer = Customer::at(Stage::Published).await;
    let rows = [
        ("b%C3%BCcher.example.com", "xn--bcher-kva.example.com"),
        ("B%C3%9CCHER.example.net", "xn--bcher-kva.example.net"),
        ("p%D0%B0ypal.example.com", "xn--pypal-4ve.example.com"),
    ];
    for (name, shown) in rows {
        let target = format!("/domains/{name}");
        let added = customer.system.operate("PUT", &target).await.expect(201);
        assert_eq!(added.text("/name").as_deref(), Some(shown));
        let location = added.field("operation-location").unwrap();
        assert!(
            location.contains(&format!("/domains/{shown}/operations/")),
            "{location}"
        );
        let got = customer.system.operate("GET", &target).await.expect(200);
        assert_eq!(got.text("/name").as_deref(), Some(shown));
        // Before its keys are made, which would take long.
        let target = format!("/domains/{shown}");
        customer.system.operate("DELETE", &target).await.expect(204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_property_and_parameter_that_cannot_be_used_is_named() {
    let customer = Customer::at(Stage::Published).await;
    let at = |path: &str| format!("/domains/{SHOP}{path}");
    let (initiate, cancel) = (":initiateVerification", ":cancelVerification");
    let no_type = |path: &str, name: Value| -> Row {
        let (code, target) = ("InvalidVerificationType", Some("verificationType"));
        (
            "POST",
            at(path),
            json!({"verificationType": name}),
            400,
            code,
            target,
        )
    };
    let no_path = |method, target: &str, path: &str| -> Row {
        let (code, name) = ("InvalidReturnPath", "mailFromSenderDomain");
        (
            method,
            target.to_owned(),
            json!({name: path}),
            400,
            code,
            Some(name),
        )
    };
    let no_host = |method, target: &str, host: &str| -> Row {
        let (code, name) = ("InvalidTrackingHost", "trackingHost");
        (
            method,
            target.to_owned(),
            json!({name: host}),
            400,
            code,
            Some(name),
        )
    };
    let no_value = |body| ("PATCH", at(""), body, 400, "BadRequest", None);
    let no_sender = |path: &str| -> Row {
        let path = at(&format!("/senderUsernames/{path}"));
        (
            "PUT",
            path,
            Value::Null,
            400,
            "InvalidSenderUserName",
            Some("username"),
        )
    };
    let no_name = |name: &str| -> Row {
        let body = json!({"displayName": name});
        let path = at("/senderUsernames/news");
        (
            "PUT",
            path,
            body,
            400,
            "InvalidDisplayName",
            Some("displayName"),
        )
    };
    let no_number =
        |target: String, name| ("GET", target, Value::Null, 400, "BadRequest", Some(name));
    let rows = vec![
        no_type(initiate, json!("spf")),
        no_type(initiate, json!("TXT")),
        no_type(initiate, json!("")),
        no_type(cancel, json!("dkim")),
        no_type(cancel, Value::Null),
        (
            "POST",
            at(cancel),
            Value::Null,
            400,
            "InvalidVerificationType",
            Some("verificationType"),
        ),
        no_path("PATCH", &at(""), "bounces.other.example"),
        no_path("PATCH", &at(""), "xshop.example.com"),
        no_path("PATCH", &at(""), "example.com"),
        no_path("PATCH", &at(""), ""),
        no_path("PUT", "/domains/new.example.org", "bounces.example.org"),
        no_host("PATCH", &at(""), SHOP),
        no_host("PATCH", &at(""), "links.example.com"),
        no_host("PATCH", &at(""), "linksshop.example.com"),
        no_host("PATCH", &at(""), &format!("*.{SHOP}")),
        no_host("PATCH", &at(""), &format!("a_b.{SHOP}")),
        no_host("PATCH", &at(""), &format!("{}.{SHOP}", "a".repeat(64))),
        no_host("PATCH", &at(""), &long(5, SHOP)),
        no_host("PATCH", &at(""), &format!("https://links.{SHOP}")),
        no_host("PATCH", &at(""), &format!("bounces.{SHOP}")),
        no_host("PATCH", &at(""), ""),
        no_host("PUT", "/domains/new.example.org", "new.example.org"),
        no_value(json!({"userEngagementTracking": "enabled"})),
        no_value(json!({"userEngagementTracking": true})),
        no_value(json!({"bulkByDefault": "Enabled"})),
        no_value(json!({"trackingHost": 1})),
        no_sender("a..b"),
        no_sender("a%40b"),
        no_sender("a%20b"),
        no_sender("a%0D%0Ab"),
        no_sender("%FF"),
        no_sender(""),
        no_sender(&"a".repeat(65)),
        no_name("a\r\nBcc: b@example.com"),
        no_name("a\u{0}b"),
        no_number("/domains?skipToken=x".to_owned(), "skipToken"),
        no_number("/domains?skipToken=-1".to_owned(), "skipToken"),
        no_number("/domains?top=ten".to_owned(), "top"),
        no_number("/domains?top=0".to_owned(), "top"),
        no_number("/domains?top=101".to_owned(), "top"),
        no_number("/suppressions?top=0".to_owned(), "top"),
        no_number("/suppressions?top=101".to_owned(), "top"),
        no_number(at("/history?skipToken=x"), "skipToken"),
        no_number(at("/senderUsernames?skipToken="), "skipToken"),
        (
            "POST",
            "/keys:reseal?skipToken=x".to_owned(),
            Value::Null,
            400,
            "BadRequest",
            Some("skipToken"),
        ),
    ];
    check(&customer.system, rows).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_or_selector_that_cannot_be_used_is_refused() {
    let customer = Customer::at(Stage::Published).await;
    let row = |selector: &str, key: &str, status, code, target| -> Row {
        let path = format!("/domains/{SHOP}/dkimKeys/{selector}");
        (
            "PUT",
            path,
            json!({"privateKey": key}),
            status,
            code,
            Some(target),
        )
    };
    let key = |pem: &str, code| row("own", pem, 400, code, "privateKey");
    let selector = |text: &str, status, code| row(text, ED25519, status, code, "selector");
    let lines = ED25519.lines().collect::<Vec<_>>();
    let taken = customer.selector("DKIMEd25519").await;
    let rows = vec![
        key("", "InvalidKey"),
        key("nonsense", "InvalidKey"),
        key(lines[1], "InvalidKey"),
        key(&ED25519.replace("-----END", "--END"), "InvalidKey"),
        key(&ED25519.replace("MC4", "M*4"), "InvalidKey"),
        key(&ED25519.replace("MC4", "MC5"), "InvalidKey"),
        key(&format!("{ED25519}{ED25519}"), "InvalidKey"),
        key(&RSA.replace('M', "N"), "InvalidKey"),
        key(&" ".repeat(20_000), "InvalidKey"),
        key(include_str!("vectors/rsa-2048-pkcs1.pem"), "InvalidKey"),
        key(include_str!("vectors/ed25519-public.pem"), "InvalidKey"),
        key(
            include_str!("vectors/ed25519-encrypted.pem"),
            "EncryptedKey",
        ),
        key(include_str!("vectors/ec-p256.pem"), "UnsupportedKeyType"),
        key(include_str!("vectors/rsa-1024.pem"), "KeySize"),
        selector("a_b", 400, "InvalidSelector"),
        selector("a%20b", 400, "InvalidSelector"),
        selector("-a", 400, "InvalidSelector"),
        selector("a..b", 400, "InvalidSelector"),
        selector("", 400, "InvalidSelector"),
        selector(&"a".repeat(64), 400, "InvalidSelector"),
        selector(&customer.selector("DKIM").await, 409, "SelectorInUse"),
        selector(&taken.to_uppercase(), 409, "SelectorInUse"),
    ];
    check(&customer.system, rows).await;
    let keys = customer.domain().await["dkimKeys"].clone();
    assert_eq!(keys.as_array().unwrap().len(), 3, "none was taken: {keys}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_managed_domain_cannot_be_changed_like_a_customers() {
    let customer = Customer::at(Stage::Published).await;
    let managed = "/domains/ManagedDomain".to_owned();
    let path = json!({"mailFromSenderDomain": "bounces.example.com"});
    let is_managed = |method, body| -> Row {
        (
            method,
            managed.clone(),
            body,
            409,
            "DomainIsManaged",
            Some("domain"),
        )
    };
    let rows = vec![is_managed("DELETE", Value::Null), is_managed("PATCH", path)];
    check(&customer.system, rows).await;
}

/// Every route and what may be asked of it; with a domain that is not there in place of `{}`.
const ROUTES: [(&str, &str); 16] = [
    ("/domains", "GET"),
    (
        "/domains/operations/0f9a3c1e-5d7b-4c7a-9b11-3a64d5c0a1ff",
        "GET",
    ),
    ("/domains/{}", "GET, PUT, PATCH, DELETE"),
    ("/domains/{}:diagnose", "GET"),
    ("/domains/{}:initiateVerification", "POST"),
    ("/domains/{}:cancelVerification", "POST"),
    ("/domains/{}:rotateDkim", "POST"),
    ("/domains/{}:link", "POST"),
    ("/domains/{}:unlink", "POST"),
    ("/domains/{}/zone", "GET"),
    ("/domains/{}/history", "GET"),
    (
        "/domains/{}/operations/0f9a3c1e-5d7b-4c7a-9b11-3a64d5c0a1ff",
        "GET",
    ),
    ("/domains/{}/dkimKeys/own", "PUT"),
    ("/domains/{}/senderUsernames", "GET"),
    ("/domains/{}/senderUsernames/news", "GET, PUT, DELETE"),
    ("/keys:reseal", "POST"),
];
const METHODS: [&str; 6] = ["GET", "PUT", "PATCH", "DELETE", "POST", "OPTIONS"];

#[tokio::test(flavor = "multi_thread")]
async fn every_route_says_which_methods_it_knows() {
    let customer = Customer::at(Stage::Published).await;
    for (route, allowed) in ROUTES {
        let target = route.replace("{}", SHOP);
        for method in METHODS {
            if allowed.split(", ").any(|known| known == method) {
                continue;
            }
            let answer = customer.system.operate(method, &target).await;
            let expected = (405, "MethodNotAllowed".into(), None);
            assert_eq!(answer.problem(), expected, "{method} {target}");
            assert_eq!(answer.field("allow"), Some(allowed), "{method} {target}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_opens_without_the_admin_token() {
    let customer = Customer::at(Stage::Published).await;
    let wrong = format!("Bearer {ADMIN_TOKEN}x");
    for (route, _) in ROUTES {
        let target = route.replace("{}", SHOP);
        for method in METHODS {
            let request = Request::new(method, &target);
            let requests = [
                request.clone(),
                request.clone().field("authorization", ""),
                request.clone().field("authorization", &wrong),
                request.field("authorization", ADMIN_TOKEN),
            ];
            for request in requests {
                let answer = customer.system.client.call(request).await;
                let expected = (401, "Unauthorized".into(), None);
                assert_eq!(answer.problem(), expected, "{method} {target}");
            }
        }
    }
    assert_eq!(customer.domain().await["linked"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_below_a_domain_that_is_not_there() {
    let customer = Customer::at(Stage::Published).await;
    let key = json!({"privateKey": ED25519});
    let kind = json!({"verificationType": "SPF"});
    let mut rows = Vec::new();
    for (route, allowed) in ROUTES.into_iter().filter(|(route, _)| route.contains("{}")) {
        for method in allowed.split(", ") {
            if method == "PUT" && route.ends_with("{}") {
                continue;
            }
            let body = match route.rsplit_once("{}") {
                Some((_, "/dkimKeys/own")) => key.clone(),
                Some((_, ":cancelVerification")) => kind.clone(),
                _ => Value::Null,
            };
            let target = route.replace("{}", "other.example.com");
            rows.push((method, target, body, 404, "DomainNotFound", Some("domain")));
        }
    }
    assert!(rows.len() > 12);
    check(&customer.system, rows).await;
    let at = |path: &str| format!("/domains/{SHOP}{path}");
    let not_found = |path: &str| -> Row { ("GET", at(path), Value::Null, 404, "NotFound", None) };
    let rows = vec![
        not_found("/operations/x"),
        not_found("/operations/0f9a3c1e-5d7b-4c7a-9b11-3a64d5c0a1ff"),
        not_found("/other"),
        not_found("/dkimKeys"),
        not_found("/senderUsernames/a/b"),
        not_found(":other"),
        not_found(":"),
    ];
    check(&customer.system, rows).await;
}

/// The routes that take a body, with a property they know.
const BODIES: [(&str, &str, &str); 7] = [
    ("PUT", "/domains/new.example.org", "linked"),
    ("PATCH", "/domains/shop.example.com", "linked"),
    (
        "POST",
        "/domains/shop.example.com:initiateVerification",
        "verificationType",
    ),
    (
        "POST",
        "/domains/shop.example.com:cancelVerification",
        "verificationType",
    ),
    ("POST", "/domains/shop.example.com:rotateDkim", "algorithm"),
    (
        "PUT",
        "/domains/shop.example.com/dkimKeys/own",
        "privateKey",
    ),
    (
        "PUT",
        "/domains/shop.example.com/senderUsernames/news",
        "displayName",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_none_of_the_route_is_refused() {
    let customer = Customer::at(Stage::Published).await;
    let before = customer.domain().await;
    let too_long = format!("{{\"linked\":{}true}}", " ".repeat(64 * 1024));
    for (method, target, property) in BODIES {
        let deep = b"[".repeat(60_000);
        let wrong_type = format!("{{\"{property}\": [{{}}]}}");
        let rows: [(&[u8], u16, &str); 11] = [
            (b"{", 400, "BadRequest"),
            (b" ", 400, "BadRequest"),
            (b"nonsense", 400, "BadRequest"),
            (b"{} x", 400, "BadRequest"),
            (b"{\"other\": 1}", 400, "BadRequest"),
            (b"\xff", 400, "BadRequest"),
            (b"null", 400, "BadRequest"),
            (b"\"text\"", 400, "BadRequest"),
            (&deep, 400, "BadRequest"),
            (wrong_type.as_bytes(), 400, "BadRequest"),
            (too_long.as_bytes(), 413, "RequestEntityTooLarge"),
        ];
        for (body, status, code) in rows {
            let request = as_operator(method, target).body(body.to_vec());
            let found = customer.system.client.call(request).await.problem();
            let what =
                String::from_utf8_lossy(body.get(..body.len().min(30)).unwrap()).into_owned();
            let expected = (status, code);
            assert_eq!(
                (found.0, found.1.as_str()),
                expected,
                "{method} {target} {what}"
            );
        }
    }
    assert_eq!(customer.domain().await, before);
    let new = customer
        .system
        .operate("GET", "/domains/new.example.org")
        .await;
    new.expect(404);
}
