//! How long programs take, one beside another.

use std::time::{Duration, Instant};

use crate::Spec;

fn time(spec: &Spec) -> Duration {
    let begun = Instant::now();
    spec.run().expect(0);
    begun.elapsed()
}

/// Medians of two programs, run in turn so that both meet the same machine.
pub fn medians(rounds: usize, one: &Spec, other: &Spec) -> (Duration, Duration) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        first.push(time(one));
        second.push(time(other));
    }
    first.sort();
    second.sort();
    (first[rounds / 2], second[rounds / 2])
}
