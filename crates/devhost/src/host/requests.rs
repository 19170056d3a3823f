//! What happens when a component sends a request: the manifest's grants, siblings, and the way out.

use std::sync::{Arc, Weak};

use http::{HeaderName, Request, Response, header::HOST};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody,
    WasiHttpHooks,
};

use super::{application::Application, guest::ComponentContext};
use crate::outbound::{Client, sibling};

/// A request processing error that comes after the response has begun; there is none that the body does not report.
type Afterwards = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// Sends the requests of one component.
pub(super) struct OutboundRequests {
    component: Arc<ComponentContext>,
    client: Client,
    // The application holds its instances, so they must not hold it.
    application: Weak<Application>,
}

impl OutboundRequests {
    pub(super) fn new(
        component: &Arc<ComponentContext>,
        client: Client,
        application: Weak<Application>,
    ) -> Self {
        Self {
            component: Arc::clone(component),
            client,
            application,
        }
    }

    /// Prepares a request and returns what sends it, free of any borrow.
    fn prepare(
        &self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> impl Future<Output = Result<Response<WasiBody>, Error>> + Send + use<> {
        let allowed = self
            .component
            .allowed_hosts
            .allows(&request.uri().to_string());
        // The client writes it anew from the URI; a sibling must not take a Host for one its own clients sent.
        request.headers_mut().remove(HOST);
        let (client, application) = (self.client.clone(), self.application.clone());
        async move {
            if !allowed {
                return Err(Error::HttpRequestDenied);
            }
            let Some(component) = request.uri().host().and_then(sibling).map(str::to_owned) else {
                return client.send(request, options).await;
            };
            let application = application.upgrade().ok_or(Error::ConnectionTerminated)?;
            application.handle(&component, request).await
        }
    }
}

impl WasiHttpHooks for OutboundRequests {
    /// Leaves Host in what a component receives, since callers sign it. What a component sends has it removed above.
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|name: &HeaderName| *name != HOST && DEFAULT_FORBIDDEN_HEADERS.contains(name))
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        // Tells how the component got on with the response; nothing here depends on it.
        _: Afterwards,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Afterwards), Error>> + Send> {
        let sending = self.prepare(request, options);
        let afterwards: Afterwards = Box::new(async { Ok(()) });
        Box::new(async move { Ok((sending.await?, afterwards)) })
    }
}
