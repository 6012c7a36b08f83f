//! Files that hold a secret: read only where nobody else may read them.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Why a secret was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateFileError {
    /// The file cannot be read.
    #[error("cannot read {path}: {error}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// Others than the owner may read the file.
    #[error("{path} may be read by others (mode {mode:o}); run `chmod 600` on it", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// Reads a file that holds a secret as text.
///
/// # Errors
/// [`PrivateFileError`]: it cannot be read, is no UTF-8, or group or others have a permission on it.
pub fn read_private(path: &Path) -> Result<Zeroizing<String>, PrivateFileError> {
    let unreadable = |error| PrivateFileError::Unreadable { path: path.to_owned(), error };
    // Mode and content are those of one open file, whatever happens to its name meanwhile.
    let mut file = fs::File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(PrivateFileError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = dir.path().join("secret");
        fs::write(&file, "words").expect("a file");
        for (mode, open) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("permissions");
            match read_private(&file) {
                Ok(text) => assert!(open && *text == "words", "{mode:o}"),
                Err(PrivateFileError::Exposed { mode: found, .. }) => assert!(!open && found == mode),
                Err(other) => panic!("{other}"),
            }
        }
        assert!(matches!(read_private(&dir.path().join("none")), Err(PrivateFileError::Unreadable { .. })));
    }
}
