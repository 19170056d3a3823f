//! What the host answers by itself: errors in the shape that components give theirs, so that clients have one to read.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::{BodyExt as _, Full};
use wasmtime_wasi_http::{Error, WasiBody};

/// Why a request is not answered by a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Its head names no host, or two.
    Host,
    /// No route leads to a component.
    Route,
    /// Its body did not come.
    Body,
    /// The component failed, or took too long.
    Component,
    /// As many requests are worked on as there may be.
    Places,
}

impl Refusal {
    /// The answer: status, `{"error":{"code","message",…}}` and `x-ms-error-code`.
    pub(super) fn response(self) -> Response<WasiBody> {
        let (status, code, message) = self.parts();
        let mut response = Response::new(body(code, message));
        *response.status_mut() = status;
        let fields = response.headers_mut();
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        fields.insert(CONTENT_TYPE, json);
        fields.insert("x-ms-error-code", HeaderValue::from_static(code));
        self.advise(fields);
        response
    }

    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Host => (
                StatusCode::BAD_REQUEST,
                "BadRequest",
                "Expected one Host field that names this server.",
            ),
            Self::Route => (
                StatusCode::NOT_FOUND,
                "NotFound",
                "There is nothing at this path.",
            ),
            Self::Body => (
                StatusCode::REQUEST_TIMEOUT,
                "RequestTimeout",
                "Expected the request body to come faster.",
            ),
            Self::Component => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServerError",
                "The service failed. The log says more.",
            ),
            Self::Places => (
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailable",
                "The service cannot take this request now. Try again.",
            ),
        }
    }

    /// Says what a client should do next.
    fn advise(self, fields: &mut HeaderMap) {
        match self {
            // RFC 9110 section 15.5.9: what is left of the body would be taken for the next request.
            Self::Body => {
                fields.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Self::Places => {
                fields.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::Host | Self::Route | Self::Component => {}
        }
    }
}

fn body(code: &str, message: &str) -> WasiBody {
    let error = serde_json::json!({
        "error": { "code": code, "message": message, "target": null, "details": null, "innererror": null }
    });
    Full::new(Bytes::from(error.to_string()))
        .map_err(Error::from)
        .boxed_unsync()
}
