//! Times operations of the libraries, natively.
//!
//! Keys and signatures enter as bytes where a chain or a covenant member gets bytes. Each operation
//! rotates through a pool of inputs, so that no branch predictor learns one of them by heart; making the
//! pool is not timed.

mod chain;
mod schemes;
mod stakes;
mod world;

use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::args::Native;

/// A prepared operation; its argument counts the calls.
pub(crate) type Op = Box<dyn FnMut(usize)>;

/// How many inputs an operation rotates through.
pub(crate) const POOL: usize = 32;

/// Why the bench may expect.
pub(crate) const SOUND: &str = "the bench's own inputs are valid";

/// A name and the function that prepares the operation.
pub(crate) type Entry = (&'static str, fn() -> Op);

fn table() -> Vec<Entry> {
    [schemes::OPS, stakes::OPS, chain::OPS].concat()
}

/// Runs what was asked for and prints a line per operation.
pub(crate) fn run(args: &Native) -> Result<()> {
    let table = table();
    if args.op == "list" {
        table.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(());
    }
    let chosen: Vec<_> = table.iter().filter(|(name, _)| args.op == "all" || args.op == *name).collect();
    if chosen.is_empty() {
        bail!("no operation is called {:?}; `mesh-bench native list` prints the names", args.op);
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads).build();
    let pool = pool.context("cannot start the worker threads")?;
    for (name, prepare) in chosen {
        let line = pool.install(|| measure(name, *prepare, args.n));
        println!("{line}");
    }
    Ok(())
}

fn measure(name: &str, prepare: fn() -> Op, n: u32) -> serde_json::Value {
    let mut op = prepare();
    // Warms caches and the thread's context.
    (0..POOL.min(n as usize)).for_each(&mut op);
    let start = Instant::now();
    (0..n as usize).for_each(&mut op);
    let ns_per_op = start.elapsed().as_nanos() / u128::from(n);
    serde_json::json!({ "op": name, "n": n, "ns_per_op": u64::try_from(ns_per_op).unwrap_or(u64::MAX) })
}

/// Rotates an operation through its inputs.
pub(crate) fn rotate<T: 'static, R>(pool: Vec<T>, mut op: impl FnMut(&T) -> R + 'static) -> Op {
    Box::new(move |turn| {
        if let Some(input) = pool.get(turn % pool.len()) {
            std::hint::black_box(op(std::hint::black_box(input)));
        }
    })
}

/// Makes the pool of inputs.
pub(crate) fn pool<T>(make: impl FnMut(u8) -> T) -> Vec<T> {
    (1..).take(POOL).map(make).collect()
}
