//! What the log shows of a path. Paths hold addresses of people, and tokens that anybody may use who has them.
//!
//! Known is what the components' route tables know, spelled as they spell it. Of everything else only the place is shown
//! where it stands, since who misspells a link has its token in it all the same.

/// The routes: text is shown, `:name` is shown if it looks like a name, and what stands at `…` is not, nor what follows.
const ROUTES: &[&str] = &[
    "/emails:send",
    "/emails/operations/:id",
    "/emails/:id/status",
    "/tick",
    "/webhooks/relay",
    "/webhooks/report",
    "/c/…",
    "/o/…",
    "/u/…",
    "/messages/:id/timeline",
    "/messages/:id/engagement:erase",
    "/reports/refused",
    "/keys:reseal",
    "/subscriptions/validate",
    "/subscriptions/:id/deadLetters",
    "/suppressions/…",
    "/suppressions:import",
    "/suppressions:export",
    "/domains/operations/:id",
    "/domains/:name/zone",
    "/domains/:name/history",
    "/domains/:name/operations/:id",
    "/domains/:name/dkimKeys/:selector",
    "/domains/:name/senderUsernames/…",
    "/domains/:name/suppressionLists/:list/suppressionListAddresses/…",
    "/.well-known/spin/health",
];

/// Stands for what is not shown.
const CUT: &str = "…";

/// The longest name that is shown.
const MAX_NAME: usize = 64;

/// The path as the log may have it: along the route that knows most of it, and no further.
pub(super) fn shown_path(path: &str) -> String {
    let path: Vec<&str> = path.trim_matches('/').split('/').collect();
    let routes = ROUTES.iter();
    let route = routes.max_by_key(|route| shown_along(route, &path).count());
    let along = route.map(|route| shown_along(route, &path));
    let mut shown: Vec<&str> = along.into_iter().flatten().collect();
    if shown.len() < path.len() && path != [""] && shown.last() != Some(&CUT) {
        shown.push(CUT);
    }
    format!("/{}", shown.join("/"))
}

/// What is shown of the segments that the route knows.
fn shown_along<'a>(route: &'static str, path: &[&'a str]) -> impl Iterator<Item = &'a str> {
    let route = route.split('/').skip(1);
    route
        .zip(path)
        .map_while(|(route, found)| shown_segment(route, found))
}

/// What is shown of a segment, if the route knows it.
fn shown_segment<'a>(route: &'static str, found: &'a str) -> Option<&'a str> {
    match route {
        CUT => Some(CUT),
        name if name.starts_with(':') => Some(if is_name(found) { found } else { CUT }),
        text => (text == found).then_some(found),
    }
}

/// Ids, domains and selectors, with the action behind them (`example.com:diagnose`). Addresses have an `@` or a `%40`.
fn is_name(segment: &str) -> bool {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b".-_:".contains(&octet);
    segment.len() <= MAX_NAME && segment.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        assert_eq!(shown_path(path), expected, "{path}");
    }

    #[test]
    fn known_routes_are_shown_with_ids_and_domains() {
        check("/", "/");
        check("/emails:send", "/emails:send");
        check("/tick", "/tick");
        check("/messages", "/messages");
        let id = "0199f0a1-0000-7000-8000-000000000000";
        check(
            &format!("/emails/operations/{id}"),
            &format!("/emails/operations/{id}"),
        );
        check(
            &format!("/messages/{id}/timeline"),
            &format!("/messages/{id}/timeline"),
        );
        check("/subscriptions/sub_1:pause", "/subscriptions/sub_1:pause");
        check("/subscriptions/validate", "/subscriptions/validate");
        check(
            "/domains/example.com:diagnose",
            "/domains/example.com:diagnose",
        );
        check("/domains/example.com/zone", "/domains/example.com/zone");
        check("/domains/operations/x", "/domains/operations/x");
        check(
            "/domains/a.test/suppressionLists/l:export",
            "/domains/a.test/suppressionLists/l:export",
        );
        check("/.well-known/spin/health", "/.well-known/spin/health");
    }

    #[test]
    fn addresses_are_not_shown() {
        for path in [
            "/suppressions/jane@example.com",
            "/suppressions/jane%40example.com:explain",
            "//suppressions/jane@example.com/",
            "/suppressions/jane/example.com",
        ] {
            check(path, "/suppressions/…");
        }
        let list = "/domains/a.test/suppressionLists/news/suppressionListAddresses";
        check(list, list);
        check(&format!("{list}/jane@example.com"), &format!("{list}/…"));
        check(
            "/domains/a.test/senderUsernames/jane",
            "/domains/a.test/senderUsernames/…",
        );
        check("/domains/jane@example.com/zone", "/domains/…/zone");
        check("/messages/jane%40example.com", "/messages/…");
        check("/Suppressions/jane@example.com", "/…");
        check(
            "/suppressions:import/jane@example.com",
            "/suppressions:import/…",
        );
    }

    #[test]
    fn tokens_are_not_shown_however_the_path_is_spelled() {
        check("/u/AbC", "/u/…");
        check("/c/AbC/x", "/c/…");
        check("/o/AbC", "/o/…");
        check("//u/AbC", "/u/…");
        check("/u//AbC", "/u/…");
        for path in [
            "/U/AbC",
            "/%75/AbC",
            "/./u/AbC",
            "/u%2FAbC",
            "/x/../u/AbC",
            "/AbC",
            "*",
        ] {
            check(path, "/…");
        }
    }

    #[test]
    fn what_is_long_or_unknown_is_cut() {
        check("/domains/a.test/x/y", "/domains/a.test/…");
        check("/emails/x", "/emails/x");
        let (longest, longer) = ("x".repeat(MAX_NAME), "x".repeat(MAX_NAME + 1));
        check(
            &format!("/messages/{longest}"),
            &format!("/messages/{longest}"),
        );
        check(&format!("/messages/{longer}"), "/messages/…");
        check(
            &format!("/messages/{longer}/timeline"),
            "/messages/…/timeline",
        );
    }
}
