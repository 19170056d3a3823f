//! The application: its components, ready to be instantiated, and the routes to them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak, atomic::Ordering},
};

use http::{Request, Response, Uri, uri::Scheme};
use tokio::sync::watch;
use wasmtime_wasi_http::{
    Error, WasiBody,
    handler::{ExpirationError, ProxyHandler, TrapOrPanicError},
    p3::bindings::ServicePre,
};

use super::{
    ComponentStats, HostError, HostOptions,
    engine::Compiler,
    guest::{ComponentContext, Figures, Guest, linker},
    instances::{Instances, Phase},
    life::Ticket,
    sets::Sets,
};
use crate::{
    log::{LogEvent, LogSink},
    manifest::{Component, DEFAULT_STORE, Manifest, ManifestError},
    outbound::{AllowedHosts, Client},
    routes::Routes,
    variables::Variables,
};

/// A served application.
pub(super) struct Application {
    pub(super) log: LogSink,
    routes: Routes,
    services: BTreeMap<Arc<str>, Service>,
}

/// A component that answers requests.
struct Service {
    component: Arc<ComponentContext>,
    handler: ProxyHandler<Instances>,
}

/// A component that has been checked and compiled.
pub(super) struct Prepared {
    component: Arc<ComponentContext>,
    service: ServicePre<Guest>,
}

impl Application {
    /// Puts prepared components behind the manifest's routes.
    pub(super) fn new(
        routes: Routes,
        prepared: Vec<Prepared>,
        options: &HostOptions,
        phase: &watch::Sender<Phase>,
        running: &Arc<watch::Sender<usize>>,
    ) -> Arc<Self> {
        let client = Client::new();
        Arc::new_cyclic(|application: &Weak<Self>| {
            let service = |prepared: Prepared| {
                let instances = Instances {
                    component: Arc::clone(&prepared.component),
                    service: prepared.service,
                    client: client.clone(),
                    application: application.clone(),
                    limits: options.limits.clone(),
                    phase: phase.subscribe(),
                    running: Arc::clone(running),
                };
                let service = Service {
                    component: prepared.component,
                    handler: ProxyHandler::new(instances),
                };
                (Arc::clone(&service.component.id), service)
            };
            let services = prepared.into_iter().map(service).collect();
            Self {
                log: Arc::clone(&options.log),
                routes,
                services,
            }
        })
    }

    /// Returns the component whose route matches this path.
    pub(super) fn route(&self, path: &str) -> Option<&Arc<str>> {
        self.routes.component(path)
    }

    /// Lets a component answer a request, whose URI must be absolute.
    ///
    /// # Errors
    /// When the component is unknown, fails, or takes too long. If that happens once it has begun to answer, the body has the
    /// error.
    pub(super) async fn handle(
        &self,
        component: &str,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Error> {
        let service = self
            .services
            .get(component)
            .ok_or(Error::DestinationNotFound)?;
        service
            .component
            .figures
            .requests
            .fetch_add(1, Ordering::Relaxed);
        let ticket = Ticket::default();
        let handled = service.handler.handle(ticket.clone(), as_http(request)?);
        match handled.await {
            Ok(response) => Ok(ticket.tie(response)),
            Err(error) => Err(service.explain(&error)),
        }
    }

    /// Returns figures for each component.
    pub(super) fn stats(&self) -> BTreeMap<String, ComponentStats> {
        let figures = |(id, service): (&Arc<str>, &Service)| {
            (id.to_string(), service.component.figures.snapshot())
        };
        self.services.iter().map(figures).collect()
    }
}

impl Service {
    fn explain(&self, error: &wasmtime::Error) -> Error {
        // The trap itself is reported where the instance ends.
        if !error.is::<TrapOrPanicError>() {
            let text = format!("{error:#}");
            (self.component.log)(&LogEvent::Failure {
                component: Some(&self.component.id),
                error: &text,
            });
        }
        if error.is::<ExpirationError>() {
            Error::HttpResponseTimeout
        } else {
            Error::InternalError(None)
        }
    }
}

/// Gives a request the scheme of this server, as Spin does, whichever way it came.
fn as_http(mut request: Request<WasiBody>) -> Result<Request<WasiBody>, Error> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)?;
    Ok(request)
}

/// Checks and compiles the components that have a trigger. This takes seconds: call it where blocking is fine.
///
/// # Errors
/// When a grant is malformed or a component cannot be loaded.
pub(super) fn prepare(
    manifest: &Manifest,
    variables: &Variables,
    options: &HostOptions,
    compiler: &Compiler,
) -> Result<Vec<Prepared>, HostError> {
    let served = manifest
        .components
        .iter()
        .filter(|(id, _)| manifest.triggers.iter().any(|t| t.component == **id));
    served
        .map(|(id, component)| {
            let context = Arc::new(grant(id, component, variables, options)?);
            let service = load(id, component, manifest, compiler)?;
            Ok(Prepared {
                component: context,
                service,
            })
        })
        .collect()
}

fn grant(
    id: &str,
    component: &Component,
    variables: &Variables,
    options: &HostOptions,
) -> Result<ComponentContext, HostError> {
    let hosts = component
        .allowed_outbound_hosts
        .iter()
        .map(|host| variables.expand(host));
    let hosts: Vec<String> = hosts.collect::<Result<_, _>>()?;
    let malformed = |(host, reason)| ManifestError::OutboundHost {
        component: id.to_owned(),
        host,
        reason,
    };
    let own = component
        .variables
        .iter()
        .map(|(name, template)| Ok((name.clone(), variables.expand(template)?)));
    Ok(ComponentContext {
        id: Arc::from(id),
        allowed_hosts: AllowedHosts::parse(&hosts).map_err(malformed)?,
        may_open_store: component
            .key_value_stores
            .iter()
            .any(|store| store == DEFAULT_STORE),
        key_value: Arc::clone(&options.key_value),
        sets: Arc::new(Sets::new(Arc::clone(&options.key_value))),
        variables: own.collect::<Result<_, HostError>>()?,
        log: Arc::clone(&options.log),
        figures: Figures::default(),
    })
}

fn load(
    id: &str,
    component: &Component,
    manifest: &Manifest,
    compiler: &Compiler,
) -> Result<ServicePre<Guest>, HostError> {
    let path = manifest.source(component);
    let failed = |reason: String| HostError::Component {
        component: id.to_owned(),
        path: path.clone(),
        reason,
    };
    let wasm =
        std::fs::read(&path).map_err(|error| failed(format!("{error}; has it been built?")))?;
    let link = || -> wasmtime::Result<ServicePre<Guest>> {
        let compiled = compiler.compile(&wasm)?;
        ServicePre::new(linker(compiler.engine())?.instantiate_pre(&compiled)?)
    };
    link().map_err(|error| failed(format!("{error:#}")))
}
