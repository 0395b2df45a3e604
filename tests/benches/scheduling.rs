//! What a plan of forty actions with needs and locks takes, beside what it would if only its actions took time.
//!
//! Prints ratios, with the budget of each. Run it with `.ci/build && cargo bench -p devflow-tests --bench scheduling`.

use std::time::{Duration, Instant};

use devflow_tests::paced::{JOBS, ideal, paced};
use devflow_tests::{Engine, Sandbox};

/// So that a run takes about as long as a gate does.
const PACE: u64 = 3;

fn main() {
    let ideal = Duration::from_millis(ideal(PACE) * 100);
    for engine in Engine::ALL {
        let sandbox = Sandbox::new(engine);
        let begun = Instant::now();
        paced(&sandbox, PACE).run().expect(0).says("40 passed, 0 failed");
        let (took, ratio) = (begun.elapsed(), begun.elapsed().as_secs_f64() / ideal.as_secs_f64());
        println!(
            "40 actions, -j {JOBS}, {engine:?}: {took:.1?} against {ideal:.1?}: {ratio:.2} (budget 1.10)"
        );
    }
}
