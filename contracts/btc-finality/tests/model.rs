//! Random actions in any order: headers with reorgs, registrations before and after mining, expansions, signatures,
//! activations, votes, double votes, leaks, spends, expiries; messages that come twice or not at all, a vault that
//! refuses. Whatever happens, power is the sum of counted delegations, nothing is counted twice, final heights have
//! no gap, and who voted twice is slashed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on must stop"
)]

mod model_world;
mod world;

use model_world::Model;

/// Steps of one run; runs of different seeds are separate tests so that they share the cores.
const STEPS: u32 = 10_000;
/// Heights that become final at each consumer in a run, at least. Runs finalise about 500.
const PROGRESS: u64 = 200;

fn run(seed: u64) {
    let mut model = Model::new(seed);
    for step in 0..STEPS {
        model.step();
        if step % 250 == 0 {
            model.check();
        }
    }
    model.settle_down();
    model.check();
    assert!(model.finalized.values().all(|height| *height > PROGRESS), "{}", model.report());
    assert!(model.done("activate") > 100 && model.done("equivocate") > 3, "{}", model.report());
    println!("{}", model.report());
}

#[test]
fn invariants_hold_with_seed_1() {
    run(0x9e37_79b9_7f4a_7c15);
}

#[test]
fn invariants_hold_with_seed_2() {
    run(0xdead_beef_cafe_f00d);
}
