//! `mesh-covenant`: what was typed, what it means, and the loop.

mod args;
mod settings;

use anyhow::{Context, Result};
use args::{Args, Command, Pending};
use clap::Parser;
use mesh_covenant::{refusals::Refusals, round::Member, watch};
use settings::Settings;
use staking_clients::cosmos::{Rpc, Writer};
use staking_clients::signer::SignerClient;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
            ExitCode::from(settings::exit_code(&e))
        }
    }
}

fn run(args: &Args) -> Result<()> {
    if matches!(args.command, Command::Init) {
        return settings::init(&args.home);
    }
    let settings = Settings::load(&args.home)?;
    let refusals = Refusals::open(&settings.refusals_file())?;
    match &args.command {
        Command::Init => Ok(()),
        Command::Pending(Pending::Refused) => show_refused(&refusals, args.json),
        Command::Pending(Pending::Retry { stake }) => retry(&refusals, stake),
        Command::Run { once } => work(&settings, &refusals, *once),
    }
}

fn work(settings: &Settings, refusals: &Refusals, once: bool) -> Result<()> {
    let chain = Rpc::new(&settings.rpc);
    let hub = Writer::new(&chain, settings.account()?, settings.gas_price(), settings.gas)?;
    let signer = SignerClient::new(&settings.signer);
    let member = Member { hub: &hub, staking: &settings.staking, signer: &signer, refusals };
    let key = member.public_key().context("the signer must be unlocked and running")?;
    tracing::info!(covenant_key = %key, account = hub.address(), "ready");
    if once {
        let outcome = member.round()?;
        eprintln!(
            "signed {}, refused {}, parked {}, waiting {}",
            outcome.signed.len(),
            outcome.refused.len(),
            outcome.parked,
            outcome.waiting.len()
        );
        return Ok(());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))?;
    watch::watch(&member, settings.poll, &stop);
    tracing::info!("stopped; state is safe, `mesh-covenant run` goes on");
    Ok(())
}

fn show_refused(refusals: &Refusals, json: bool) -> Result<()> {
    let all = refusals.list()?;
    if json {
        let data: Vec<_> = all
            .iter()
            .map(|(txid, why)| serde_json::json!({"stake": txid.to_string(), "reason": why}))
            .collect();
        println!(
            "{}",
            serde_json::json!({"schema": "mesh-covenant/pending.refused/1", "ok": true, "data": data})
        );
        return Ok(());
    }
    for (txid, reason) in all {
        println!("{txid}  {reason}");
    }
    Ok(())
}

fn retry(refusals: &Refusals, stake: &str) -> Result<()> {
    let txid = stake.parse().with_context(|| format!("`{stake}` is not a transaction id"))?;
    if refusals.forget(txid)? {
        eprintln!("{stake} will be asked again in the next round");
    } else {
        eprintln!("{stake} was not refused");
    }
    Ok(())
}
