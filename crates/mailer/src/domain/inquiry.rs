//! Questions to DNS for one look at a domain, with a limit on their number and on the time they take.
//!
//! Records lead to other people's records, so without a limit of our own a look takes as long as they like.

use std::cell::RefCell;
use std::time::Duration;

use dns::{Answer, Question, ResolveError, Resolver};

use crate::ports::Clock;
use crate::time::Timestamp;

/// Most questions of one look. All records of a domain take sixteen; SPF may send us on to ten more, and to the hosts of theirs.
pub const MAX_QUESTIONS: usize = 60;
/// How long the questions of one look may take; the last one may end a little later.
pub const MAX_TIME: Duration = Duration::from_secs(20);

/// A resolver that says "not in time" once the limits are reached, and asks nothing twice.
#[derive(Debug)]
pub struct Inquiry<'a, P, R> {
    clock: &'a P,
    resolver: &'a R,
    ends_at: Timestamp,
    answers: RefCell<Vec<Answered>>,
}

type Answered = (Question, Result<Answer, ResolveError>);

impl<'a, P: Clock, R: Resolver> Inquiry<'a, P, R> {
    /// Questions to `resolver`, the time for which begins now.
    #[must_use]
    pub fn begin(clock: &'a P, resolver: &'a R) -> Self {
        Self {
            clock,
            resolver,
            ends_at: clock.now().plus(MAX_TIME),
            answers: RefCell::default(),
        }
    }

    /// Whether nothing new is asked any more.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.answers.borrow().len() >= MAX_QUESTIONS || self.clock.now() >= self.ends_at
    }

    fn known(&self, question: &Question) -> Option<Result<Answer, ResolveError>> {
        let answers = self.answers.borrow();
        let known = answers.iter().find(|(asked, _)| asked == question);
        known.map(|(_, answer)| answer.clone())
    }
}

impl<P: Clock, R: Resolver> Resolver for Inquiry<'_, P, R> {
    async fn resolve(&self, question: &Question) -> Result<Answer, ResolveError> {
        if let Some(answer) = self.known(question) {
            return answer;
        }
        if self.is_spent() {
            return Err(ResolveError::Timeout);
        }
        let answer = self.resolver.resolve(question).await;
        let mut answers = self.answers.borrow_mut();
        answers.push((question.clone(), answer.clone()));
        answer
    }
}
