//! Which component answers a path.
//!
//! A route is a list of segments: text, `:name` for any one segment, and at the end `...` for any number of them. Leading
//! and trailing slashes do not count, so `/x/...` answers `/x` too. Where several routes match, they are compared segment
//! by segment from the left: text goes before `:name`, and that before `...`. Of two equal routes the last counts. All of
//! this is Spin's behaviour.
//!
//! # Not supported
//! A parameter inside a segment (`/files/:name.json`).

use std::sync::Arc;

use crate::manifest::{HttpTrigger, ManifestError, Route};

/// The public routes of an application.
pub(crate) struct Routes(Vec<Entry>);

struct Entry {
    pattern: Vec<Segment>,
    component: Arc<str>,
}

/// A segment of a route, in order of precedence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Text(String),
    Parameter,
    Rest,
}

/// What of a segment decides precedence.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Text,
    Parameter,
    Rest,
}

impl Routes {
    /// Reads the routes of these triggers; private ones are left out, since no path leads to them.
    ///
    /// # Errors
    /// When a route is malformed.
    pub(crate) fn new(triggers: &[HttpTrigger]) -> Result<Self, ManifestError> {
        let public = triggers.iter().filter_map(|trigger| match &trigger.route {
            Route::Public(route) => Some((route, &trigger.component)),
            Route::Private(_) => None,
        });
        let entries = public.map(|(route, component)| {
            Ok(Entry {
                pattern: parse(route)?,
                component: Arc::from(component.as_str()),
            })
        });
        entries.collect::<Result<_, _>>().map(Self)
    }

    /// Returns the component that answers this path.
    pub(crate) fn component(&self, path: &str) -> Option<&Arc<str>> {
        let path: Vec<&str> = segments(path).collect();
        // The last of equal routes counts, and `min_by_key` keeps the first it sees.
        let matching = self
            .0
            .iter()
            .rev()
            .filter(|entry| matches(&entry.pattern, &path));
        let best = matching
            .min_by_key(|entry| entry.pattern.iter().map(Segment::kind).collect::<Vec<_>>());
        best.map(|entry| &entry.component)
    }
}

impl Segment {
    fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Parameter => Kind::Parameter,
            Self::Rest => Kind::Rest,
        }
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    let trimmed = path.trim_matches('/');
    // An empty path has no segments, while splitting it would give one.
    trimmed
        .split('/')
        .take(if trimmed.is_empty() { 0 } else { usize::MAX })
}

fn parse(route: &str) -> Result<Vec<Segment>, ManifestError> {
    let malformed = |reason| ManifestError::Route {
        route: route.to_owned(),
        reason,
    };
    let mut pattern = Vec::new();
    for segment in segments(route) {
        if pattern.last() == Some(&Segment::Rest) {
            return Err(malformed("expected nothing after '...'"));
        }
        pattern.push(match segment {
            "..." | "*" => Segment::Rest,
            name if name.starts_with(':') && name.contains('.') => {
                return Err(malformed("expected a parameter to be a whole segment"));
            }
            name if name.starts_with(':') => Segment::Parameter,
            text if text.contains('*') => {
                return Err(malformed("expected '*' to be a whole segment"));
            }
            text => Segment::Text(text.to_owned()),
        });
    }
    Ok(pattern)
}

fn matches(pattern: &[Segment], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) | (Some((Segment::Rest, _)), _) => true,
        (Some((segment, pattern)), Some((found, path))) => {
            segment.accepts(found) && matches(pattern, path)
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

impl Segment {
    fn accepts(&self, found: &str) -> bool {
        match self {
            Self::Text(text) => text == found,
            Self::Parameter => !found.is_empty(),
            Self::Rest => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(list: &[&str]) -> Result<Routes, ManifestError> {
        let entries = list.iter().map(|route| {
            Ok(Entry {
                pattern: parse(route)?,
                component: Arc::from(*route),
            })
        });
        entries.collect::<Result<_, _>>().map(Routes)
    }

    #[track_caller]
    fn check(list: &[&str], path: &str, expected: Option<&str>) {
        let routes = routes(list).unwrap();
        assert_eq!(routes.component(path).map(AsRef::as_ref), expected);
    }

    #[test]
    fn exact_routes_match_only_themselves() {
        check(&["/foo", "/foo/bar"], "/foo", Some("/foo"));
        check(&["/foo", "/foo/bar"], "/foo/bar", Some("/foo/bar"));
        check(&["/foo"], "/foo/", Some("/foo"));
        check(&["/foo"], "/foox", None);
        check(&["/foo"], "/", None);
        check(&["/"], "/", Some("/"));
        check(&["/"], "/foo", None);
    }

    #[test]
    fn a_colon_inside_a_segment_is_text() {
        check(&["/emails:send"], "/emails:send", Some("/emails:send"));
        check(&["/emails:send"], "/emails", None);
    }

    #[test]
    fn a_parameter_takes_one_segment() {
        check(
            &["/emails/operations/:id"],
            "/emails/operations/a.b-c",
            Some("/emails/operations/:id"),
        );
        check(&["/emails/operations/:id"], "/emails/operations/", None);
        check(&["/emails/operations/:id"], "/emails/operations/a/b", None);
    }

    #[test]
    fn a_wildcard_takes_any_number_of_segments() {
        for path in ["/x", "/x/", "/x/a", "/x/a/b"] {
            check(&["/x/..."], path, Some("/x/..."));
        }
        check(&["/x/..."], "/y", None);
        check(&["/..."], "/", Some("/..."));
    }

    #[test]
    fn text_goes_before_parameters_and_those_before_wildcards() {
        check(&["/...", "/x"], "/x", Some("/x"));
        check(&["/x/...", "/x/:id"], "/x/1", Some("/x/:id"));
        check(&["/x/:id", "/x/new"], "/x/new", Some("/x/new"));
        check(
            &["/one/...", "/one/two/...", "/one/two/three/..."],
            "/one/two/three/four",
            Some("/one/two/three/..."),
        );
        check(&["/x/...", "/x"], "/x", Some("/x"));
        for list in [["/x/...", "/x/:id/y:z"], ["/x/:id/y:z", "/x/..."]] {
            check(&list, "/x/1/y:z", Some("/x/:id/y:z"));
            check(&list, "/x/1/y:other", Some("/x/..."));
            check(&list, "/x/1/2/y:z", Some("/x/..."));
        }
    }

    #[test]
    fn the_last_of_equal_routes_counts() {
        let entry = |component: &str| Entry {
            pattern: parse("/x").unwrap(),
            component: Arc::from(component),
        };
        let routes = Routes(vec![entry("first"), entry("last")]);
        assert_eq!(routes.component("/x").map(AsRef::as_ref), Some("last"));
    }

    #[test]
    fn malformed_routes_are_refused() {
        for route in ["/.../x", "/x/:name.json", "/x/a*"] {
            assert!(routes(&[route]).is_err(), "{route}");
        }
    }
}
