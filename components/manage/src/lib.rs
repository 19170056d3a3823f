//! What operators call: sender domains, suppression lists, event subscriptions, and erasure. All of it wants the admin token.
#![cfg_attr(
    not(target_family = "wasm"),
    expect(
        dead_code,
        reason = "natively only the unit tests are built, and the export is not"
    )
)]

mod config;
mod handlers;
mod refusal;
mod wire;

use guest::{Problem, Request, Response, answer};
use http::Method;
#[cfg(target_family = "wasm")]
use spin_sdk::http_service;

use handlers::{
    domains, engagement, keys, lists, managed, senders, subscriptions, suppressions, transfer,
    verification,
};
use mailer::suppression::Shelf;

#[cfg_attr(target_family = "wasm", http_service)]
async fn handle(request: Request) -> Response {
    answer(route(request).await)
}

async fn route(request: Request) -> Result<Response, Problem> {
    let config = config::Config::load().await?;
    let operator = config
        .admin_token
        .authorize(guest::header(&request, "authorization"));
    operator.ok_or_else(Problem::unauthorized)?;
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let method = request.method().clone();
    match segments.as_slice() {
        ["keys:reseal"] => match method {
            Method::POST => keys::reseal(&request, &config).await,
            _ => Err(Problem::method_not_allowed("POST")),
        },
        ["messages", id, "engagement:erase"] => match method {
            Method::POST => engagement::erase(request, id).await,
            _ => Err(Problem::method_not_allowed("POST")),
        },
        ["suppressions"] => match method {
            Method::GET => suppressions::list(&request, &config).await,
            _ => Err(Problem::method_not_allowed("GET")),
        },
        ["suppressions:import"] => match method {
            Method::POST => transfer::import(request, config, Shelf::everywhere()).await,
            _ => Err(Problem::method_not_allowed("POST")),
        },
        ["suppressions:export"] => match method {
            Method::GET => transfer::export(&request, &config, Shelf::everywhere()).await,
            _ => Err(Problem::method_not_allowed("GET")),
        },
        ["suppressions", address] => suppression(request, &config, address).await,
        ["domains"] => match method {
            Method::GET => domains::list(&request, &config).await,
            _ => Err(Problem::method_not_allowed("GET")),
        },
        ["domains", "operations", id] => match method {
            Method::GET => managed::operation(id).await,
            _ => Err(Problem::method_not_allowed("GET")),
        },
        ["domains", "ManagedDomain"] if method == Method::PUT => {
            managed::put(&request, config).await
        }
        ["domains", name] => match name.split_once(':') {
            Some((name, action)) => act(request, config, (name, action)).await,
            None => domain(request, config, name).await,
        },
        ["domains", name, rest @ ..] => below(request, config, name, rest).await,
        ["subscriptions", rest @ ..] => subscription(request, config, rest).await,
        _ => Err(Problem::not_found()),
    }
}

async fn subscription(
    request: Request,
    config: std::rc::Rc<config::Config>,
    rest: &[&str],
) -> Result<Response, Problem> {
    let method = request.method().clone();
    match rest {
        [] => match method {
            Method::GET => subscriptions::list().await,
            Method::POST => subscriptions::create(request, &config).await,
            _ => Err(Problem::method_not_allowed("GET, POST")),
        },
        [id] => match id.split_once(':') {
            Some((id, action)) => act_on_subscription(request, &config, (id, action)).await,
            None => match method {
                Method::GET => subscriptions::get(id).await,
                Method::PATCH => subscriptions::patch(request, &config, id).await,
                Method::DELETE => subscriptions::delete(id).await,
                _ => Err(Problem::method_not_allowed("GET, PATCH, DELETE")),
            },
        },
        [id, "deadLetters"] => match method {
            Method::GET => subscriptions::dead_letters(&request, id).await,
            _ => Err(Problem::method_not_allowed("GET")),
        },
        _ => Err(Problem::not_found()),
    }
}

async fn act_on_subscription(
    request: Request,
    config: &config::Config,
    (id, action): (&str, &str),
) -> Result<Response, Problem> {
    use subscriptions as act;
    let is_known = matches!(
        action,
        "pause" | "resume" | "rotateSecret" | "removeOldSecret" | "validate" | "test" | "redeliver"
    );
    if !is_known {
        return Err(Problem::not_found());
    }
    if *request.method() != Method::POST {
        return Err(Problem::method_not_allowed("POST"));
    }
    match action {
        "pause" => act::pause(id).await,
        "resume" => act::resume(id).await,
        "rotateSecret" => act::rotate_secret(request, config, id).await,
        "removeOldSecret" => act::remove_old_secret(id).await,
        "validate" => act::validate(&request, id).await,
        "test" => act::test(request, config, id).await,
        _ => act::redeliver(request, config, id).await,
    }
}

async fn domain(
    request: Request,
    config: std::rc::Rc<config::Config>,
    name: &str,
) -> Result<Response, Problem> {
    match *request.method() {
        Method::GET => domains::get(&config, name).await,
        Method::PUT => domains::put(request, config, name).await,
        Method::PATCH => domains::patch(request, &config, name).await,
        Method::DELETE => domains::delete(name).await,
        _ => Err(Problem::method_not_allowed("GET, PUT, PATCH, DELETE")),
    }
}

async fn suppression(
    request: Request,
    config: &config::Config,
    segment: &str,
) -> Result<Response, Problem> {
    let method = request.method().clone();
    if let Some(address) = segment.strip_suffix(":explain") {
        return match method {
            Method::GET => suppressions::explain(&request, config, address).await,
            _ => Err(Problem::method_not_allowed("GET")),
        };
    }
    match method {
        Method::GET => suppressions::get(config, segment).await,
        Method::PUT => suppressions::put(request, config, segment).await,
        Method::DELETE => suppressions::delete(config, segment).await,
        _ => Err(Problem::method_not_allowed("GET, PUT, DELETE")),
    }
}

/// What is below `/domains/{name}/suppressionLists`.
async fn suppression_lists(
    request: Request,
    config: std::rc::Rc<config::Config>,
    name: &str,
    rest: &[&str],
) -> Result<Response, Problem> {
    let method = request.method().clone();
    match rest {
        [] => match method {
            Method::GET => lists::list(&request, name).await,
            _ => Err(Problem::method_not_allowed("GET")),
        },
        [list] => match (list.split_once(':'), method) {
            (Some((list, "import")), Method::POST) => {
                let shelf = lists::shelf(name, list).await?;
                transfer::import(request, config, shelf).await
            }
            (Some((list, "export")), Method::GET) => {
                let shelf = lists::shelf(name, list).await?;
                transfer::export(&request, &config, shelf).await
            }
            (Some((_, "import")), _) => Err(Problem::method_not_allowed("POST")),
            (Some((_, "export")), _) => Err(Problem::method_not_allowed("GET")),
            (Some(_), _) => Err(Problem::not_found()),
            (None, Method::GET) => lists::get(name, list).await,
            (None, Method::PUT) => lists::put(request, name, list).await,
            (None, Method::DELETE) => lists::delete(name, list).await,
            (None, _) => Err(Problem::method_not_allowed("GET, PUT, DELETE")),
        },
        [list, "suppressionListAddresses"] => match method {
            Method::GET => lists::addresses(&request, &config, (name, list)).await,
            _ => Err(Problem::method_not_allowed("GET")),
        },
        [list, "suppressionListAddresses", id] => match method {
            Method::GET => lists::get_address(&config, (name, list), id).await,
            Method::PUT => lists::put_address(request, &config, (name, list), id).await,
            Method::DELETE => lists::delete_address(&config, (name, list), id).await,
            _ => Err(Problem::method_not_allowed("GET, PUT, DELETE")),
        },
        _ => Err(Problem::not_found()),
    }
}

async fn act(
    request: Request,
    config: std::rc::Rc<config::Config>,
    (name, action): (&str, &str),
) -> Result<Response, Problem> {
    let takes = match action {
        "diagnose" => Method::GET,
        "initiateVerification" | "cancelVerification" | "rotateDkim" | "link" | "unlink" => {
            Method::POST
        }
        _ => return Err(Problem::not_found()),
    };
    if *request.method() != takes {
        return Err(Problem::method_not_allowed(takes.as_str()));
    }
    match action {
        "diagnose" => verification::diagnose(&config, name).await,
        "initiateVerification" => verification::initiate(request, config, name).await,
        "cancelVerification" => verification::cancel(request, config, name).await,
        "rotateDkim" => keys::rotate(request, config, name).await,
        "link" => domains::link(&config, name, true).await,
        _ => domains::link(&config, name, false).await,
    }
}

async fn below(
    request: Request,
    config: std::rc::Rc<config::Config>,
    name: &str,
    rest: &[&str],
) -> Result<Response, Problem> {
    let method = request.method().clone();
    match rest {
        ["zone"] => match method {
            Method::GET => domains::zone(&config, name).await,
            _ => Err(Problem::method_not_allowed("GET")),
        },
        ["history"] => match method {
            Method::GET => domains::history(&request, name).await,
            _ => Err(Problem::method_not_allowed("GET")),
        },
        ["operations", id] => match method {
            Method::GET => keys::operation(name, id).await,
            _ => Err(Problem::method_not_allowed("GET")),
        },
        ["dkimKeys", selector] => match method {
            Method::PUT => keys::import(request, &config, name, selector).await,
            _ => Err(Problem::method_not_allowed("PUT")),
        },
        ["suppressionLists", rest @ ..] => suppression_lists(request, config, name, rest).await,
        ["senderUsernames"] => match method {
            Method::GET => senders::list(&request, name).await,
            _ => Err(Problem::method_not_allowed("GET")),
        },
        ["senderUsernames", username] => match method {
            Method::GET => senders::get(name, username).await,
            Method::PUT => senders::put(request, name, username).await,
            Method::DELETE => senders::delete(name, username).await,
            _ => Err(Problem::method_not_allowed("GET, PUT, DELETE")),
        },
        _ => Err(Problem::not_found()),
    }
}
