//! Versions of parameters, chosen by Bitcoin height.

use alloc::vec::Vec;

use super::Params;

/// No version applies at this height: it lies before the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no parameters for bitcoin height {0}")]
pub struct NoParamsForHeight(pub u64);

/// A version must start above the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("activation height {found} is not above {last}")]
pub struct VersionOrderError {
    /// Start of the last version.
    pub last: u32,
    /// Start of the refused one.
    pub found: u32,
}

/// Returns the index of the last of the ascending `starts` that is not above `height`.
///
/// # Errors
/// [`NoParamsForHeight`] if all are above it.
pub fn version_for_height(starts: &[u64], height: u64) -> Result<u32, NoParamsForHeight> {
    let after = starts.partition_point(|start| *start <= height);
    let index = after.checked_sub(1).and_then(|index| u32::try_from(index).ok());
    index.ok_or(NoParamsForHeight(height))
}

/// All versions of the parameters. Versions can be added, never changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParamsVersions(Vec<Params>);

impl ParamsVersions {
    /// Starts with no version.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a version and returns its number.
    ///
    /// # Errors
    /// [`VersionOrderError`] unless it activates above the last one.
    pub fn add(&mut self, params: Params) -> Result<u32, VersionOrderError> {
        let found = params.btc_activation_height();
        match self.0.last().map(Params::btc_activation_height) {
            Some(last) if found <= last => Err(VersionOrderError { last, found }),
            _ => {
                let version = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
                self.0.push(params);
                Ok(version)
            }
        }
    }

    /// Returns a version by number.
    #[must_use]
    pub fn get(&self, version: u32) -> Option<&Params> {
        self.0.get(usize::try_from(version).ok()?)
    }

    /// Returns the version that applies at a Bitcoin height, with its number.
    ///
    /// # Errors
    /// [`NoParamsForHeight`].
    pub fn at_height(&self, height: u32) -> Result<(u32, &Params), NoParamsForHeight> {
        let after = self.0.partition_point(|params| params.btc_activation_height() <= height);
        let none = NoParamsForHeight(u64::from(height));
        let index = after.checked_sub(1).and_then(|index| u32::try_from(index).ok()).ok_or(none)?;
        self.get(index).map(|params| (index, params)).ok_or(none)
    }

    /// Returns all versions in order.
    #[must_use]
    pub fn all(&self) -> &[Params] {
        &self.0
    }
}
