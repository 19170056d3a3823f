//! Spin variables as configuration: unset, empty and malformed are three cases, and the error names the variable.

use std::collections::HashMap;

use spin_sdk::variables;
use thiserror::Error;

use crate::problem::Problem;

/// A variable that is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The manifest does not grant it, or the host has no value.
    #[error("the variable {name} has no value: {cause}")]
    Unset {
        /// Its name.
        name: &'static str,
        /// What the host said.
        cause: String,
    },
    /// It has a value that cannot be used.
    #[error("the variable {name} is malformed: {expected}")]
    Malformed {
        /// Its name.
        name: &'static str,
        /// What it must be.
        expected: String,
    },
}

impl From<ConfigError> for Problem {
    fn from(error: ConfigError) -> Self {
        Self::internal(error)
    }
}

/// The variables a component reads, by name.
#[derive(Debug, Default)]
pub struct Variables {
    values: HashMap<&'static str, String>,
}

impl Variables {
    /// Reads `names` from the host.
    ///
    /// # Errors
    /// When one has no value.
    pub async fn read(names: &[&'static str]) -> Result<Self, ConfigError> {
        let mut values = HashMap::with_capacity(names.len());
        for &name in names {
            let value = variables::get(name).await.map_err(|e| ConfigError::Unset {
                name,
                cause: e.to_string(),
            })?;
            values.insert(name, value);
        }
        Ok(Self { values })
    }

    /// Variables with given values, for tests.
    #[must_use]
    pub fn of(values: &[(&'static str, &str)]) -> Self {
        Self {
            values: values
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
        }
    }

    /// The text of a variable that was read; empty if it was not.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.values.get(name).map_or("", |value| value.trim())
    }

    /// The value of a variable, as `parse` reads it.
    ///
    /// # Errors
    /// When `parse` refuses it.
    pub fn parse<T, E: std::fmt::Display>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, ConfigError> {
        parse(self.text(name)).map_err(|e| ConfigError::Malformed {
            name,
            expected: e.to_string(),
        })
    }

    /// A variable that is `true` or `false`.
    ///
    /// # Errors
    /// When it is anything else: a guard must not be switched by a slip.
    pub fn boolean(&self, name: &'static str) -> Result<bool, ConfigError> {
        self.parse(name, |text| {
            text.parse().map_err(|_| "expected true or false")
        })
    }

    /// A variable that is a number within `range`.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn number(
        &self,
        name: &'static str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, ConfigError> {
        let parsed = |text: &str| text.parse().ok().filter(|number| range.contains(number));
        self.parse(name, |text| {
            parsed(text).ok_or_else(|| {
                format!(
                    "expected a number from {} to {}",
                    range.start(),
                    range.end()
                )
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_is_switched_by_exact_words_only() {
        let variables = Variables::of(&[("on", "true"), ("slip", "True "), ("empty", "")]);
        assert_eq!(variables.boolean("on"), Ok(true));
        assert!(variables.boolean("slip").is_err());
        assert!(variables.boolean("empty").is_err());
        assert!(variables.boolean("absent").is_err());
    }

    #[test]
    fn numbers_outside_their_range_name_the_range() {
        let variables = Variables::of(&[("skew", "0")]);
        let error = variables.number("skew", 1..=86_400).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the variable skew is malformed: expected a number from 1 to 86400"
        );
    }
}
