//! The source files that are checked, with a model of what they stand on. Run by `make models`.
#![cfg(loom)]

pub mod soft;
pub mod sys;

/// Runs `check` in all interleavings in which threads are interrupted three times at most: more are too many
/// to try, and faults that need more have not been seen.
pub fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}
