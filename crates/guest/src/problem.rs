//! What went wrong, in two texts: one for the caller and one for the log.

use std::fmt::Display;

use mailer::ports::StoreError;
use serde::Serialize;

/// An answer that is an error, in the shape of the Azure SDKs: `{"error":{"code","message","target",…}}` and `x-ms-error-code`.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// Stable; programs compare it.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// The property at fault.
    pub target: Option<String>,
    /// Further header fields, such as `Allow`.
    pub headers: Vec<(&'static str, String)>,
    /// For the log only.
    pub cause: Option<String>,
}

impl Problem {
    /// A problem with nothing but a message.
    #[must_use]
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            target: None,
            headers: Vec::new(),
            cause: None,
        }
    }

    /// The same problem, blamed on a property.
    #[must_use]
    pub fn with_target(self, target: impl Into<String>) -> Self {
        Self {
            target: Some(target.into()),
            ..self
        }
    }

    /// The same problem with a header field.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same problem with a text for the log.
    #[must_use]
    pub fn because(self, cause: impl Display) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..self
        }
    }

    /// No such path.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(404, "NotFound", "There is nothing at this path.")
    }

    /// The path is known, the method is not among `allowed`.
    #[must_use]
    pub fn method_not_allowed(allowed: &str) -> Self {
        Self::new(
            405,
            "MethodNotAllowed",
            format!("This path takes {allowed} only."),
        )
        .with_header("allow", allowed)
    }

    /// No or a wrong admin token.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::no_token("admin token")
    }

    /// No or a wrong bearer token, of which `name` says which one it is.
    #[must_use]
    pub fn no_token(name: &str) -> Self {
        let message = format!("Expected the header Authorization: Bearer <{name}>.");
        Self::new(401, "Unauthorized", message).with_header("www-authenticate", "Bearer")
    }

    /// The caller may try again soon: nothing was done, or nothing that a repeat would double.
    #[must_use]
    pub fn unavailable(cause: impl Display) -> Self {
        Self::new(
            503,
            "ServiceUnavailable",
            "The service cannot take this request now. Try again.",
        )
        .with_header("retry-after", "1")
        .because(cause)
    }

    /// Our own fault; the caller learns no more than that.
    #[must_use]
    pub fn internal(cause: impl Display) -> Self {
        Self::new(
            500,
            "InternalServerError",
            "The service failed. The log says more.",
        )
        .because(cause)
    }

    /// The body of the answer.
    #[must_use]
    pub fn body(&self) -> impl Serialize + '_ {
        Body {
            error: ErrorBody {
                code: self.code,
                message: &self.message,
                target: self.target.as_deref(),
                details: None,
                innererror: None,
            },
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable(error)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    target: Option<&'a str>,
    details: Option<()>,
    innererror: Option<()>,
}
