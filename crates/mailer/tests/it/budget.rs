//! Memory: what one instance holds at once.

use std::time::Duration;

use mailer::budget::Budget;

use crate::fake::{START, World, run};

const PATIENCE: Duration = Duration::from_secs(1);

#[test]
fn a_share_waits_for_room_and_gives_up_in_the_end() {
    let world = World::new();
    let budget = Budget::new(100);
    let first = run(budget.take(&world, 60, PATIENCE));
    assert!(first.is_some());
    assert!(run(budget.take(&world, 60, PATIENCE)).is_none());
    assert!(world.now.get().since(START) >= PATIENCE);
    assert!(run(budget.take(&world, 40, PATIENCE)).is_some());
    drop(first);
    assert!(run(budget.take(&world, 60, PATIENCE)).is_some());
}

#[test]
fn what_is_larger_than_the_budget_goes_alone() {
    let world = World::new();
    let budget = Budget::new(100);
    let large = run(budget.take(&world, 1_000, PATIENCE));
    assert!(large.is_some());
    assert!(run(budget.take(&world, 1, PATIENCE)).is_none());
    drop(large);
    assert!(run(budget.take(&world, usize::MAX, PATIENCE)).is_some());
}
