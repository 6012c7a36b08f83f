//! A program that cannot outlive us.
//!
//! Each program runs under a few lines of `sh` in a process group of their own. Their standard input is a pipe whose
//! other end only this process holds: when we stop it, drop it, panic, are interrupted or are killed, the pipe closes
//! and the shell ends the program. That needs neither `unsafe` nor a signal handler.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::RealError;
use super::wait::poll;

/// Runs `"$@"`, passes its exit status on, and ends it when standard input closes: politely, after 10 s by force.
/// With the word `now` on standard input, by force at once.
const SUPERVISOR: &str = r#"
exec 3<&0
"$@" 3<&- </dev/null &
p=$!
{
    read -r how <&3
    trap exit TERM
    n=100
    [ "$how" != now ] || n=0
    while [ $n -gt 0 ]; do
        [ $n -lt 100 ] || kill -s TERM "$p"
        kill -s 0 "$p" || exit
        sleep 0.1
        n=$((n - 1))
    done
    kill -s KILL "$p"
} >/dev/null 2>&1 &
w=$!
wait "$p"
rc=$?
exec 2>/dev/null
kill -s TERM "$w"
wait "$w"
exit $rc
"#;

/// How long the supervisor may take; it needs 10 s at most.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// What to run.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The name for messages.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Environment variables to set.
    pub envs: Vec<(OsString, OsString)>,
    /// The file that receives its output.
    pub log: PathBuf,
}

impl Spec {
    /// Describes a program whose output goes to `log`.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            args: Vec::new(),
            envs: Vec::new(),
            log: log.into(),
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.envs.push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }
}

/// A running program. Dropping it stops it.
#[derive(Debug)]
pub struct Process {
    name: String,
    supervisor: Child,
    lifeline: Option<ChildStdin>,
    log: PathBuf,
}

impl Process {
    /// Starts a program.
    ///
    /// # Errors
    /// [`RealError::Io`] if the log cannot be written or no shell can be started.
    pub fn spawn(spec: &Spec) -> Result<Self, RealError> {
        let io = || RealError::io("cannot write the log", &spec.log);
        let out = File::create(&spec.log).map_err(io())?;
        let err = out.try_clone().map_err(io())?;
        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR, "sh"])
            .arg(&spec.program)
            .args(&spec.args)
            .envs(spec.envs.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .spawn()
            .map_err(RealError::io("cannot start the program", &spec.program))?;
        let lifeline = supervisor.stdin.take();
        Ok(Self { name: spec.name.clone(), supervisor, lifeline, log: spec.log.clone() })
    }

    /// Returns the name for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the file with the program's output.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Returns the id of the process group in which the program and all it starts run.
    #[must_use]
    pub fn group(&self) -> u32 {
        self.supervisor.id()
    }

    /// Returns the exit status if the program has ended.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.supervisor.try_wait().ok().flatten()
    }

    /// Returns the last lines that the program wrote.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// Stops the program politely and waits until it is gone; by force if it does not listen. May be repeated.
    pub fn stop(&mut self) {
        drop(self.lifeline.take());
        self.wait_or_force();
    }

    /// Ends the program at once, as a power cut would, and waits until it is gone.
    pub fn crash(&mut self) {
        if let Some(mut lifeline) = self.lifeline.take() {
            // If the supervisor is gone already, so is the program.
            let _ = lifeline.write_all(b"now\n");
        }
        self.wait_or_force();
    }

    fn wait_or_force(&mut self) {
        if poll(STOP_LIMIT, || self.exited()).is_some() {
            return;
        }
        // The supervisor itself hangs: the whole group goes.
        let group = self.group().to_string();
        let _ = Command::new("sh").args(["-c", r#"kill -s KILL -- "-$1""#, "sh", &group]).status();
        let _ = self.supervisor.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(dir: &tempfile::TempDir, script: &str) -> Process {
        let spec = Spec::new("test", "sh", dir.path().join("log")).args(["-c", script]);
        Process::spawn(&spec).unwrap()
    }

    /// The pid that the program wrote first.
    fn pid_of(p: &Process) -> u32 {
        poll(Duration::from_secs(10), || p.log_tail(1).trim().parse().ok())
            .expect("the program wrote its pid")
    }

    fn alive(pid: u32) -> bool {
        Command::new("sh")
            .args(["-c", "kill -s 0 $1 2>/dev/null", "sh", &pid.to_string()])
            .status()
            .unwrap()
            .success()
    }

    #[test]
    fn a_dropped_program_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let p = shell(&dir, "echo $$; exec sleep 1000");
        let pid = pid_of(&p);
        assert!(alive(pid));
        drop(p);
        assert!(!alive(pid));
    }

    #[test]
    fn a_program_that_does_not_listen_is_ended_by_force() {
        let dir = tempfile::tempdir().unwrap();
        let mut p = shell(&dir, "trap '' TERM; echo $$; while :; do sleep 1; done");
        let pid = pid_of(&p);
        p.stop();
        assert!(!alive(pid));
    }

    #[test]
    fn a_crash_gives_no_time_for_a_goodbye() {
        let dir = tempfile::tempdir().unwrap();
        let mut p = shell(&dir, "trap 'echo goodbye; exit' TERM; echo $$; while :; do sleep 0.1; done");
        let pid = pid_of(&p);
        p.crash();
        assert!(!alive(pid));
        assert!(!p.log_tail(5).contains("goodbye"));
    }

    #[test]
    fn a_program_ends_with_the_process_that_started_it() {
        let dir = tempfile::tempdir().unwrap();
        // The middle shell plays us: it holds the pipe and is killed without a chance to clean up.
        let script = dir.path().join("supervisor");
        std::fs::write(&script, SUPERVISOR).unwrap();
        let (fifo, pid_file) = (dir.path().join("fifo"), dir.path().join("pid"));
        let middle = r#"mkfifo "$2"; sh "$1" sh -c 'echo $$ >"$0"; exec sleep 1000' "$3" <"$2" & exec 4>"$2"; exec sleep 1000"#;
        let mut p =
            Command::new("sh").args(["-c", middle, "sh"]).args([&script, &fifo, &pid_file]).spawn().unwrap();
        let read = || std::fs::read_to_string(&pid_file).ok()?.trim().parse().ok();
        let pid: u32 = poll(Duration::from_secs(10), read).unwrap();
        assert!(alive(pid));
        p.kill().unwrap();
        let _ = p.wait();
        assert!(poll(Duration::from_secs(12), || (!alive(pid)).then_some(())).is_some());
    }

    #[test]
    fn the_exit_status_and_the_output_are_passed_on() {
        let dir = tempfile::tempdir().unwrap();
        let mut p = shell(&dir, "echo one; echo two >&2; exit 7");
        let status = poll(Duration::from_secs(10), || p.exited()).unwrap();
        assert_eq!(status.code(), Some(7));
        assert_eq!(p.log_tail(1), "two");
    }
}
