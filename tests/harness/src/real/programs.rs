//! Finds the programs that `tests/setup` installed, or that the environment names.

use std::env;
use std::path::PathBuf;

use super::RealError;

/// Versions as in `tests/setup.d/versions.sh`; a test holds the two together.
const WASMD_VERSION: &str = "v0.61.14";
const HERMES_VERSION: &str = "1.10.5";

/// A program of the real world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Program {
    /// Bitcoin's node, on regtest.
    Bitcoind,
    /// A plain CosmWasm chain.
    Wasmd,
    /// The IBC relayer.
    Hermes,
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bitcoind, Self::Wasmd, Self::Hermes];

    /// Returns the program's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bitcoind => "bitcoind",
            Self::Wasmd => "wasmd",
            Self::Hermes => "hermes",
        }
    }

    const fn variable(self) -> &'static str {
        match self {
            Self::Bitcoind => "BITCOIND_EXE",
            Self::Wasmd => "WASMD_EXE",
            Self::Hermes => "HERMES_EXE",
        }
    }

    const fn part(self) -> &'static str {
        match self {
            Self::Hermes => "relayer",
            other => other.name(),
        }
    }

    fn in_cache(self) -> String {
        match self {
            Self::Bitcoind => "bitcoind/bin/bitcoind".into(),
            Self::Wasmd => format!("wasmd-{WASMD_VERSION}/wasmd"),
            Self::Hermes => format!("hermes-{HERMES_VERSION}/bin/hermes"),
        }
    }

    /// Returns the path of the program: what its variable names, else the one in the cache.
    ///
    /// # Errors
    /// [`RealError::Missing`] with what to do, if there is no such file.
    pub fn find(self) -> Result<PathBuf, RealError> {
        let path = env::var_os(self.variable()).map_or_else(|| cache().join(self.in_cache()), PathBuf::from);
        if path.is_file() {
            return Ok(path);
        }
        Err(RealError::Missing { name: self.name(), path, part: self.part(), variable: self.variable() })
    }
}

/// Checks that every program is there, before anything is started.
///
/// # Errors
/// The first that is missing.
pub fn all_present() -> Result<(), RealError> {
    Program::ALL.into_iter().try_for_each(|p| p.find().map(drop))
}

/// The folder into which `tests/setup` installs.
fn cache() -> PathBuf {
    let named = |key| env::var_os(key).filter(|v| !v.is_empty()).map(PathBuf::from);
    named("MESH_BTC_CACHE").unwrap_or_else(|| {
        named("XDG_CACHE_HOME")
            .or_else(|| named("HOME").map(|h| h.join(".cache")))
            .unwrap_or_else(|| PathBuf::from(".cache"))
            .join("mesh-btc")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_that_the_set_up_script_installs() {
        let script = include_str!("../../../setup.d/versions.sh");
        assert!(script.contains(&format!("WASMD_VERSION={WASMD_VERSION}\n")));
        assert!(script.contains(&format!("HERMES_VERSION={HERMES_VERSION}\n")));
    }

    #[test]
    fn a_missing_program_says_how_to_get_it() {
        let e = RealError::Missing {
            name: Program::Hermes.name(),
            path: "x".into(),
            part: Program::Hermes.part(),
            variable: Program::Hermes.variable(),
        };
        assert_eq!(
            e.to_string(),
            "hermes is not installed: x does not exist; run `tests/setup relayer` or set HERMES_EXE"
        );
    }
}
