//! What is kept of who made a request: what `audience` makes of it, and nothing of its address.

use audience::{Action, DataCentreMark, Headers, History, Rules, judge};
use guest::header;
use http::{HeaderValue, Method, Request};
use mailer::engagement::{MAX_USER_AGENT_OCTETS, Visitor};

/// What the operator wants to know of visitors.
#[derive(Default)]
pub(crate) struct Visitors {
    /// Whether their User-Agent fields are kept.
    pub(crate) keeps_user_agents: bool,
    /// What says that one is in a data centre, if anything does.
    pub(crate) data_centre: Option<DataCentreMark>,
}

/// What `request` says of who made it. What only time tells, whoever reads of the visit judges.
pub(crate) fn visitor<B>(request: &Request<B>, action: Action, visitors: &Visitors) -> Visitor {
    let field = |name: &str| request.headers().get(name).map(HeaderValue::as_bytes);
    let is_in = |mark: &DataCentreMark| {
        let values = request.headers().get_all(mark.name()).iter();
        mark.is_in(values.map(HeaderValue::as_bytes))
    };
    let headers = Headers {
        in_data_centre: visitors.data_centre.as_ref().is_some_and(is_in),
        ..Headers::look_up(field)
    };
    let verdict = judge(
        &Rules::default(),
        &audience::Visit {
            action,
            method: method(request.method()),
            headers: &headers,
            at: 0,
            since_delivery: None,
            history: &History::default(),
        },
    );
    let user_agent = header(request, "user-agent").filter(|_| visitors.keeps_user_agents);
    Visitor {
        audience: verdict.audience.to_string(),
        reason: verdict.reason.to_string(),
        family: verdict.client.family.to_string(),
        class: verdict.client.class.to_string(),
        user_agent: user_agent.map(|text| text.chars().take(MAX_USER_AGENT_OCTETS).collect()),
    }
}

fn method(method: &Method) -> audience::Method {
    match *method {
        Method::HEAD => audience::Method::Head,
        Method::POST => audience::Method::Post,
        _ => audience::Method::Get,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 \
                          (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

    fn request(method: &str, user_agent: &str) -> Request<()> {
        let request = Request::builder().method(method);
        let request = request.header("user-agent", user_agent);
        let request = request.header("x-forwarded-for", "192.0.2.7");
        request.body(()).unwrap()
    }

    #[test]
    fn a_person_and_a_machine_are_told_apart_and_nothing_else_is_kept() {
        let none = Visitors::default();
        let human = visitor(&request("GET", CHROME), Action::Click(0), &none);
        assert_eq!(
            (human.audience.as_str(), human.class.as_str()),
            ("human", "desktop")
        );
        assert_eq!(human.user_agent, None);
        assert!(!format!("{human:?}").contains("192.0.2.7"));
        let head = visitor(&request("HEAD", CHROME), Action::Click(0), &none);
        assert_eq!(
            (head.audience.as_str(), head.reason.as_str()),
            ("scanner", "method:head")
        );
        let post = visitor(&request("POST", ""), Action::Unsubscribe, &none);
        assert_eq!(
            (post.audience.as_str(), post.reason.as_str()),
            ("human", "method:one-click")
        );
    }

    #[test]
    fn the_user_agent_is_kept_where_it_is_wanted_and_only_so_much_of_it() {
        let long = "x".repeat(4 * MAX_USER_AGENT_OCTETS);
        let keeping = Visitors {
            keeps_user_agents: true,
            data_centre: None,
        };
        let kept = |text: &str| visitor(&request("GET", text), Action::Open, &keeping).user_agent;
        assert_eq!(kept(CHROME).as_deref(), Some(CHROME));
        assert_eq!(
            kept(&long).map(|text| text.len()),
            Some(MAX_USER_AGENT_OCTETS)
        );
    }

    #[test]
    fn what_a_proxy_in_front_says_of_data_centres_counts_where_the_operator_says_so() {
        let mut request = request("GET", CHROME);
        let name = HeaderName::from_static("x-network");
        let values = request.headers_mut();
        values.append(&name, HeaderValue::from_static("home"));
        let judged = |request: &Request<()>, mark: Option<&str>| {
            let visitors = Visitors {
                keeps_user_agents: false,
                data_centre: mark.map(|mark| DataCentreMark::parse(mark).unwrap()),
            };
            visitor(request, Action::Click(0), &visitors).audience
        };
        assert_eq!(judged(&request, Some("x-network=hosting")), "human");
        let values = request.headers_mut();
        values.append(&name, HeaderValue::from_static("hosting"));
        assert_eq!(judged(&request, None), "human");
        assert_eq!(judged(&request, Some("X-Network=hosting")), "scanner");
    }
}
