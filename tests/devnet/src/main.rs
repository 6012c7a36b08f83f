//! `mesh-devnet`: the whole mission on one machine.

mod args;
mod backend;
mod compare;
mod contracts;
mod deploy;
mod engine;
mod keys;
mod narrate;
mod report;
mod signers;
mod stage;
mod story;
mod up;

use anyhow::{Context, Result};
use args::{Args, Command, CompareArgs, DemoArgs, Engine, WorldArgs};
use clap::Parser;
use serde_json::json;
use stage::Interrupted;
use staking_clients::ClientError;
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
    let (done, json) = match &args.command {
        Command::Demo(demo) => (run_demo(demo, &stop), demo.json),
        Command::Up(world) => (run_up(world, &stop), world.json),
        Command::Compare(compare) => (run_compare(compare), compare.json),
    };
    match done {
        Ok(code) => code,
        Err(e) => failed(&e, json),
    }
}

fn run_demo(args: &DemoArgs, stop: &AtomicBool) -> Result<ExitCode> {
    if let Some(code) = engine::ensure(engine_of(&args.world))? {
        return Ok(code);
    }
    let (dir, _temporary) = folder(&args.world)?;
    let report = story::tell(args, &dir, stop)?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn run_up(args: &args::UpArgs, stop: &AtomicBool) -> Result<ExitCode> {
    if let Some(code) = engine::ensure(engine_of(&args.world))? {
        return Ok(code);
    }
    let (dir, _temporary) = folder(&args.world)?;
    up::run(args, &dir, stop)?;
    Ok(ExitCode::SUCCESS)
}

fn run_compare(args: &CompareArgs) -> Result<ExitCode> {
    if let Some(code) = engine::ensure(args.engine)? {
        return Ok(code);
    }
    let report = compare::run(args.engine)?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", compare::table::text(&report));
    }
    Ok(ExitCode::SUCCESS)
}

/// Real chains run wasm by themselves.
fn engine_of(args: &WorldArgs) -> Engine {
    if args.real { Engine::Native } else { args.engine }
}

/// The folder for all data, and the guard that removes it when nobody wants to keep it.
fn folder(args: &WorldArgs) -> Result<(PathBuf, Option<tempfile::TempDir>)> {
    if let Some(dir) = &args.keep_dir {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        return Ok((dir.canonicalize()?, None));
    }
    let temporary =
        tempfile::Builder::new().prefix("mesh-devnet-").tempdir().context("no temporary folder")?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}

/// Prints an error; the exit code says whether a retry makes sense.
fn failed(error: &anyhow::Error, as_json: bool) -> ExitCode {
    let code = exit_code(error);
    if as_json {
        let error =
            json!({"code": "DEMO", "exit": code, "retryable": code == 4, "message": format!("{error:#}")});
        println!("{}", json!({"schema": "mesh-devnet/error/1", "ok": false, "error": error}));
    } else {
        eprintln!("error: {error:#}");
    }
    ExitCode::from(code)
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<Interrupted>() {
        return 130;
    }
    match error.chain().find_map(|cause| cause.downcast_ref::<ClientError>()) {
        Some(e) if e.is_transient() => 4,
        Some(_) => 5,
        None => 1,
    }
}
