//! The port through which questions are asked.

use crate::{Answer, AnswerError, Question};

/// Somebody who can ask the DNS. Time limits and caching are up to it.
#[expect(async_fn_in_trait, reason = "guests run on one thread")]
pub trait Resolver {
    /// Asks one question. That there is nothing is an [`Answer`] too.
    ///
    /// # Errors
    /// [`ResolveError`] where it is unknown what the DNS holds.
    async fn resolve(&self, question: &Question) -> Result<Answer, ResolveError>;
}

impl<R: Resolver> Resolver for &R {
    async fn resolve(&self, question: &Question) -> Result<Answer, ResolveError> {
        (**self).resolve(question).await
    }
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// A message came that does not answer.
    #[error("no usable answer")]
    Answer(#[from] AnswerError),
    /// Nothing came in time.
    #[error("expected an answer in time, found none")]
    Timeout,
    /// The server could not be reached, or the connection broke.
    #[error("expected a connection to the resolver, found none")]
    Transport,
    /// The server answered with another HTTP status than 200.
    #[error("expected the HTTP status 200, found {0}")]
    Status(u16),
    /// The server answered with something else than `application/dns-message`.
    #[error("expected application/dns-message, found another content type")]
    ContentType,
    /// The body is longer than [`MAX_ANSWER`](crate::limits::MAX_ANSWER).
    #[error("expected at most {} octets, found more", crate::limits::MAX_ANSWER)]
    TooLong,
}

impl ResolveError {
    /// Whether asking again later may help. What is not temporary points at a resolver that is set up wrongly, or at a
    /// zone that is.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Timeout | Self::Transport => true,
            Self::Status(status) => matches!(status, 408 | 429 | 500..=599),
            Self::Answer(error) => error.is_temporary(),
            Self::ContentType | Self::TooLong => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: ResolveError, is_temporary: bool) {
        assert_eq!(error.is_temporary(), is_temporary);
    }

    #[test]
    fn what_may_pass_is_temporary() {
        check(ResolveError::Timeout, true);
        check(ResolveError::Transport, true);
        check(ResolveError::Status(429), true);
        check(ResolveError::Status(502), true);
        check(ResolveError::Status(404), false);
        check(ResolveError::ContentType, false);
        check(AnswerError::ServerFailure.into(), true);
        check(AnswerError::AliasLoop.into(), false);
    }
}
