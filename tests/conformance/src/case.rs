//! One case of a family, and the answer to it.

use std::fmt;

use serde_json::{Map, Value};

use crate::args::Backend;

/// Why there is no positive answer.
#[derive(Debug)]
pub(crate) enum No {
    /// The rules say no.
    Refused(String),
    /// The vector cannot be read: always a failure.
    Broken(String),
}

impl<E: std::error::Error> From<E> for No {
    fn from(error: E) -> Self {
        Self::Refused(error.to_string())
    }
}

impl fmt::Display for No {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Broken(why) => write!(f, "unreadable vector: {why}"),
        }
    }
}

/// A negative answer in words.
pub(crate) fn refuse<T>(why: impl fmt::Display) -> Result<T, No> {
    Err(No::Refused(why.to_string()))
}

/// An answer that must be yes.
pub(crate) fn ensure(condition: bool, why: &str) -> Result<(), No> {
    if condition { Ok(()) } else { refuse(why) }
}

/// What the runner of a family is given.
pub(crate) struct Case<'a> {
    pub(crate) curve: Backend,
    pub(crate) input: &'a Value,
    /// Published answer; runners look at it only where an answer cannot be reproduced but can be verified.
    pub(crate) expected: &'a Value,
}

/// Fields of the answer, filled in as far as they are known.
#[derive(Default)]
pub(crate) struct Out(pub(crate) Map<String, Value>);

impl Out {
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

/// Runs one case: fills the fields and says yes or no.
pub(crate) type Runner = fn(&Case<'_>, &mut Out) -> Result<(), No>;
