//! What an error means to whoever started us: a stable code, the exit status, what was not harmed, what to do.

use crate::stage::Interrupted;
use mesh_harness::real::RealError;
use serde_json::json;
use staking_clients::ClientError;
use std::path::Path;

/// Something that has to be there before a world can start is missing or unusable.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unprepared(pub(crate) String);

/// How an error is told.
struct Verdict {
    code: &'static str,
    exit: u8,
    hint: &'static str,
}

const fn verdict(code: &'static str, exit: u8, hint: &'static str) -> Verdict {
    Verdict { code, exit, hint }
}

/// Words with which the system, Bitcoin Core and Go programs say that a disk is full; they reach us through logs and RPCs.
const DISK_FULL: [&str; 2] = ["no space left on device", "disk space is too low"];

/// Prints an error and gives the exit status. `kept` is the folder that was to be kept; without one nothing is left.
pub(crate) fn tell(error: &anyhow::Error, interrupted: bool, kept: Option<&Path>, as_json: bool) -> u8 {
    let message = if interrupted { "interrupted".to_owned() } else { format!("{error:#}") };
    let Verdict { code, exit, hint } =
        if interrupted { verdict("INTERRUPTED", 130, "start again") } else { judge(error, &message) };
    let safe = kept.map_or_else(
        || "everything that was started has ended, and the temporary folder is gone".to_owned(),
        |dir| format!("everything that was started has ended; its data and logs are in {}", dir.display()),
    );
    if as_json {
        let error = json!({
            "code": code, "exit": exit, "retryable": matches!(exit, 4 | 130),
            "message": message, "safe": safe, "hint": hint,
        });
        crate::say(&json!({"schema": "mesh-devnet/error/1", "ok": false, "error": error}).to_string());
    } else {
        eprintln!("error: {message}\n  safe: {safe}\n  do:   {hint}");
    }
    exit
}

fn judge(error: &anyhow::Error, message: &str) -> Verdict {
    let lower = message.to_lowercase();
    if DISK_FULL.iter().any(|words| lower.contains(words)) {
        let hint = "free some space, or name another disk with TMPDIR (and --keep-dir): `TMPDIR=/other/disk mesh-devnet …`";
        return verdict("DISK_FULL", 3, hint);
    }
    if error.is::<Interrupted>() {
        return verdict("INTERRUPTED", 130, "start again");
    }
    if error.chain().any(|cause| cause.is::<Unprepared>()) {
        return verdict("NOT_PREPARED", 3, "as the message says, then start again");
    }
    if let Some(real) = error.chain().find_map(|cause| cause.downcast_ref::<RealError>()) {
        return of_program(real);
    }
    match error.chain().find_map(|cause| cause.downcast_ref::<ClientError>()) {
        Some(e) if e.is_transient() => {
            verdict("UNREACHABLE", 4, "start again; if it stays, `--keep-dir NEW` keeps the logs")
        }
        Some(_) => {
            verdict("REFUSED", 5, "the chain's own words are above; the same call would be refused again")
        }
        None => verdict("FAILED", 1, "start again with `--keep-dir NEW` and report what is in it"),
    }
}

fn of_program(error: &RealError) -> Verdict {
    match error {
        RealError::Missing { .. } => verdict("NOT_PREPARED", 3, "`tests/setup real`, then start again"),
        RealError::Io { .. } => verdict("LOCAL", 3, "give this user a folder to write to: `--keep-dir NEW`"),
        _ => verdict("PROGRAM", 4, "start again; if it stays, `--keep-dir NEW` keeps the whole logs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    fn judged(error: anyhow::Error) -> (&'static str, u8) {
        let v = judge(&error, &format!("{error:#}"));
        (v.code, v.exit)
    }

    #[test]
    fn a_full_disk_is_told_apart_whoever_says_it() {
        let io = std::io::Error::from_raw_os_error(28);
        assert_eq!(judged(anyhow::Error::new(io).context("writing")), ("DISK_FULL", 3));
        let of_core = ClientError::permanent("node", "mining", "kernel stopped: Disk space is too low!");
        assert_eq!(judged(of_core.into()), ("DISK_FULL", 3));
    }

    #[test]
    fn refusals_and_silence_have_their_own_exit_codes() {
        let refused = Err::<(), _>(ClientError::permanent("hub", "tx", "evidence: no")).context("slashing");
        assert_eq!(judged(refused.unwrap_err()), ("REFUSED", 5));
        assert_eq!(judged(ClientError::transient("hub", "tx", "timed out").into()), ("UNREACHABLE", 4));
        assert_eq!(judged(Unprepared("contracts are not built".into()).into()), ("NOT_PREPARED", 3));
        assert_eq!(judged(anyhow::anyhow!("something else")), ("FAILED", 1));
    }
}
