//! `mesh-devnet`: the whole mission on one machine.

mod args;
mod backend;
mod compare;
mod contracts;
mod deploy;
mod engine;
mod failure;
mod gas;
mod keys;
mod narrate;
mod report;
mod signers;
mod stage;
mod story;
mod up;

use anyhow::{Context, Result};
use args::{Args, Command, CompareArgs, DemoArgs, Engine, UpArgs, WorldArgs};
use clap::Parser;
use failure::Unprepared;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "error".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    if let Err(e) = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed)) {
        eprintln!("error: cannot catch Ctrl-C: {e}");
        return ExitCode::from(1);
    }
    let (done, json, kept) = match &args.command {
        Command::Demo(demo) => (run_demo(demo, &stop), demo.json, demo.world.keep_dir.as_deref()),
        Command::Up(up) => (run_up(up, &stop), up.json, up.world.keep_dir.as_deref()),
        Command::Compare(compare) => (run_compare(compare), compare.json, None),
    };
    let interrupted = stop.load(Ordering::Relaxed);
    match done {
        Ok(code) => code,
        Err(e) => ExitCode::from(failure::tell(&e, interrupted, kept, json)),
    }
}

/// A line for whoever reads stdout. That nobody does is the reader's choice, not an error of ours.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn run_demo(args: &DemoArgs, stop: &AtomicBool) -> Result<ExitCode> {
    engine::ensure(engine_of(&args.world))?;
    let (dir, _temporary) = folder(&args.world)?;
    let report = story::tell(args, &dir, stop)?;
    if args.json {
        say(&serde_json::to_string(&report)?);
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn run_up(args: &UpArgs, stop: &AtomicBool) -> Result<ExitCode> {
    engine::ensure(engine_of(&args.world))?;
    let (dir, _temporary) = folder(&args.world)?;
    up::run(args, &dir, stop)?;
    Ok(ExitCode::SUCCESS)
}

fn run_compare(args: &CompareArgs) -> Result<ExitCode> {
    engine::ensure(args.engine)?;
    let report = compare::run(args.engine)?;
    if args.json {
        say(&serde_json::to_string(&report)?);
    } else {
        say(compare::table::text(&report).trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

/// Real chains run wasm by themselves.
fn engine_of(args: &WorldArgs) -> Engine {
    if args.real { Engine::Native } else { args.engine }
}

/// The folder for all data, and the guard that removes it when nobody wants to keep it.
///
/// A folder to be kept must be new or empty: the embedded chains begin anew each time, so another run's Bitcoin data
/// would not fit them, and two runs at once would share a folder.
fn folder(args: &WorldArgs) -> Result<(PathBuf, Option<tempfile::TempDir>)> {
    let Some(dir) = &args.keep_dir else {
        let temporary = tempfile::Builder::new().prefix("mesh-devnet-").tempdir();
        let temporary = temporary.context("cannot make a temporary folder; TMPDIR may name another place")?;
        return Ok((temporary.path().to_owned(), Some(temporary)));
    };
    let unusable = |e: std::io::Error| Unprepared(format!("cannot use {}: {e}", dir.display()));
    std::fs::create_dir_all(dir).map_err(unusable)?;
    if std::fs::read_dir(dir).map_err(unusable)?.next().is_some() {
        let why = format!("{} is not empty; name a new folder, or remove this one", dir.display());
        return Err(Unprepared(why).into());
    }
    Ok((dir.canonicalize()?, None))
}
