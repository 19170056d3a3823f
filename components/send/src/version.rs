//! The api-versions of the ACS Email API. All of them have the same body and answers, but for the first preview.

use guest::Problem;

/// Every version that is served, oldest first.
pub(crate) const SUPPORTED: [&str; 5] = [
    "2023-01-15-preview",
    "2023-03-31",
    "2024-07-01-preview",
    "2025-01-15-preview",
    "2025-09-01",
];

const FIRST_PREVIEW: &str = "2021-10-01-preview";

/// The api-version that `query` asks for.
pub(crate) fn requested(query: Option<&str>) -> Result<&'static str, Problem> {
    let values = query
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    let Some((_, asked)) = values
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("api-version"))
    else {
        let message = format!(
            "The api-version query parameter (?api-version=) is required. Supported: {}.",
            SUPPORTED.join(", ")
        );
        return Err(
            Problem::new(400, "MissingApiVersionParameter", message).with_target("api-version")
        );
    };
    if asked == FIRST_PREVIEW {
        return Err(first_preview());
    }
    SUPPORTED
        .into_iter()
        .find(|supported| *supported == asked)
        .ok_or_else(unsupported)
}

/// The refusal of the first preview, whose messages and routes are different ones.
pub(crate) fn first_preview() -> Problem {
    let message = format!(
        "The api-version {FIRST_PREVIEW} has another message body and is not supported. Use one of: {}.",
        SUPPORTED.join(", ")
    );
    Problem::new(400, "UnsupportedApiVersion", message).with_target("api-version")
}

fn unsupported() -> Problem {
    let message = format!(
        "The api-version is not known. Supported: {}.",
        SUPPORTED.join(", ")
    );
    Problem::new(400, "UnsupportedApiVersion", message).with_target("api-version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: Option<&str>, expected: Result<&str, &str>) {
        assert_eq!(requested(query).map_err(|problem| problem.code), expected);
    }

    #[test]
    fn every_version_but_the_first_preview_is_served() {
        for version in SUPPORTED {
            check(Some(&format!("api-version={version}")), Ok(version));
        }
        check(
            Some("api-version=2021-10-01-preview"),
            Err("UnsupportedApiVersion"),
        );
        check(Some("api-version=2019-01-01"), Err("UnsupportedApiVersion"));
        check(Some("api-version="), Err("UnsupportedApiVersion"));
    }

    #[test]
    fn the_parameter_is_found_anywhere_in_the_query_and_required() {
        check(Some("x=1&API-Version=2023-03-31&y"), Ok("2023-03-31"));
        check(
            Some("api-versions=2023-03-31"),
            Err("MissingApiVersionParameter"),
        );
        check(Some("api-version"), Err("MissingApiVersionParameter"));
        check(None, Err("MissingApiVersionParameter"));
    }
}
