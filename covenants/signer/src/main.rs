//! `mesh-signer`: what was typed, and what becomes of it.

mod args;

use anyhow::{Context, Result};
use args::{Args, Command, Keys, Policy};
use clap::Parser;
use mesh_signer::{Home, KeyInfo};
use serde_json::json;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::from(3)
        }
    }
}

fn run(args: &Args) -> Result<()> {
    if let Command::Init { role } = args.command {
        Home::init(&args.home, role)?;
        eprintln!(
            "made {}; next: put a passphrase file there and run `mesh-signer keys new`",
            args.home.display()
        );
        return Ok(());
    }
    let home = Home::open(&args.home)?;
    match &args.command {
        Command::Init { .. } => Ok(()),
        Command::Keys(Keys::New) => show_key(args.json, &home.new_key()?),
        Command::Keys(Keys::Import { file }) => show_key(args.json, &home.import_key(file)?),
        Command::Keys(Keys::Show) => show_key(args.json, &home.key_info()?),
        Command::Policy(Policy::AddParams { param_version, file }) => home.add_params(*param_version, file),
        Command::Policy(Policy::Show) => {
            println!(
                "{}",
                json!({"schema": "mesh-signer/policy.show/1", "ok": true, "data": home.pinned()?})
            );
            Ok(())
        }
        Command::Run => serve(home),
        Command::Status => status(&home, args.json),
    }
}

fn show_key(as_json: bool, key: &KeyInfo) -> Result<()> {
    if as_json {
        let data = json!({"role": key.role, "public_key": key.public_key});
        println!("{}", json!({"schema": "mesh-signer/keys.show/1", "ok": true, "data": data}));
    } else {
        println!("{:?} key {}", key.role, key.public_key);
    }
    Ok(())
}

fn serve(home: Home) -> Result<()> {
    let home = Arc::new(home);
    let stop = Arc::new(AtomicBool::new(false));
    let (flag, for_handler) = (Arc::clone(&stop), Arc::clone(&home));
    ctrlc::set_handler(move || for_handler.stop(&flag)).context("cannot catch signals")?;
    home.serve(&stop, || tracing::info!(socket = %home.socket().display(), "unlocked and listening"))?;
    tracing::info!("stopped; every signature that left is on record");
    Ok(())
}

fn status(home: &Home, as_json: bool) -> Result<()> {
    let status = mesh_signer::ask_status(home.socket())?;
    let data = json!({"role": status.role, "public_key": hex(&status.public_key), "signed": status.signed,
        "refused": status.refused});
    if as_json {
        println!("{}", json!({"schema": "mesh-signer/status/1", "ok": true, "data": data}));
    } else {
        println!(
            "unlocked   role {}   key {}   signed {}   refused {}",
            status.role,
            hex(&status.public_key),
            status.signed,
            status.refused
        );
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    use hex_conservative::DisplayHex;
    bytes.to_lower_hex_string()
}
