//! How much work an instance has in hand behind the answers it gave.

use std::cell::Cell;
use std::rc::Rc;

/// Counts a piece of work for as long as it lives, however it ends.
#[derive(Debug)]
pub struct InFlight(Rc<Cell<usize>>);

impl InFlight {
    /// A place among `limit`, if one is free.
    #[must_use]
    pub fn begin(count: &Rc<Cell<usize>>, limit: usize) -> Option<Self> {
        if count.get() >= limit {
            return None;
        }
        count.set(count.get().saturating_add(1));
        Some(Self(Rc::clone(count)))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_work_ends() {
        let count = Rc::default();
        let first = InFlight::begin(&count, 2);
        let second = InFlight::begin(&count, 2);
        assert!(first.is_some() && second.is_some());
        assert!(InFlight::begin(&count, 2).is_none());
        drop(first);
        assert!(InFlight::begin(&count, 2).is_some());
        assert_eq!(count.get(), 1);
    }
}
