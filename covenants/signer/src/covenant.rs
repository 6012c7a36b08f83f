//! The covenant role: check the request against pinned parameters, record the unbonding claim, sign.

use crate::ledger::Ledger;
use crate::server::{Handler, refused};
use anyhow::{Context, Result, bail};
use covenant_committee::presign::presign;
use covenant_committee::{Facts, Request, decide};
use staking_api::signer::{Answer, Ask, Presign, Presigned, Refused, Status};
use staking_crypto::SecretKey;
use staking_protocol::delegation::CovenantSignatures;
use staking_protocol::keys::CovenantKey;
use staking_protocol::params::Params;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A covenant member's key, ledger and parameters.
pub(crate) struct Covenant {
    key: SecretKey,
    ledger: Ledger,
    params: BTreeMap<u32, Params>,
    refused: u64,
}

impl Covenant {
    pub(crate) fn new(key: SecretKey, ledger: Ledger, params: BTreeMap<u32, Params>) -> Self {
        Self { key, ledger, params, refused: 0 }
    }

    fn presign(&self, raw: Presign) -> Result<Presigned, Refused> {
        let request = Request::try_from(raw).map_err(|e| refused("POLICY", e))?;
        let version = request.params_version;
        let params = self.params.get(&version).ok_or_else(|| {
            refused(
                "PARAMS_UNPINNED",
                format!("version {version}; pin it with `mesh-signer policy add-params`"),
            )
        })?;
        let member =
            CovenantKey::from_bytes(self.key.x_only().as_bytes()).map_err(|e| refused("STATE", e))?;
        let approved = decide(params, &request, Facts { member: &member, slashed: &[] })
            .map_err(|e| refused("POLICY", e))?;
        let (outpoint, unbonding) = approved.unbonding_claim();
        let other = self.ledger.claim_unbonding(&outpoint.to_bytes(), &unbonding.0);
        if let Some(other) = other.map_err(|e| refused("STATE", e))? {
            let first = staking_protocol::tx::Txid(other);
            return Err(refused(
                "POLICY",
                format!("first-unbonding: {first} was signed for {outpoint} before"),
            ));
        }
        let aux = crate::keystore::random_secret().map_err(|e| refused("STATE", e))?;
        presign(&self.key, &approved, &aux).map(wire).map_err(|e| refused("POLICY", e))
    }

    fn status(&self) -> Answer {
        match self.ledger.signed() {
            Ok(signed) => Answer::Status(Status {
                role: "covenant".to_owned(),
                public_key: self.key.x_only().as_bytes().to_vec(),
                signed,
                refused: self.refused,
            }),
            Err(e) => Answer::Refused(refused("STATE", e)),
        }
    }
}

impl Handler for Covenant {
    fn handle(&mut self, ask: Ask) -> Answer {
        match ask {
            Ask::Status(_) => self.status(),
            Ask::Presign(raw) => match self.presign(raw) {
                Ok(presigned) => Answer::Presigned(presigned),
                Err(refusal) => {
                    self.refused = self.refused.saturating_add(1);
                    tracing::warn!(code = %refusal.code, reason = %refusal.reason, "refused");
                    Answer::Refused(refusal)
                }
            },
            _ => Answer::Refused(refused("BAD_REQUEST", "this signer has the covenant role")),
        }
    }
}

fn wire(signatures: CovenantSignatures) -> Presigned {
    Presigned {
        slashing: signatures.slashing.iter().map(|s| s.to_bytes().to_vec()).collect(),
        unbonding: signatures.unbonding.to_bytes().to_vec(),
        unbonding_slashing: signatures.unbonding_slashing.iter().map(|s| s.to_bytes().to_vec()).collect(),
    }
}

/// Pins a parameter version: checked, then written once. The same record again is no error.
pub(crate) fn pin_params(dir: &Path, version: u32, file: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let params = parse_params(&text).with_context(|| format!("in {}", file.display()))?;
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let path = dir.join(format!("{version}.json"));
    if path.exists() {
        if parse_params(&fs::read_to_string(&path)?)? == params {
            return Ok(());
        }
        bail!(
            "version {version} is pinned with other content in {}; a version never changes",
            path.display()
        );
    }
    crate::keystore::write_new(&path, text.as_bytes())?;
    Ok(())
}

/// All pinned versions.
pub(crate) fn load_params(dir: &Path) -> Result<BTreeMap<u32, Params>> {
    let mut versions = BTreeMap::new();
    if !dir.exists() {
        return Ok(versions);
    }
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.extension().is_none_or(|e| e != "json") {
            continue;
        }
        let number = path.file_stem().and_then(|s| s.to_str()).and_then(|s| s.parse().ok());
        let number = number.with_context(|| format!("{} is not named VERSION.json", path.display()))?;
        let text = fs::read_to_string(&path)?;
        versions.insert(number, parse_params(&text).with_context(|| format!("in {}", path.display()))?);
    }
    Ok(versions)
}

fn parse_params(text: &str) -> Result<Params> {
    let params: staking_api::staking::Params = serde_json::from_str(text)?;
    Ok(Params::try_from(&params)?)
}
