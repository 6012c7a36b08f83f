//! Runs files of vectors through the public API and compares every answer.
//!
//! `mesh-conformance DIR [--family NAME] [--backend libsecp|pure]` reads every `*.json` of a folder. It ends with
//! `N passed, M failed` and status 0 only if nothing failed, nothing was skipped and no file was unknown. It holds
//! no rule of the protocol itself: what it answers is what `staking-protocol` and `staking-crypto` answer.

mod args;
mod case;
mod check;
mod family;
mod file;
mod read;
mod real;
mod report;

use std::process::ExitCode;

use args::Args;
use report::Report;

fn main() -> ExitCode {
    match Args::parse(std::env::args().skip(1)).and_then(|args| run(&args)) {
        Ok(report) => {
            println!("{report}");
            if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<Report, String> {
    let folder = file::Folder::open(&args.dir)?;
    let mut total = Report::default();
    for path in folder.vector_files() {
        let Some(result) = folder.run(path, args) else { continue };
        print!("{result}");
        total.add(&result);
    }
    if total.files == 0 {
        let wanted = args.family.as_deref().unwrap_or("*");
        return Err(format!("no vectors of family {wanted} in {}", args.dir.display()));
    }
    Ok(total)
}
