//! Telling the story: progress for people, silence for programs.

use std::io::{IsTerminal, Write};
use std::time::Instant;

/// One step with its time.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct StepTime {
    pub(crate) name: String,
    pub(crate) seconds: f64,
}

/// Where the story goes.
pub(crate) struct Narrator {
    /// Stdout belongs to the JSON object: people read stderr, if somebody is there.
    to_stderr: bool,
    silent: bool,
    current: Option<(String, Instant)>,
    pub(crate) steps: Vec<StepTime>,
}

impl Narrator {
    pub(crate) fn new(json: bool) -> Self {
        let silent = json && !std::io::stderr().is_terminal();
        Self { to_stderr: json, silent, current: None, steps: Vec::new() }
    }

    /// Begins a step, and ends the one before.
    pub(crate) fn step(&mut self, name: &str, what: &str) {
        self.end();
        self.line(&format!("\n{}. {what}", self.steps.len() + 1));
        self.current = Some((name.to_owned(), Instant::now()));
    }

    /// Ends the current step.
    pub(crate) fn end(&mut self) {
        if let Some((name, begun)) = self.current.take() {
            let seconds = begun.elapsed().as_secs_f64();
            self.line(&format!("   ({seconds:.1} s)"));
            self.steps.push(StepTime { name, seconds: (seconds * 1000.0).round() / 1000.0 });
        }
    }

    /// A detail of the step.
    pub(crate) fn tell(&self, text: impl AsRef<str>) {
        self.line(&format!("   {}", text.as_ref()));
    }

    /// A table: rows of a name and a value.
    pub(crate) fn table(&self, rows: &[(&str, String)]) {
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in rows {
            self.line(&format!("     {name:<width$}  {value}"));
        }
    }

    fn line(&self, text: &str) {
        if self.silent {
            return;
        }
        // A closed pipe is the reader's choice, not an error of the story.
        if self.to_stderr {
            let _ = writeln!(std::io::stderr(), "{text}");
        } else {
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }
}

/// Satoshi for people.
pub(crate) fn sat(amount: u64) -> String {
    let digits = amount.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    format!("{out} sat")
}
