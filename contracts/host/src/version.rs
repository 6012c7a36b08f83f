//! Migration: the stored name and version decide whether code may take a state over.

use cosmwasm_std::{StdError, Storage};

/// Why code may not take over a state.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VersionError {
    /// The state belongs to another contract.
    #[error("state belongs to {found}, not to {expected}")]
    OtherContract {
        /// This contract.
        expected: &'static str,
        /// The state's contract.
        found: String,
    },
    /// The state was written by later code.
    #[error("state has version {found}, later than {expected}")]
    Newer {
        /// Version of this code.
        expected: &'static str,
        /// Version of the state.
        found: String,
    },
    /// The versions are no versions, or nothing is stored.
    #[error("{0}")]
    Malformed(String),
}

impl From<StdError> for VersionError {
    fn from(error: StdError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Checks that the state was written by this contract in this or an earlier version, and stamps it anew.
///
/// # Errors
/// It was not.
pub fn migrate(
    storage: &mut dyn Storage,
    name: &'static str,
    version: &'static str,
) -> Result<(), VersionError> {
    let stored = cw2::get_contract_version(storage)?;
    if stored.contract != name {
        return Err(VersionError::OtherContract { expected: name, found: stored.contract });
    }
    if parts(&stored.version)? > parts(version)? {
        return Err(VersionError::Newer { expected: version, found: stored.version });
    }
    cw2::set_contract_version(storage, name, version)?;
    Ok(())
}

fn parts(version: &str) -> Result<Vec<u32>, VersionError> {
    let number = |part: &str| part.parse().map_err(|_| VersionError::Malformed(version.to_string()));
    version.split('.').map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::testing::MockStorage;

    #[test]
    fn only_an_earlier_state_of_the_same_contract_is_taken_over() {
        let mut storage = MockStorage::new();
        assert!(migrate(&mut storage, "a", "0.2.0").is_err());
        cw2::set_contract_version(&mut storage, "a", "0.1.9").unwrap();
        assert!(matches!(migrate(&mut storage, "b", "0.2.0"), Err(VersionError::OtherContract { .. })));
        assert!(migrate(&mut storage, "a", "0.2.0").is_ok());
        assert!(matches!(migrate(&mut storage, "a", "0.1.10"), Err(VersionError::Newer { .. })));
    }
}
