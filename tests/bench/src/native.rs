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

/// One operation and how often it runs.
#[derive(Debug, clap::Args)]
pub struct Native {
    /// The operation, or `all`; `list` prints the names.
    pub op: String,
    /// How often it runs.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub n: u32,
    /// Threads for the operations that use more than one (commit-pubrand-10000).
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// The table of docs/speed.md in place of JSON.
    #[arg(long)]
    pub markdown: bool,
}

/// A prepared operation; its argument counts the calls.
pub type Op = Box<dyn FnMut(usize)>;

/// How many inputs an operation rotates through.
pub(crate) const POOL: usize = 32;

/// Why the bench may expect.
pub(crate) const SOUND: &str = "the bench's own inputs are valid";

/// A name and the function that prepares the operation.
pub type Entry = (&'static str, fn() -> Op);

/// All operations.
#[must_use]
pub fn table() -> Vec<Entry> {
    [schemes::OPS, stakes::OPS, chain::OPS].concat()
}

/// Runs what was asked for and prints a line per operation.
///
/// # Errors
/// No operation of the name, or no threads to be had.
pub fn run(args: &Native) -> Result<()> {
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
    if args.markdown {
        println!("| op | µs |\n|---|---:|");
    }
    for (name, prepare) in chosen {
        let ns = pool.install(|| measure(*prepare, args.n));
        println!("{}", if args.markdown { row(name, ns) } else { line(name, args.n, ns) });
    }
    Ok(())
}

fn line(name: &str, n: u32, ns: u64) -> String {
    serde_json::json!({ "op": name, "n": n, "ns_per_op": ns }).to_string()
}

/// Microseconds to a hundredth.
fn row(name: &str, ns: u64) -> String {
    format!("| {name} | {}.{:02} |", ns / 1000, ns % 1000 / 10)
}

/// Batches that the runs are cut into.
const BATCHES: u32 = 200;

/// Times the runs in batches and keeps the fastest, in nanoseconds a run: what else the machine does is not ours to
/// measure.
fn measure(prepare: fn() -> Op, n: u32) -> u64 {
    let mut op = prepare();
    let size = n.div_ceil(BATCHES) as usize;
    // Warms caches and the thread's context.
    (0..POOL.min(size)).for_each(&mut op);
    let batch = |first: usize| {
        let start = Instant::now();
        (first..first + size).for_each(&mut op);
        start.elapsed().as_nanos() / size as u128
    };
    let fastest = (0..n as usize).step_by(size).map(batch).min().unwrap_or_default();
    u64::try_from(fastest).unwrap_or(u64::MAX)
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
