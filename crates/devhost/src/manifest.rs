//! `spin.toml`, manifest version 2.
//!
//! Keys this host does not implement are refused rather than ignored: a manifest must mean the same here and under Spin.
//!
//! # Not supported
//! Sources that are fetched (`{ url, digest }`), files, environment, AI models, SQLite databases, component
//! dependencies, static responses and triggers other than HTTP.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::variables::{VariableError, check_name};

/// The largest manifest read.
const MAX_BYTES: usize = 1024 * 1024;

/// The label of the one key-value store that exists without a runtime-config file.
pub(crate) const DEFAULT_STORE: &str = "default";

/// A checked manifest.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The application's name.
    pub name: String,
    /// The components, by id.
    pub components: BTreeMap<String, Component>,
    pub(crate) variables: BTreeMap<String, VariableDeclaration>,
    pub(crate) triggers: Vec<HttpTrigger>,
    folder: PathBuf,
}

/// A component and what it is granted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// The compiled component, relative to the manifest.
    pub source: PathBuf,
    /// The hosts it may send requests to, as templates.
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    /// The labels of the stores it may open.
    #[serde(default)]
    pub key_value_stores: Vec<String>,
    /// Its own variables, as templates over the application's.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// What the component is for.
    #[serde(default)]
    pub description: String,
    // Read so that it is accepted: this host builds all components in one go instead (`build`).
    #[serde(default, rename = "build")]
    _build: Option<toml::Table>,
    // For other programs by definition.
    #[serde(default, rename = "tool")]
    _tool: Option<toml::Table>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariableDeclaration {
    pub(crate) default: Option<String>,
    #[serde(default)]
    pub(crate) required: bool,
    #[serde(default, rename = "secret")]
    _secret: bool,
    #[serde(default, rename = "description")]
    _description: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpTrigger {
    pub(crate) route: Route,
    pub(crate) component: String,
    #[serde(default, rename = "id")]
    _id: String,
}

/// Where an HTTP trigger listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a route such as \"/x/...\" or { private = true }"
)]
pub(crate) enum Route {
    /// A pattern of paths.
    Public(String),
    /// Reachable from sibling components only.
    Private(Private),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Private {
    private: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    spin_manifest_version: u32,
    application: Application,
    #[serde(default)]
    variables: BTreeMap<String, VariableDeclaration>,
    #[serde(default)]
    trigger: Triggers,
    #[serde(default)]
    component: BTreeMap<String, Component>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Application {
    name: String,
    #[serde(default, rename = "version")]
    _version: String,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Triggers {
    #[serde(default)]
    http: Vec<HttpTrigger>,
}

impl Manifest {
    /// Reads and checks the manifest at `path`.
    ///
    /// # Errors
    /// When the file cannot be read or asks for something this host does not do.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let failed = |source| ManifestError::Read {
            path: path.to_owned(),
            source,
        };
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        Ok(Self {
            folder: folder.to_owned(),
            ..Self::parse(&text)?
        })
    }

    /// Checks a manifest given as text; its sources are relative to the current folder.
    ///
    /// # Errors
    /// When it is malformed or asks for something this host does not do.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.len() > MAX_BYTES {
            return Err(ManifestError::TooLarge);
        }
        let document: Document =
            toml::from_str(text).map_err(|error| ManifestError::Malformed(Box::new(error)))?;
        if document.spin_manifest_version != 2 {
            return Err(ManifestError::Version(document.spin_manifest_version));
        }
        let manifest = Self {
            name: document.application.name,
            components: document.component,
            variables: document.variables,
            triggers: document.trigger.http,
            folder: PathBuf::from("."),
        };
        manifest.check_variables()?;
        manifest.check_triggers()?;
        manifest.check_stores()?;
        Ok(manifest)
    }

    /// Returns where a component's source is.
    #[must_use]
    pub fn source(&self, component: &Component) -> PathBuf {
        self.folder.join(&component.source)
    }

    /// Tells whether the application has a variable of this name.
    #[must_use]
    pub fn declares(&self, variable: &str) -> bool {
        self.variables.contains_key(variable)
    }

    /// Gives a variable another default, if it is declared.
    pub(crate) fn set_default(&mut self, variable: &str, value: &str) {
        if let Some(declaration) = self.variables.get_mut(variable) {
            declaration.default = Some(value.to_owned());
        }
    }

    /// Returns the folder the manifest is in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn check_variables(&self) -> Result<(), ManifestError> {
        for (name, declaration) in &self.variables {
            check_name(name)?;
            if declaration.required == declaration.default.is_some() {
                return Err(ManifestError::RequiredOrDefault(name.clone()));
            }
        }
        self.components
            .values()
            .flat_map(|component| component.variables.keys())
            .try_for_each(|name| check_name(name))?;
        Ok(())
    }

    fn check_triggers(&self) -> Result<(), ManifestError> {
        for trigger in &self.triggers {
            let component = || trigger.component.clone();
            if !self.components.contains_key(&trigger.component) {
                return Err(ManifestError::UnknownComponent(component()));
            }
            if matches!(trigger.route, Route::Private(Private { private: false })) {
                return Err(ManifestError::NotPrivate(component()));
            }
        }
        Ok(())
    }

    fn check_stores(&self) -> Result<(), ManifestError> {
        for (component, granted) in &self.components {
            if let Some(store) = granted
                .key_value_stores
                .iter()
                .find(|store| *store != DEFAULT_STORE)
            {
                return Err(ManifestError::UnknownStore {
                    component: component.clone(),
                    store: store.clone(),
                });
            }
        }
        Ok(())
    }
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("cannot read the manifest {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is larger than any manifest is.
    #[error("expected a manifest of at most {MAX_BYTES} bytes")]
    TooLarge,
    /// Not TOML, or a key is missing, unknown here or of the wrong type.
    #[error("the manifest is not one this host can serve: {0}")]
    Malformed(Box<toml::de::Error>),
    /// Another manifest version.
    #[error("expected spin_manifest_version = 2, found {0}")]
    Version(u32),
    /// A variable's name, or a template, is malformed.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// A variable is both, or neither.
    #[error("expected either 'required = true' or 'default' for the variable '{0}'")]
    RequiredOrDefault(String),
    /// A trigger names a component that is not there.
    #[error("a trigger names the component '{0}', and there is no [component.{0}]")]
    UnknownComponent(String),
    /// `{ private = false }`.
    #[error(
        "expected a route or {{ private = true }} for the component '{0}', found {{ private = false }}"
    )]
    NotPrivate(String),
    /// A route that cannot be matched.
    #[error("the route '{route}' is malformed: {reason}")]
    Route {
        /// The route.
        route: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A store other than `default`.
    #[error("the component '{component}' asks for the store '{store}', and only 'default' exists")]
    UnknownStore {
        /// The component.
        component: String,
        /// The label.
        store: String,
    },
    /// An entry of `allowed_outbound_hosts` that cannot be understood.
    #[error(
        "the component '{component}' has a malformed allowed_outbound_hosts entry '{host}': {reason}"
    )]
    OutboundHost {
        /// The component.
        component: String,
        /// The entry, with its templates expanded.
        host: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "spin_manifest_version = 2\n[application]\nname = \"t\"\n";

    fn parse(rest: &str) -> Result<Manifest, ManifestError> {
        Manifest::parse(&format!("{HEAD}{rest}"))
    }

    #[track_caller]
    fn refused(rest: &str, named: &str) {
        let error = parse(rest).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }

    #[test]
    fn grants_variables_and_routes_are_read() {
        let manifest = parse(
            r#"
            [variables]
            relay_url = { default = "http://127.0.0.1:8025" }
            admin_token = { required = true, secret = true }
            [[trigger.http]]
            route = "/emails:send"
            component = "send"
            [[trigger.http]]
            route = { private = true }
            component = "dispatch"
            [component.send]
            source = "send.wasm"
            key_value_stores = ["default"]
            allowed_outbound_hosts = ["http://dispatch.spin.internal"]
            [component.send.variables]
            token = "{{ admin_token }}"
            [component.send.build]
            command = "cargo build"
            [component.dispatch]
            source = "dispatch.wasm"
            "#,
        )
        .unwrap();
        assert_eq!(
            manifest.components["send"].allowed_outbound_hosts,
            ["http://dispatch.spin.internal"]
        );
        assert_eq!(
            manifest.components["send"].variables["token"],
            "{{ admin_token }}"
        );
        assert!(manifest.components["dispatch"].key_value_stores.is_empty());
        assert!(
            matches!(&manifest.triggers[0].route, Route::Public(route) if route == "/emails:send")
        );
        assert!(matches!(manifest.triggers[1].route, Route::Private(_)));
    }

    #[test]
    fn keys_this_host_does_not_implement_are_named() {
        refused("[component.a]\nsource = \"a\"\nfiles = [\"x\"]", "files");
        refused(
            "[component.a]\nsource = \"a\"\nai_models = [\"x\"]",
            "ai_models",
        );
        refused(
            "[[trigger.redis]]\nchannel = \"x\"\ncomponent = \"a\"",
            "redis",
        );
        refused(
            "[component.a]\nsource = { url = \"https://x\", digest = \"y\" }",
            "source",
        );
    }

    #[test]
    fn contradictions_are_named() {
        refused("[variables]\na = {}", "'a'");
        refused(
            "[variables]\na = { required = true, default = \"x\" }",
            "'a'",
        );
        refused("[variables]\nA = { default = \"x\" }", "'A'");
        refused(
            "[[trigger.http]]\nroute = \"/\"\ncomponent = \"x\"",
            "[component.x]",
        );
        refused(
            "[[trigger.http]]\nroute = { private = false }\ncomponent = \"a\"\n[component.a]\nsource = \"a\"",
            "private",
        );
        refused(
            "[component.a]\nsource = \"a\"\nkey_value_stores = [\"other\"]",
            "'other'",
        );
    }

    #[test]
    fn other_versions_are_refused() {
        let error =
            Manifest::parse("spin_manifest_version = 1\n[application]\nname = \"t\"").unwrap_err();
        assert!(matches!(error, ManifestError::Version(1)));
    }

    #[test]
    fn sources_are_relative_to_the_manifest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spin.toml");
        std::fs::write(
            &path,
            format!("{HEAD}[component.a]\nsource = \"target/a.wasm\""),
        )
        .unwrap();
        let manifest = Manifest::read(&path).unwrap();
        assert_eq!(
            manifest.source(&manifest.components["a"]),
            folder.path().join("target/a.wasm")
        );
    }
}
