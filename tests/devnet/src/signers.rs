//! Signers of the story: `mesh-signer`'s own code on threads, behind real sockets, with ledgers on disk.

use anyhow::{Context, Result};
use hex_conservative::DisplayHex;
use mesh_signer::{Home, Role};
use staking_clients::signer::SignerClient;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::thread::JoinHandle;

/// A signer at work; dropping it stops it.
pub(crate) struct Signer {
    home: Arc<Home>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
    /// The x-only public key.
    pub(crate) public_key: [u8; 32],
}

/// Makes a signer's folder with an imported key. `params` are pinned for a covenant signer.
pub(crate) fn prepare(dir: &Path, role: Role, secret: &[u8; 32], params: Option<&Path>) -> Result<()> {
    Home::init(dir, role)?;
    private(&dir.join("passphrase"), b"a demo guards nothing")?;
    let config = fs::read_to_string(dir.join("config.toml"))?;
    let passphrase = dir.join("passphrase");
    fs::write(
        dir.join("config.toml"),
        format!("passphrase_file = {:?}\n{config}", passphrase.display().to_string()),
    )?;
    let home = Home::open(dir)?;
    let key = dir.join("import.hex");
    private(&key, secret.to_lower_hex_string().as_bytes())?;
    home.import_key(&key)?;
    fs::remove_file(&key)?;
    if let Some(params) = params {
        home.add_params(0, params)?;
    }
    Ok(())
}

fn private(path: &PathBuf, content: &[u8]) -> Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(file.write_all(content)?)
}

impl Signer {
    /// Serves a prepared folder.
    pub(crate) fn start(dir: &Path) -> Result<Self> {
        let home = Arc::new(Home::open(dir)?);
        let info = home.key_info()?;
        let public_key = hex_conservative::FromHex::from_hex(&info.public_key).context("the signer's key")?;
        let stop = Arc::new(AtomicBool::new(false));
        let (ready, is_ready) = mpsc::channel();
        let (of_thread, told) = (Arc::clone(&home), Arc::clone(&stop));
        let thread = std::thread::Builder::new().name("signer".to_owned()).spawn(move || {
            of_thread.serve(&told, || {
                // Nobody listens any more when the start was given up.
                let _ = ready.send(());
            })
        })?;
        let mut signer = Self { home, stop, thread: Some(thread), public_key };
        if is_ready.recv().is_err() {
            // The thread ended before it was ready: its error is the reason.
            let ended = signer.thread.take().and_then(|t| t.join().ok());
            return Err(ended.and_then(Result::err).unwrap_or_else(|| anyhow::anyhow!("the signer ended")));
        }
        Ok(signer)
    }

    /// A client of its socket.
    pub(crate) fn client(&self) -> SignerClient {
        SignerClient::new(self.home.socket())
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        self.home.stop(&self.stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
