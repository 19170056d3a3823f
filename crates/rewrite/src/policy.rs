//! Which links are left alone.

/// Most links of a message that can be followed.
pub const MAX_LINKS: usize = 1000;

/// What of a message is not to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Beginnings of URLs that are left alone: an origin such as `https://mail.example`, or an origin and the start of a
    /// path. Case makes no difference. One that ends in a letter, digit or any sign that could go on means just that name:
    /// behind it comes nothing, or one of `/ \ ? #`.
    pub left_alone: Vec<String>,
    /// Links beyond this number are left alone.
    pub max_links: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            left_alone: Vec::new(),
            max_links: MAX_LINKS,
        }
    }
}

impl Policy {
    pub(crate) fn leaves_alone(&self, url: &str) -> bool {
        self.left_alone.iter().any(|start| begins(url, start))
    }
}

fn begins(url: &str, start: &str) -> bool {
    const ENDS: [char; 5] = ['/', '\\', '?', '#', '='];
    let Some((beginning, rest)) = url.split_at_checked(start.len()) else {
        return false;
    };
    let ends = start.ends_with(ENDS) || rest.is_empty() || rest.starts_with(['/', '\\', '?', '#']);
    beginning.eq_ignore_ascii_case(start) && ends
}

#[cfg(test)]
mod tests {
    use super::Policy;

    #[track_caller]
    fn check(start: &str, url: &str, expected: bool) {
        let policy = Policy {
            left_alone: vec!["https://other.example/".to_owned(), start.to_owned()],
            ..Policy::default()
        };
        assert_eq!(policy.leaves_alone(url), expected, "{start} {url}");
    }

    #[test]
    fn an_origin_means_that_host_only() {
        check("https://t.example", "https://t.example", true);
        check("https://t.example", "HTTPS://T.Example/u/1", true);
        check("https://t.example", "https://t.example?u", true);
        check("https://t.example", r"https://t.example\u", true);
        check("https://t.example", "https://t.example.org/", false);
        check("https://t.example", "https://t.example:8443/", false);
        check(
            "https://t.example",
            "https://t.example@evil.example/",
            false,
        );
        check("https://t.example", "http://t.example/", false);
        check("https://t.example", "https://t.exampl", false);
    }

    #[test]
    fn a_path_means_what_is_below_it() {
        check("https://t.example/u", "https://t.example/u/1", true);
        check("https://t.example/u", "https://t.example/us", false);
        check("https://t.example/u/", "https://t.example/u/1", true);
        check("https://t.example/?u=", "https://t.example/?u=1", true);
        check("https://t.example/u", "https://t.example/ü", false);
    }

    #[test]
    fn without_beginnings_nothing_is_left_alone() {
        assert!(!Policy::default().leaves_alone("https://t.example/"));
    }
}
