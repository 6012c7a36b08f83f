//! Programs as separate processes: started, asked, killed, ended; none outlives its test.

use serde_json::Value;
use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a process may take to end after SIGTERM.
const END: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(100);

/// Looks until there is an answer.
pub(crate) fn until<T>(what: &str, seconds: u64, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(seconds), "waited {seconds} s for {what}");
        thread::sleep(LOOK);
    }
}

/// A program of this workspace, beside this test.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let found = test.parent().and_then(Path::parent).unwrap().join(name);
    let build =
        "cargo build --release -p mesh-devnet -p mesh-btc -p mesh-covenant -p mesh-signer -p mesh-bridge";
    assert!(found.exists(), "{} is missing; build the programs first: {build}", found.display());
    found
}

/// A program with its folder.
pub(crate) struct Tool {
    path: PathBuf,
    pub(crate) home: PathBuf,
}

impl Tool {
    pub(crate) fn new(name: &str, home: PathBuf) -> Self {
        Self { path: program(name), home }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.arg("--home").arg(&self.home).args(args).env_remove("RUST_LOG").stdin(Stdio::null());
        command
    }

    /// Runs to the end.
    pub(crate) fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs to the end and reads the one JSON object; the exit code must be `code`.
    pub(crate) fn ask_for(&self, code: i32, args: &[&str]) -> Value {
        let output = self.output(&[args, &["--json"]].concat());
        answer(&format!("{} {args:?}", self.path.display()), code, &output)
    }

    /// Runs to the end and gives the data of the answer.
    pub(crate) fn ask(&self, args: &[&str]) -> Value {
        self.ask_for(0, args)["data"].take()
    }

    /// Runs to the end; it must succeed.
    pub(crate) fn run(&self, args: &[&str]) {
        let output = self.output(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} {args:?}: {said}", self.path.display());
    }

    /// Starts in the background; what it logs goes to a file in its folder.
    pub(crate) fn start(&self, args: &[&str]) -> Process {
        let log = self.home.join("log");
        let file = File::options().create(true).append(true).open(&log).unwrap();
        Process::of(self.command(args).stdout(Stdio::piped()).stderr(file), log)
    }

    /// Writes the configuration in place of the commented example.
    pub(crate) fn configure(&self, text: &str) {
        fs::write(self.home.join("config.toml"), text).unwrap();
    }
}

fn answer(what: &str, code: i32, output: &Output) -> Value {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{what}\n{out}\n{err}");
    let answer: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{what}: {e}: {out}"));
    assert_eq!(answer["ok"], code == 0, "{what}: {answer}");
    answer
}

/// A process in the background.
pub(crate) struct Process {
    child: Option<Child>,
    log: PathBuf,
}

impl Process {
    /// Starts a command whose stdout is piped and whose stderr goes to the file `log`.
    pub(crate) fn of(command: &mut Command, log: PathBuf) -> Self {
        Self { child: Some(command.spawn().unwrap()), log }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The first line that the process prints.
    pub(crate) fn first_line(&mut self, seconds: u64) -> String {
        let out = self.child.as_mut().unwrap().stdout.take().unwrap();
        let (said, hear) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            if BufReader::new(out).read_line(&mut line).is_ok() {
                let _ = said.send(line);
            }
        });
        let line = hear.recv_timeout(Duration::from_secs(seconds)).unwrap_or_default();
        assert!(!line.is_empty(), "no line within {seconds} s: {}", self.log());
        line
    }

    /// Ends it as a power failure would.
    pub(crate) fn kill(mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks it to end; it must do so in order.
    pub(crate) fn end(mut self) {
        let mut child = self.child.take().unwrap();
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself: {}", self.log());
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > END {
                child.kill().unwrap();
                panic!("it did not end within {} s of SIGTERM: {}", END.as_secs(), self.log());
            }
            thread::sleep(LOOK);
        };
        assert_eq!(status.code(), Some(0), "{}", self.log());
    }

    /// Waits until it ends by itself and gives the data of its one JSON object.
    pub(crate) fn finish(mut self, what: &str, seconds: u64) -> Value {
        let child = self.child.as_mut().unwrap();
        until(what, seconds, || child.try_wait().unwrap());
        let log = self.log();
        let mut output = self.child.take().unwrap().wait_with_output().unwrap();
        output.stderr = log.into_bytes();
        answer(what, 0, &output)["data"].take()
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.as_mut().unwrap().try_wait().unwrap().is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
            if thread::panicking() {
                eprintln!("--- {}\n{}", self.log.display(), self.log());
            }
        }
    }
}

/// Writes a file that its owner alone may read.
pub(crate) fn private(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
