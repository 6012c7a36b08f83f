//! §18-3: random lives of a vault with three consumers, real contracts on both sides, any order of packets, with loss.
//!
//! All along: no lien exceeds what backs it (I1), promises fit what can be slashed (I2), no consumer exceeds its
//! cap (I4), nobody's handler of a packet, acknowledgement, timeout or report has failed or panicked. At the end, when
//! all that can be settled is settled: vault liens and debts are what lien holders hold, nothing is pending, and
//! converters have the coins for all rewards that are due.
//!
//! The number of sequences, over both vaults, is in `MESH_SEQUENCES`; without it a few hundred are walked. On wasm it is a
//! tenth of that, and each ends with the very storage that the same sequence ends with on native code. The full run:
//! `MESH_SEQUENCES=100000 cargo test --release -p mesh-scenarios --test mesh_random native -- --nocapture`

#[path = "mesh_random/actions.rs"]
mod actions;
#[path = "mesh_random/light.rs"]
mod light;

use actions::{Life, Tally};
use mesh_harness::chain::Engine;
use mesh_harness::on_each_engine;
use std::sync::Mutex;

/// Sequences walked when nobody says otherwise, half of them with either vault.
const FEW: u64 = 400;
/// Of this many sequences on native code, one is walked on wasm.
const WASM_SHARE: u64 = 10;
/// Steps of a sequence.
const STEPS: usize = 32;
/// Steps between two looks at everything.
const CHECK_EVERY: usize = 4;

fn sequences(on: Engine) -> u64 {
    let asked = std::env::var("MESH_SEQUENCES").ok();
    let all = asked.map_or(FEW, |n| n.parse().expect("MESH_SEQUENCES is a number"));
    if on == Engine::Native { all } else { all.div_ceil(WASM_SHARE) }
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

fn live(base: &Life, seed: u64) -> Life {
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
    life
}

fn walk(on: Engine, vault: &'static str, make: fn(Engine) -> Life) {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let all = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for t in 0..threads {
            let all = &all;
            scope.spawn(move || {
                let (base, mut tally) = (make(on), Tally::default());
                let reference = (on != Engine::Native).then(|| make(Engine::Native));
                for seed in (t..sequences(on) / 2).step_by(threads as usize) {
                    let _seed = Seed(vault, seed);
                    let life = live(&base, seed);
                    tally.add(&life.tally);
                    if let Some(reference) = &reference {
                        assert!(life.books() == live(reference, seed).books(), "engines differ");
                    }
                }
                all.lock().unwrap().add(&tally);
            });
        }
    });
    let tally = all.into_inner().unwrap();
    println!("{on:?}, {vault} vault, {} sequences: {tally:?}", sequences(on) / 2);
    // A few sequences need not show everything; what they show is what native code does.
    assert!(tally.complete() || on != Engine::Native, "the walk leaves something out: {tally:?}");
}

fn no_sequence_breaks_a_native_vault_with_three_consumers(on: Engine) {
    walk(on, "native", Life::native);
}

fn no_sequence_breaks_a_bitcoin_vault_with_three_consumers(on: Engine) {
    walk(on, "bitcoin", Life::bitcoin);
}

on_each_engine! {
    no_sequence_breaks_a_native_vault_with_three_consumers,
    no_sequence_breaks_a_bitcoin_vault_with_three_consumers,
}
