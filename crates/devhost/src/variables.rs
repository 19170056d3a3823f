//! Application variables and the templates that use them.
//!
//! A variable's value is the first found of: what the host was given (`--variable`), the environment
//! (`SPIN_VARIABLE_<NAME>`), the default in the manifest. Components see only what their own `variables` table derives
//! from these, in templates such as `http://{{ host }}/`.

use std::{collections::BTreeMap, fmt};

use crate::manifest::{Manifest, VariableDeclaration};

/// The prefix of environment variables that hold application variables.
const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// The values of the application's variables.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Settles the value of every variable the manifest declares.
    ///
    /// # Errors
    /// When a required variable has no value, or when a value is given for a variable that is not declared.
    pub fn resolve(
        manifest: &Manifest,
        given: &BTreeMap<String, String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, VariableError> {
        if let Some(name) = given
            .keys()
            .find(|name| !manifest.variables.contains_key(*name))
        {
            return Err(VariableError::Undeclared(name.clone()));
        }
        let value = |name: &str, declaration: &VariableDeclaration| {
            let variable = environment_name(name);
            let from_environment = || environment(&variable);
            given
                .get(name)
                .cloned()
                .or_else(from_environment)
                .or_else(|| declaration.default.clone())
        };
        let settled = manifest.variables.iter().map(|(name, declaration)| {
            let value =
                value(name, declaration).ok_or_else(|| VariableError::Missing(name.clone()))?;
            Ok((name.clone(), value))
        });
        settled.collect::<Result<_, _>>().map(Self)
    }

    /// Replaces each `{{ name }}` in `template` by that variable's value.
    ///
    /// # Errors
    /// When the template is malformed or names a variable that is not declared.
    pub fn expand(&self, template: &str) -> Result<String, VariableError> {
        let mut expanded = String::with_capacity(template.len());
        for part in parts(template)? {
            match part {
                Part::Literal(text) => expanded.push_str(text),
                Part::Name(name) => expanded.push_str(self.value(name)?),
            }
        }
        Ok(expanded)
    }

    fn value(&self, name: &str) -> Result<&str, VariableError> {
        check_name(name)?;
        self.0
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| VariableError::Undeclared(name.to_owned()))
    }
}

impl fmt::Debug for Variables {
    /// Writes the names only, since values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Returns the environment variable that sets this application variable.
pub(crate) fn environment_name(name: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", name.to_ascii_uppercase())
}

/// Checks a variable's name: lower-case letters, digits and single underscores, with a letter first.
///
/// # Errors
/// When the name is anything else.
pub(crate) fn check_name(name: &str) -> Result<(), VariableError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let valid = name
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        && name.bytes().all(allowed)
        && !name.contains("__")
        && !name.ends_with('_');
    if valid {
        Ok(())
    } else {
        Err(VariableError::Name(name.to_owned()))
    }
}

enum Part<'a> {
    Literal(&'a str),
    Name(&'a str),
}

fn parts(template: &str) -> Result<Vec<Part<'_>>, VariableError> {
    let (mut parts, mut rest) = (Vec::new(), template);
    while let Some((literal, after)) = rest.split_once("{{") {
        let (name, after) = after
            .split_once("}}")
            .ok_or_else(|| VariableError::Unclosed(template.to_owned()))?;
        parts.extend([Part::Literal(literal), Part::Name(name.trim())]);
        rest = after;
    }
    if rest.contains("}}") {
        return Err(VariableError::Unopened(template.to_owned()));
    }
    parts.push(Part::Literal(rest));
    Ok(parts)
}

/// What is wrong with a variable or a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// A required variable has no value.
    #[error(
        "the variable '{0}' is required and has no value: give it with --variable {0}=... or set {name}",
        name = environment_name(_0)
    )]
    Missing(String),
    /// The manifest declares no such variable.
    #[error("the variable '{0}' is not declared in the manifest's [variables]")]
    Undeclared(String),
    /// The name breaks the rules for names.
    #[error(
        "expected a variable name of lower-case letters, digits and single underscores, found '{0}'"
    )]
    Name(String),
    /// `{{` without `}}`.
    #[error("expected '}}}}' after '{{{{' in '{0}'")]
    Unclosed(String),
    /// `}}` without `{{`.
    #[error("expected '{{{{' before '}}}}' in '{0}'")]
    Unopened(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(entries: &[(&str, &str)]) -> Variables {
        Variables(
            entries
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[track_caller]
    fn check(template: &str, expected: Result<&str, VariableError>) {
        let variables = variables(&[("host", "example.com"), ("port", "8080")]);
        assert_eq!(variables.expand(template), expected.map(str::to_owned));
    }

    #[test]
    fn templates_are_replaced_by_values() {
        check("", Ok(""));
        check("plain { } text", Ok("plain { } text"));
        check("{{host}}", Ok("example.com"));
        check(
            "http://{{ host }}:{{ port }}/",
            Ok("http://example.com:8080/"),
        );
    }

    #[test]
    fn malformed_templates_are_refused() {
        check("{{ host", Err(VariableError::Unclosed("{{ host".into())));
        check("host }}", Err(VariableError::Unopened("host }}".into())));
        check(
            "{{ other }}",
            Err(VariableError::Undeclared("other".into())),
        );
        check("{{ Host }}", Err(VariableError::Name("Host".into())));
        check("{{ }}", Err(VariableError::Name(String::new())));
    }

    #[test]
    fn names_follow_spins_rules() {
        for name in ["a", "relay_url", "a1"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", "A", "1a", "_a", "a_", "a__b", "a-b", "ä"] {
            assert_eq!(
                check_name(name),
                Err(VariableError::Name(name.into())),
                "{name}"
            );
        }
    }

    fn declared(toml: &str) -> Manifest {
        let head = "spin_manifest_version = 2\n[application]\nname = \"t\"\n";
        Manifest::parse(&format!("{head}{toml}")).unwrap()
    }

    #[test]
    fn given_values_go_before_the_environment_and_that_before_defaults() {
        let manifest = declared(
            "[variables]\na = { default = \"x\" }\nb = { default = \"x\" }\nc = { default = \"x\" }",
        );
        let given = BTreeMap::from([("a".to_owned(), "given".to_owned())]);
        let environment =
            |name: &str| (name != "SPIN_VARIABLE_C").then(|| "environment".to_owned());
        let variables = Variables::resolve(&manifest, &given, environment).unwrap();
        assert_eq!(
            variables.expand("{{a}} {{b}} {{c}}").unwrap(),
            "given environment x"
        );
    }

    #[test]
    fn a_required_variable_without_a_value_is_named_with_what_to_do() {
        let manifest = declared("[variables]\nadmin_token = { required = true }");
        let error = Variables::resolve(&manifest, &BTreeMap::new(), |_| None).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("--variable admin_token=...")
                && text.contains("SPIN_VARIABLE_ADMIN_TOKEN"),
            "{text}"
        );
    }

    #[test]
    fn a_value_for_an_undeclared_variable_is_refused() {
        let given = BTreeMap::from([("typo".to_owned(), String::new())]);
        let error = Variables::resolve(&declared(""), &given, |_| None).unwrap_err();
        assert_eq!(error, VariableError::Undeclared("typo".into()));
    }

    #[test]
    fn values_stay_out_of_debug_output() {
        assert_eq!(
            format!("{:?}", variables(&[("key", "secret")])),
            r#"{"key"}"#
        );
    }
}
