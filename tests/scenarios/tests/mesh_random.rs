//! §18-3: random lives of a vault with three consumers, real contracts on both sides, any order of packets, with loss.
//!
//! All along: no lien exceeds what backs it (I1), promises fit what can be slashed (I2), no consumer exceeds its
//! cap (I4), nobody's handler of a packet, acknowledgement, timeout or report has failed or panicked. At the end, when
//! all that can be settled is settled: vault liens and debts are what lien holders hold, nothing is pending, and
//! converters have the coins for all rewards that are due.
//!
//! The number of sequences, over both vaults, is in `MESH_SEQUENCES`; without it a few hundred are walked. The full run:
//! `MESH_SEQUENCES=100000 cargo test --release -p mesh-scenarios --test mesh_random -- --nocapture`

#[path = "mesh_random/actions.rs"]
mod actions;
#[path = "mesh_random/light.rs"]
mod light;

use actions::{Life, Tally};
use std::sync::Mutex;

/// Sequences walked when nobody says otherwise, half of them with either vault.
const FEW: u64 = 400;
/// Steps of a sequence.
const STEPS: usize = 32;
/// Steps between two looks at everything.
const CHECK_EVERY: usize = 4;

fn sequences() -> u64 {
    let asked = std::env::var("MESH_SEQUENCES").ok();
    asked.map_or(FEW, |n| n.parse().expect("MESH_SEQUENCES is a number"))
}

/// Says which sequence it was when one fails.
struct Seed(&'static str, u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} vault, sequence {}", self.0, self.1);
        }
    }
}

fn live(base: &Life, seed: u64) -> Tally {
    let mut life = base.copy(seed);
    for n in 1..=STEPS {
        life.step();
        if n % CHECK_EVERY == 0 {
            life.check();
        }
    }
    life.settle();
    life.check();
    life.check_settled();
    life.tally
}

fn walk(vault: &'static str, make: fn() -> Life) {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let all = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for t in 0..threads {
            let all = &all;
            scope.spawn(move || {
                let (base, mut tally) = (make(), Tally::default());
                for seed in (t..sequences() / 2).step_by(threads as usize) {
                    let _seed = Seed(vault, seed);
                    tally.add(&live(&base, seed));
                }
                all.lock().unwrap().add(&tally);
            });
        }
    });
    let tally = all.into_inner().unwrap();
    println!("{vault} vault, {} sequences: {tally:?}", sequences() / 2);
    assert!(tally.complete(), "the walk leaves something out: {tally:?}");
}

#[test]
fn no_sequence_breaks_a_native_vault_with_three_consumers() {
    walk("native", Life::native);
}

#[test]
fn no_sequence_breaks_a_bitcoin_vault_with_three_consumers() {
    walk("bitcoin", Life::bitcoin);
}
