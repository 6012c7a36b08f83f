//! One file for each group of commands; all answer with data that `main` prints.

pub(crate) mod leave;
pub(crate) mod psbt;
pub(crate) mod stake;
pub(crate) mod wallet;

use serde_json::Value;

/// What a command has to say: for programs and for people.
pub(crate) struct Answer {
    pub(crate) schema: &'static str,
    pub(crate) data: Value,
    pub(crate) text: String,
}
