//! What the configuration means, and where things are in the signer's folder.

use crate::keystore::Role;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// `config.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    role: Role,
    socket: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
    #[serde(default)]
    allow_uid: Vec<u32>,
    #[serde(default = "default_jump")]
    max_jump: u64,
}

fn default_jump() -> u64 {
    50_000
}

/// The signer's settings.
#[derive(Debug)]
pub(crate) struct Settings {
    home: PathBuf,
    pub(crate) role: Role,
    pub(crate) socket: PathBuf,
    passphrase_file: Option<PathBuf>,
    /// Users who may ask, besides the one who runs the signer.
    pub(crate) allow_uid: Vec<u32>,
    /// Furthest a vote may lie above the watermark, heights.
    pub(crate) max_jump: u64,
}

impl Settings {
    pub(crate) fn load(home: &Path) -> Result<Self> {
        let path = home.join("config.toml");
        let text = fs::read_to_string(&path).with_context(|| {
            format!(
                "cannot read {}; make a signer with `mesh-signer init --role eots|covenant`",
                path.display()
            )
        })?;
        let config: Config = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        Ok(Self {
            home: home.to_owned(),
            role: config.role,
            socket: home.join(config.socket.unwrap_or_else(|| "signer.sock".into())),
            passphrase_file: config.passphrase_file.map(|file| home.join(file)),
            allow_uid: config.allow_uid,
            max_jump: config.max_jump,
        })
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.home.join(format!("{}.key", self.role.name()))
    }

    pub(crate) fn ledger_file(&self) -> PathBuf {
        self.home.join("ledger.redb")
    }

    pub(crate) fn lock_file(&self) -> PathBuf {
        self.home.join("lock")
    }

    pub(crate) fn params_dir(&self) -> PathBuf {
        self.home.join("params")
    }

    /// The passphrase: a file (`passphrase_file`, or `MESH_SIGNER_PASSPHRASE_FILE`, or systemd's credentials). Never a
    /// flag or a plain variable, which other users can read.
    pub(crate) fn passphrase(&self) -> Result<Zeroizing<Vec<u8>>> {
        let path = std::env::var_os("MESH_SIGNER_PASSPHRASE_FILE")
            .map(PathBuf::from)
            .or_else(|| self.passphrase_file.clone())
            .or_else(|| std::env::var_os("CREDENTIALS_DIRECTORY").map(|d| Path::new(&d).join("passphrase")))
            .context("no passphrase: set passphrase_file in config.toml or MESH_SIGNER_PASSPHRASE_FILE")?;
        let bytes = read_private(&path)?;
        let end = bytes.iter().rposition(|b| !b.is_ascii_whitespace()).map_or(0, |i| i + 1);
        if end == 0 {
            bail!("{} holds no passphrase", path.display());
        }
        Ok(Zeroizing::new(bytes[..end].to_vec()))
    }
}

/// Reads a file that holds a secret, refusing one that others may read. `-` is standard input.
pub(crate) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok(bytes);
    }
    let mut file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mode = file.metadata()?.mode();
    if mode & 0o077 != 0 {
        bail!("{} may be read by others (mode {:o}); run `chmod 600` on it", path.display(), mode & 0o777);
    }
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes the folder and its configuration.
pub(crate) fn init(home: &Path, role: Role) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(home)
        .with_context(|| format!("cannot make {}", home.display()))?;
    let text = format!(
        "# mesh-signer: one role a process; a signer never holds both kinds of key.\n\
         role = \"{}\"\n\
         # A file with mode 0600 that holds the passphrase of the key; relative to this folder.\n\
         # passphrase_file = \"passphrase\"\n\
         # Users (besides the one running this) who may ask for signatures.\n\
         allow_uid = []\n\
         # Heights above the watermark beyond which a vote is refused (eots).\n\
         max_jump = 50000\n",
        role.name()
    );
    crate::keystore::write_new(&home.join("config.toml"), text.as_bytes())?;
    Ok(())
}
