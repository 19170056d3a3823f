//! What a caller is told when something is not done.

use guest::Problem;
use mailer::dkim::{KeyError, PemError};
use mailer::domain::DomainError;
use mailer::domain::managed::ProvisionError;
use mailer::domain::name::NameError;
use mailer::engagement::erasure::ErasureError;
use mailer::notification::dead::RedeliverError;
use mailer::subscription::{EndpointError, SubscriptionError};
use mailer::suppression::SuppressionError;

/// Every refusal of the use cases, as an answer.
pub(crate) fn refusal(error: DomainError) -> Problem {
    let message = error.to_string();
    let problem = |status, code, target: &str| {
        Problem::new(status, code, message.clone()).with_target(target)
    };
    match error {
        DomainError::Store(error) => error.into(),
        DomainError::Name(error) => name(&error),
        DomainError::NotFound => no_domain(),
        DomainError::AlreadyExists => problem(409, "DomainAlreadyExists", "domain"),
        DomainError::Busy => problem(409, "Conflict", "domain").with_header("retry-after", "1"),
        DomainError::Managed => problem(409, "DomainIsManaged", "domain"),
        DomainError::NothingToCancel => problem(409, "NothingToCancel", "verificationType"),
        DomainError::NextKeyNotPublished(_) => problem(409, "NextKeyNotPublished", "domain"),
        DomainError::KeysBeingMade => {
            problem(409, "KeysBeingMade", "domain").with_header("retry-after", "1")
        }
        DomainError::Selector => problem(400, "InvalidSelector", "selector"),
        DomainError::SelectorInUse => problem(409, "SelectorInUse", "selector"),
        DomainError::Key(error) => key(&error),
        DomainError::TooManyKeys => problem(409, "TooManyKeys", "selector"),
        DomainError::SenderUsername => problem(400, "InvalidSenderUserName", "username"),
        DomainError::DisplayName => problem(400, "InvalidDisplayName", "displayName"),
        DomainError::NoSuchSender => problem(404, "SenderUsernameNotFound", "username"),
        DomainError::DefaultSender => problem(409, "DefaultSenderUsername", "username"),
        DomainError::TooManySenders => problem(409, "TooManySenderUsernames", "username"),
        DomainError::ReturnPath(_) => problem(400, "InvalidReturnPath", "mailFromSenderDomain"),
        DomainError::TrackingHost(_) | DomainError::OneHostForTwo => {
            problem(400, "InvalidTrackingHost", "trackingHost")
        }
    }
}

fn name(error: &NameError) -> Problem {
    let (status, code) = match error {
        NameError::Syntax(_) | NameError::TooLong(_) => (400, "InvalidDomain"),
        NameError::PublicSuffix(_) => (400, "PublicSuffix"),
        NameError::Reserved(_) => (409, "DomainReserved"),
    };
    Problem::new(status, code, error.to_string()).with_target("domain")
}

fn key(error: &KeyError) -> Problem {
    let code = match error {
        KeyError::Size { .. } => "KeySize",
        KeyError::UnsupportedAlgorithm => "UnsupportedKeyType",
        KeyError::Pem(PemError::Encrypted) => "EncryptedKey",
        KeyError::Pem(_)
        | KeyError::NotPkcs8
        | KeyError::TooLong { .. }
        | KeyError::Inconsistent => "InvalidKey",
        KeyError::Encoding | KeyError::Signing => return Problem::internal(error),
    };
    let message = match error {
        KeyError::Pem(cause) => cause.to_string(),
        other => other.to_string(),
    };
    Problem::new(400, code, message).with_target("privateKey")
}

/// Every refusal about suppression lists, as an answer.
pub(crate) fn suppression(error: SuppressionError) -> Problem {
    let message = error.to_string();
    let problem = |status, code, target: &str| {
        Problem::new(status, code, message.clone()).with_target(target)
    };
    match error {
        SuppressionError::Store(error) => error.into(),
        SuppressionError::Busy => {
            problem(409, "Conflict", "suppressionList").with_header("retry-after", "1")
        }
        SuppressionError::ResourceName => problem(400, "InvalidResourceName", "name"),
        SuppressionError::ListName => problem(400, "InvalidListName", "listName"),
        SuppressionError::ListNameInUse => problem(409, "ListNameInUse", "listName"),
        SuppressionError::ListNameFixed => problem(409, "ListNameFixed", "listName"),
        SuppressionError::TooManyLists => problem(409, "TooManySuppressionLists", "name"),
        SuppressionError::NoSuchList => problem(404, "SuppressionListNotFound", "suppressionList"),
        SuppressionError::Address(_) => problem(400, "InvalidEmailAddress", "email"),
        SuppressionError::Field(field) => problem(400, "BadRequest", field.name()),
        SuppressionError::ReservedName => problem(400, "InvalidResourceName", "name"),
        SuppressionError::AlreadyListed => problem(409, "AddressAlreadyListed", "email"),
        SuppressionError::NoSuchAddress => problem(404, "SuppressionNotFound", "email"),
    }
}

/// What making the managed domain failed with.
pub(crate) fn provisioning(error: ProvisionError) -> Problem {
    match error {
        ProvisionError::Store(error) => error.into(),
        ProvisionError::Busy => Problem::unavailable(error),
        ProvisionError::BaseTooLong | ProvisionError::Key(_) => Problem::internal(error),
    }
}

/// There is no such domain.
pub(crate) fn no_domain() -> Problem {
    Problem::new(404, "DomainNotFound", "There is no such domain.").with_target("domain")
}

/// There is no such operation.
pub(crate) fn no_operation() -> Problem {
    Problem::new(404, "NotFound", "There is no such operation.")
}

/// Every refusal about a subscription, as an answer.
pub(crate) fn of_subscription(error: SubscriptionError) -> Problem {
    let message = error.to_string();
    let problem = |status, code, target: &str| {
        Problem::new(status, code, message.clone()).with_target(target)
    };
    match error {
        SubscriptionError::Store(error) => error.into(),
        SubscriptionError::NotFound => no_subscription(),
        SubscriptionError::Busy => {
            Problem::new(409, "Conflict", message).with_header("retry-after", "1")
        }
        SubscriptionError::TooMany => Problem::new(409, "TooManySubscriptions", message),
        SubscriptionError::TooLarge => Problem::new(409, "SubscriptionsTooLarge", message),
        SubscriptionError::Endpoint(error) => endpoint(error),
        SubscriptionError::Name => problem(400, "InvalidSubscriptionName", "name"),
        SubscriptionError::Schema => problem(400, "InvalidSchema", "eventDeliverySchema"),
        SubscriptionError::EventType => problem(400, "InvalidEventType", "includedEventTypes"),
        SubscriptionError::SenderDomain => problem(400, "InvalidDomain", "senderDomains"),
        SubscriptionError::SenderAddress => problem(400, "InvalidEmailAddress", "senderAddresses"),
        SubscriptionError::FilterTooLong(name) => problem(400, "FilterTooLong", name),
        SubscriptionError::BatchSize => problem(400, "InvalidBatchSize", "batchSize"),
        SubscriptionError::Secret(_) => problem(400, "InvalidSecret", "secret"),
        SubscriptionError::Overlap => problem(400, "InvalidOverlap", "oldSecretSeconds"),
        SubscriptionError::Unseal(error) => Problem::internal(error),
        SubscriptionError::State { .. } => problem(409, "SubscriptionState", "state"),
    }
}

/// Why an endpoint is none.
pub(crate) fn endpoint(error: EndpointError) -> Problem {
    let problem = match error {
        EndpointError::Unresolved => Problem::new(503, "ServiceUnavailable", error.to_string())
            .with_header("retry-after", "1"),
        error => Problem::new(400, "InvalidEndpoint", error.to_string()),
    };
    problem.with_target("endpointUrl")
}

/// Why dead letters are not sent anew.
pub(crate) fn redelivering(error: RedeliverError) -> Problem {
    let message = error.to_string();
    match error {
        RedeliverError::Store(error) => error.into(),
        RedeliverError::NoSubscription => no_subscription(),
        RedeliverError::NotActive => {
            Problem::new(409, "SubscriptionState", message).with_target("state")
        }
        RedeliverError::NotFound => {
            Problem::new(404, "DeadLetterNotFound", message).with_target("notification")
        }
        RedeliverError::Busy => {
            Problem::new(409, "Conflict", message).with_header("retry-after", "1")
        }
    }
}

/// Why nobody is erased, or not all of him yet.
pub(crate) fn erasing(error: ErasureError) -> Problem {
    let message = error.to_string();
    match error {
        ErasureError::Store(error) => error.into(),
        ErasureError::NoMessage => Problem::new(404, "MessageNotFound", message),
        ErasureError::NoRecipient => {
            Problem::new(404, "RecipientNotFound", message).with_target("recipient")
        }
        ErasureError::Busy => {
            Problem::new(409, "Conflict", message).with_header("retry-after", "1")
        }
    }
}

/// There is no such subscription.
pub(crate) fn no_subscription() -> Problem {
    Problem::new(
        404,
        "SubscriptionNotFound",
        "There is no such subscription.",
    )
}
