//! What people meet when something is in the way: Ctrl-C at any step, a full disk, a used folder, missing programs.
//! Each ends with a clear message and its own exit code, and leaves no process and no file behind.

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const STEPS: usize = 8;

fn devnet(args: &[&str], temporary: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mesh-devnet"));
    command.args(args).env("TMPDIR", temporary).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).expect("readable").next().is_none()
}

fn signal(name: &str, target: &str) -> bool {
    let sent = Command::new("kill").args(["-s", name, "--", target]).stderr(Stdio::null()).status();
    sent.expect("kill").success()
}

/// Tells the story to the heading of a step, sends a signal, and looks at what is left.
fn stopped_at(step: usize, how: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = devnet(&["demo", "--seed", "31"], folder.path())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a start");
    let heading = format!("{step}. ");
    let mut told = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert!(told.any(|line| line.expect("text").starts_with(&heading)), "the story has no step {step}");
    let pid = child.id();
    assert!(signal(how, &pid.to_string()));
    // What is told after the heading has to go somewhere.
    let rest = std::thread::spawn(move || told.count());
    let status = child.wait().expect("an end");
    assert_eq!(status.code(), Some(130), "{how} at step {step}");
    assert!(is_empty(folder.path()), "{how} at step {step} leaves files");
    assert!(!signal("0", &format!("-{pid}")), "{how} at step {step} leaves a process");
    rest.join().expect("a reader");
}

#[test]
fn an_interrupt_at_any_step_leaves_nothing_behind() {
    (1..=STEPS).for_each(|step| stopped_at(step, "INT"));
}

#[test]
fn an_end_asked_for_by_the_system_leaves_nothing_behind() {
    [1, 4, STEPS].into_iter().for_each(|step| stopped_at(step, "TERM"));
}

/// The error object of a run that has to fail with an exit code.
fn error_of(output: &Output, code: i32) -> Value {
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let mut answer: Value = serde_json::from_str(&said).expect("one JSON object");
    assert_eq!((&answer["ok"], &answer["error"]["exit"]), (&Value::from(false), &Value::from(code)));
    answer["error"].take()
}

/// Runs the demo with a temporary folder on a disk of that size, in a namespace of its own; `None` where the system
/// does not let us make one.
fn on_a_small_disk(size: &str) -> Option<Output> {
    let folder = tempfile::tempdir().expect("a folder");
    let script = r#"mount -t tmpfs -o "size=$1" none "$2" || exit 99; TMPDIR=$2 "$3" demo --json; rc=$?; ls -A "$2" >&2; exit $rc"#;
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", size])
        .arg(folder.path())
        .arg(env!("CARGO_BIN_EXE_mesh-devnet"))
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let refused = output.status.code() == Some(99) || output.stdout.is_empty();
    if refused {
        eprintln!("passed over: no small disk here: {}", String::from_utf8_lossy(&output.stderr));
    }
    (!refused).then_some(output)
}

/// Too small to start on, and too small for the story.
#[test]
fn a_full_disk_is_named_as_such() {
    for size in ["1m", "24m", "60m"] {
        let Some(output) = on_a_small_disk(size) else { return };
        let error = error_of(&output, 3);
        assert_eq!(error["code"], "DISK_FULL", "{size}: {error}");
        assert!(error["hint"].as_str().expect("a hint").contains("TMPDIR"), "{error}");
        assert!(output.stderr.is_empty(), "{size}: left behind: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_folder_in_use_is_not_mixed_with_another_run() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("mine"), "precious").expect("a file");
    let kept = folder.path().display().to_string();
    let output = devnet(&["demo", "--json", "--keep-dir", &kept], folder.path()).output().expect("a start");
    let error = error_of(&output, 3);
    assert!(error["message"].as_str().expect("a message").contains("is not empty"), "{error}");
    assert_eq!(fs::read_to_string(folder.path().join("mine")).expect("still there"), "precious");
}

#[test]
fn a_missing_program_is_named_before_anything_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = devnet(&["demo", "--json", "--real"], folder.path())
        .env("BITCOIND_EXE", "/nowhere/bitcoind")
        .output()
        .expect("a start");
    let error = error_of(&output, 3);
    assert_eq!(error["code"], "NOT_PREPARED");
    assert!(error["message"].as_str().expect("a message").contains("bitcoind is not installed"), "{error}");
    assert!(is_empty(folder.path()));
}

#[test]
fn contracts_that_are_not_built_are_named_with_the_command_that_builds_them() {
    let folder = tempfile::tempdir().expect("a folder");
    // Any file will do for the programs: contracts are looked for before a program starts.
    let there = env!("CARGO_BIN_EXE_mesh-devnet");
    let output = devnet(&["demo", "--json", "--real"], folder.path())
        .envs(["BITCOIND_EXE", "WASMD_EXE", "HERMES_EXE"].map(|name| (name, there)))
        .env("MESH_WASM_DIR", folder.path())
        .output()
        .expect("a start");
    let error = error_of(&output, 3);
    assert!(error["message"].as_str().expect("a message").contains("contracts/build"), "{error}");
}

#[test]
fn an_unknown_flag_is_a_usage_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = devnet(&["demo", "--reel"], folder.path()).stderr(Stdio::piped()).output().expect("a start");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--reel") && said.contains("--real"), "{said}");
}

/// A reader that goes away ends the pipe, not the story.
#[test]
fn a_closed_pipe_is_no_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child =
        devnet(&["demo", "--seed", "32"], folder.path()).stderr(Stdio::piped()).spawn().expect("a start");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(is_empty(folder.path()));
}
