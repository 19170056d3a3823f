//! How much of a list an answer has.

use crate::problem::Problem;

/// The most that a page has.
pub const MAX_PAGE: usize = 100;

/// How much a page is to have, as `top` says in a query.
///
/// # Errors
/// 400 when that is no number from 1 to [`MAX_PAGE`].
pub fn page_size(top: &str) -> Result<usize, Problem> {
    let size = top.parse().ok();
    let size = size.filter(|size| (1..=MAX_PAGE).contains(size));
    size.ok_or_else(|| {
        let message = format!("Expected top to be a number from 1 to {MAX_PAGE}.");
        Problem::new(400, "BadRequest", message).with_target("top")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_one_to_a_hundred() {
        let size = |top| page_size(top).ok();
        for (text, expected) in [("1", Some(1)), ("100", Some(100)), ("7", Some(7))] {
            assert_eq!(size(text), expected, "{text}");
        }
        for refused in ["0", "101", "-1", "", "x", "1.0", "18446744073709551616"] {
            assert_eq!(size(refused), None, "{refused}");
        }
    }
}
