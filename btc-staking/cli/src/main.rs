//! `mesh-btc`: what was typed, the command, and the exit code.

mod args;
mod command;
mod session;
mod settings;
mod store_sqlite;

use anyhow::Result;
use args::{Args, Command, Psbt, Stake, Wallet};
use clap::Parser;
use command::Answer;
use command::stake::Wish;
use serde_json::json;
use session::{Declined, NotYet, Refused, Session};
use settings::Settings;
use staking_clients::ClientError;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(Some(answer)) if args.json => {
            println!("{}", json!({"schema": answer.schema, "ok": true, "data": answer.data}));
            ExitCode::SUCCESS
        }
        Ok(Some(answer)) => {
            println!("{}", answer.text);
            ExitCode::SUCCESS
        }
        Ok(None) => ExitCode::SUCCESS,
        Err(e) => failed(&e, args.json),
    }
}

fn run(args: &Args) -> Result<Option<Answer>> {
    if matches!(args.command, Command::Init) {
        return settings::init(&args.home).map(Some);
    }
    if let Command::Psbt(Psbt::Explain { file }) = &args.command {
        return command::psbt::explain(file).map(Some);
    }
    let mut session = Session::open(Settings::load(&args.home)?)?;
    let answer = match &args.command {
        Command::Init | Command::Psbt(_) => return Ok(None),
        Command::Wallet(Wallet::New) => command::wallet::new(&session),
        Command::Wallet(Wallet::Import) => command::wallet::import(&session),
        Command::Wallet(Wallet::Address) => command::wallet::address(&session),
        Command::Wallet(Wallet::Balance) => command::wallet::balance(&session),
        Command::Stake(Stake::Create { amount, lock, fp, fee_rate, dry_run }) => {
            let wish = Wish {
                amount: *amount,
                lock: *lock,
                fp,
                fee_rate: *fee_rate,
                dry_run: *dry_run,
                yes: args.yes,
            };
            command::stake::create(&mut session, &wish)
        }
        Command::Stake(Stake::Resume { stake }) => command::stake::resume(&mut session, stake),
        Command::Stake(Stake::List) => command::stake::list(&session),
        Command::Stake(Stake::Show { stake }) => command::stake::show(&session, stake),
        Command::Unbond { stake } => command::leave::unbond(&mut session, stake, args.yes),
        Command::Withdraw { stake, to, fee } => {
            command::leave::withdraw(&mut session, stake, to.as_deref(), *fee)
        }
    };
    answer.map(Some)
}

/// Prints an error. Exit codes are the same in all our programs.
fn failed(error: &anyhow::Error, as_json: bool) -> ExitCode {
    let (code, exit, retryable) = classify(error);
    if as_json {
        let error =
            json!({"code": code, "exit": exit, "retryable": retryable, "message": format!("{error:#}")});
        println!("{}", json!({"schema": "mesh-btc/error/1", "ok": false, "error": error}));
    } else {
        eprintln!("error: {error:#}");
    }
    ExitCode::from(exit)
}

fn classify(error: &anyhow::Error) -> (&'static str, u8, bool) {
    if error.is::<Refused>() {
        return ("REFUSED", 7, false);
    }
    if error.is::<NotYet>() {
        return ("NOT_YET", 6, true);
    }
    if error.is::<Declined>() {
        return ("DECLINED", 10, false);
    }
    match error.chain().find_map(|cause| cause.downcast_ref::<ClientError>()) {
        Some(e) if e.is_transient() => ("UNREACHABLE", 4, true),
        Some(_) => ("CHAIN", 5, false),
        None => ("CONFIG", 3, false),
    }
}
