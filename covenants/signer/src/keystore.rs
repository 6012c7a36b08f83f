//! Keys at rest: one file a key, encrypted under a passphrase, its public half readable and authenticated.
//!
//! Argon2id stretches the passphrase, ChaCha20-Poly1305 encrypts the secret and authenticates role and public key,
//! so a swapped or damaged file is refused before anything is signed. Files are written whole (temporary file,
//! fsync, rename, fsync of the folder) and are readable by their owner only.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hex_conservative::{DisplayHex, FromHex};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Argon2id: 19 MiB, 2 passes, 1 lane (the OWASP minimum for interactive use).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// What a key signs. A process serves one role; the role is authenticated with the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Finality votes with one-time nonces.
    Eots,
    /// Pre-signatures of a covenant member.
    Covenant,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Eots => "eots",
            Self::Covenant => "covenant",
        }
    }
}

/// Why a key could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum KeystoreError {
    #[error("cannot {what} {path}: {source}")]
    File { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{0} is not a key file of this program")]
    Format(PathBuf),
    #[error("{path} holds a key of role {found}; this signer has role {wanted}")]
    Role { path: PathBuf, found: &'static str, wanted: &'static str },
    #[error(
        "wrong passphrase for {0}, or the file was damaged; nothing was signed, other keys are unaffected"
    )]
    Decrypt(PathBuf),
    #[error("there is a key at {0} already; it was not touched")]
    Exists(PathBuf),
    #[error("no randomness from the system: {0}")]
    Randomness(String),
    #[error("the key-stretching parameters are refused: {0}")]
    Stretch(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    version: u32,
    role: Role,
    public_key: String,
    salt: String,
    memory_kib: u32,
    passes: u32,
    nonce: String,
    sealed: String,
}

impl KeyFile {
    fn bound(role: Role, public_key: &str) -> Vec<u8> {
        format!("mesh-signer/1/{}/{public_key}", role.name()).into_bytes()
    }
}

/// Draws 32 bytes from the system.
pub(crate) fn random_secret() -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
    let mut secret = Zeroizing::new([0; 32]);
    getrandom::fill(secret.as_mut_slice()).map_err(|e| KeystoreError::Randomness(e.to_string()))?;
    Ok(secret)
}

/// Encrypts `secret` into a new file at `path`.
pub(crate) fn store(
    path: &Path,
    role: Role,
    public_key: &[u8; 32],
    secret: &[u8; 32],
    passphrase: &[u8],
) -> Result<(), KeystoreError> {
    let mut salt = [0; 16];
    let mut nonce = [0; 12];
    for buffer in [salt.as_mut_slice(), nonce.as_mut_slice()] {
        getrandom::fill(buffer).map_err(|e| KeystoreError::Randomness(e.to_string()))?;
    }
    let public_key = public_key.to_lower_hex_string();
    let key = stretch(passphrase, &salt, MEMORY_KIB, PASSES)?;
    let payload = Payload { msg: secret, aad: &KeyFile::bound(role, &public_key) };
    let sealed = ChaCha20Poly1305::new(&Key::from(*key))
        .encrypt(&Nonce::from(nonce), payload)
        .map_err(|_| KeystoreError::Decrypt(path.to_owned()))?;
    let file = KeyFile {
        version: 1,
        role,
        public_key,
        salt: salt.to_lower_hex_string(),
        memory_kib: MEMORY_KIB,
        passes: PASSES,
        nonce: nonce.to_lower_hex_string(),
        sealed: sealed.to_lower_hex_string(),
    };
    let text = serde_json::to_string_pretty(&file).map_err(|_| KeystoreError::Format(path.to_owned()))?;
    write_new(path, text.as_bytes())
}

/// Decrypts the key at `path`; the caller checks that it belongs to the public key returned with it.
pub(crate) fn load(
    path: &Path,
    role: Role,
    passphrase: &[u8],
) -> Result<([u8; 32], Zeroizing<[u8; 32]>), KeystoreError> {
    let file = read(path)?;
    if file.role != role {
        return Err(KeystoreError::Role {
            path: path.to_owned(),
            found: file.role.name(),
            wanted: role.name(),
        });
    }
    let format = |_| KeystoreError::Format(path.to_owned());
    let salt = <[u8; 16]>::from_hex(&file.salt).map_err(format)?;
    let nonce = <[u8; 12]>::from_hex(&file.nonce).map_err(format)?;
    let public_key = <[u8; 32]>::from_hex(&file.public_key).map_err(format)?;
    let sealed = Vec::from_hex(&file.sealed).map_err(|_| KeystoreError::Format(path.to_owned()))?;
    let key = stretch(passphrase, &salt, file.memory_kib, file.passes)?;
    let payload = Payload { msg: &sealed, aad: &KeyFile::bound(role, &file.public_key) };
    let opened = ChaCha20Poly1305::new(&Key::from(*key))
        .decrypt(&Nonce::from(nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| KeystoreError::Decrypt(path.to_owned()))?;
    let secret =
        <[u8; 32]>::try_from(opened.as_slice()).map_err(|_| KeystoreError::Format(path.to_owned()))?;
    Ok((public_key, Zeroizing::new(secret)))
}

/// Role and public key (hex) of the file at `path`, as its clear header says.
pub(crate) fn describe(path: &Path) -> Result<(Role, String), KeystoreError> {
    read(path).map(|file| (file.role, file.public_key))
}

fn read(path: &Path) -> Result<KeyFile, KeystoreError> {
    let text = fs::read_to_string(path).map_err(|source| KeystoreError::File {
        what: "read",
        path: path.to_owned(),
        source,
    })?;
    match serde_json::from_str::<KeyFile>(&text) {
        Ok(file) if file.version == 1 => Ok(file),
        _ => Err(KeystoreError::Format(path.to_owned())),
    }
}

fn stretch(
    passphrase: &[u8],
    salt: &[u8],
    memory_kib: u32,
    passes: u32,
) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
    let wrong = |e: argon2::Error| KeystoreError::Stretch(e.to_string());
    // A file can ask for at most 1 GiB and 64 passes: a hostile one must not exhaust the machine.
    let params = Params::new(memory_kib.min(1 << 20), passes.min(64), 1, Some(32)).map_err(wrong)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase, salt, key.as_mut_slice())
        .map_err(wrong)?;
    Ok(key)
}

/// Creates `path` with `content`, durable before it returns, refusing to replace anything.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> Result<(), KeystoreError> {
    let wrong = |what| move |source| KeystoreError::File { what, path: path.to_owned(), source };
    if path.exists() {
        return Err(KeystoreError::Exists(path.to_owned()));
    }
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(wrong("create"))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(wrong("write"))?;
    fs::rename(&temporary, path).map_err(wrong("put in place"))?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|f| f.sync_all()).map_err(wrong("sync the folder of"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_key_comes_back_only_with_its_passphrase_and_role() {
        let dir = folder();
        let path = dir.path().join("a.key");
        store(&path, Role::Eots, &[7; 32], &[9; 32], b"correct").unwrap();
        let (public, secret) = load(&path, Role::Eots, b"correct").unwrap();
        assert_eq!((public, *secret), ([7; 32], [9; 32]));
        assert!(matches!(load(&path, Role::Eots, b"wrong"), Err(KeystoreError::Decrypt(_))));
        assert!(matches!(load(&path, Role::Covenant, b"correct"), Err(KeystoreError::Role { .. })));
    }

    /// Reliability B10: a flipped bit or a swapped header is refused.
    #[test]
    fn every_damaged_field_is_refused() {
        let dir = folder();
        let path = dir.path().join("a.key");
        store(&path, Role::Covenant, &[7; 32], &[9; 32], b"p").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let damaged = dir.path().join("b.key");
        for (from, to) in [("\"sealed\": \"", "\"sealed\": \"00"), (&"07".repeat(32), &"08".repeat(32))] {
            fs::write(&damaged, text.replacen(from, to, 1)).unwrap();
            assert!(load(&damaged, Role::Covenant, b"p").is_err());
        }
        fs::write(&damaged, &text[..text.len() / 2]).unwrap();
        assert!(matches!(load(&damaged, Role::Covenant, b"p"), Err(KeystoreError::Format(_))));
    }

    #[test]
    fn a_key_is_never_overwritten() {
        let dir = folder();
        let path = dir.path().join("a.key");
        store(&path, Role::Eots, &[7; 32], &[9; 32], b"p").unwrap();
        assert!(matches!(store(&path, Role::Eots, &[1; 32], &[2; 32], b"p"), Err(KeystoreError::Exists(_))));
    }
}
