//! Holds one kind of key, re-checks every request, records before it signs.
//!
//! The program is `main.rs`; what it does is here, so that the suites run the same code. A signer has one role:
//! [`Role::Eots`] keeps a finality provider's key behind the anti-double-sign guard, [`Role::Covenant`] keeps a
//! covenant member's key behind the verdict of `covenant-committee`.

mod covenant;
mod eots;
mod keystore;
mod ledger;
mod server;
mod settings;

use anyhow::{Context, Result, bail};
use fs2::FileExt;
use settings::Settings;
use staking_crypto::SecretKey;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use zeroize::Zeroizing;

pub use keystore::Role;
pub use server::ask_status;

/// A signer's folder.
pub struct Home {
    settings: Settings,
}

/// What a key file says without its passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// The role the key was made for.
    pub role: Role,
    /// The x-only public key, hex.
    pub public_key: String,
}

impl Home {
    /// Makes a folder and its commented configuration.
    ///
    /// # Errors
    /// When the folder cannot be made or has a configuration already.
    pub fn init(path: &Path, role: Role) -> Result<()> {
        settings::init(path, role)
    }

    /// Reads a folder's configuration.
    ///
    /// # Errors
    /// When it is missing or not understood.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { settings: Settings::load(path)? })
    }

    /// Draws a new key.
    ///
    /// # Errors
    /// When there is a key already, or no passphrase, or the file cannot be written.
    pub fn new_key(&self) -> Result<KeyInfo> {
        let secret = keystore::random_secret()?;
        self.store(&secret)
    }

    /// Seals a key given as 64 hex digits in a private file (`-`: standard input).
    ///
    /// # Errors
    /// As [`Self::new_key`], and when the file holds no key.
    pub fn import_key(&self, file: &Path) -> Result<KeyInfo> {
        let text = settings::read_private(file)?;
        let hex = std::str::from_utf8(&text).context("the key file is not text")?.trim();
        let secret: [u8; 32] =
            hex_conservative::FromHex::from_hex(hex).context("64 hex digits are needed")?;
        self.store(&Zeroizing::new(secret))
    }

    /// Role and public key.
    ///
    /// # Errors
    /// When there is no key or the file is damaged.
    pub fn key_info(&self) -> Result<KeyInfo> {
        let (role, public_key) = keystore::describe(&self.settings.key_file())?;
        Ok(KeyInfo { role, public_key })
    }

    /// Where the socket is.
    pub fn socket(&self) -> &Path {
        &self.settings.socket
    }

    /// Pins a parameter version, after checking that it is valid.
    ///
    /// # Errors
    /// When the file is not a valid parameter record, or another one is pinned under this number.
    pub fn add_params(&self, version: u32, file: &Path) -> Result<()> {
        covenant::pin_params(&self.settings.params_dir(), version, file)
    }

    /// The pinned parameter versions.
    ///
    /// # Errors
    /// When a pinned file cannot be read.
    pub fn pinned(&self) -> Result<Vec<u32>> {
        Ok(covenant::load_params(&self.settings.params_dir())?.into_keys().collect())
    }

    /// Serves until `stop`; `ready` is called once requests are answered.
    ///
    /// # Errors
    /// When the folder is in use by another process, the key cannot be unlocked, or the ledger cannot be opened.
    pub fn serve(&self, stop: &Arc<AtomicBool>, ready: impl FnOnce()) -> Result<()> {
        let _lock = self.lock()?;
        let ledger = ledger::Ledger::open(&self.settings.ledger_file())?;
        let key = self.unlock()?;
        let server = server::Server::bind(&self.settings.socket, self.settings.allow_uid.clone())?;
        ready();
        match self.settings.role {
            Role::Eots => server.serve(&mut eots::Eots::new(key, ledger, self.settings.max_jump), stop),
            Role::Covenant => {
                let params = covenant::load_params(&self.settings.params_dir())?;
                server.serve(&mut covenant::Covenant::new(key, ledger, params), stop)
            }
        }
    }

    /// Ends [`Self::serve`] in another thread.
    pub fn stop(&self, stop: &AtomicBool) {
        stop.store(true, Ordering::Relaxed);
        server::Server::wake(&self.settings.socket);
    }

    fn store(&self, secret: &Zeroizing<[u8; 32]>) -> Result<KeyInfo> {
        let key = SecretKey::from_bytes(secret).context("not a valid secret key")?;
        let public = *key.x_only().as_bytes();
        let passphrase = self.settings.passphrase()?;
        keystore::store(&self.settings.key_file(), self.settings.role, &public, secret, &passphrase)?;
        self.key_info()
    }

    fn unlock(&self) -> Result<SecretKey> {
        let path = self.settings.key_file();
        if !path.exists() {
            bail!("there is no key in {}; make one with `mesh-signer keys new`", path.display());
        }
        let (public, secret) = keystore::load(&path, self.settings.role, &self.settings.passphrase()?)?;
        let key = SecretKey::from_bytes(&secret).context("the sealed key is not valid")?;
        if *key.x_only().as_bytes() != public {
            bail!("{} holds another key than its header says; nothing was signed", path.display());
        }
        Ok(key)
    }

    fn lock(&self) -> Result<File> {
        let path: PathBuf = self.settings.lock_file();
        let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        FileExt::try_lock_exclusive(&file).with_context(|| {
            format!(
                "another signer runs in this folder ({} is locked); two would risk a double sign",
                path.display()
            )
        })?;
        Ok(file)
    }
}
