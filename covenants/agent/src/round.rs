//! One round of work: fetch what is pending, have it signed, submit. Every step may be repeated safely.

use crate::refusals::Refusals;
use anyhow::{Context, Result};
use staking_api::signer::{Answer, Ask, Empty, Presign, Presigned};
use staking_api::staking::{CovenantSignatures, Delegation, Delegations, ExecuteMsg, QueryMsg};
use staking_api::{Binary, Key, Txid};
use staking_clients::cosmos::{Writer, smart_query};
use staking_clients::signer::SignerClient;

/// Most delegations submitted in one message; the contract takes no more.
const BATCH: usize = 50;
/// Delegations fetched at once.
const PAGE: u32 = 30;

/// What a round did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Delegations whose signatures were submitted.
    pub signed: Vec<Txid>,
    /// Delegations refused in this round, with the reason.
    pub refused: Vec<(Txid, String)>,
    /// Delegations left alone because they were refused before.
    pub parked: usize,
}

/// A member at work.
pub struct Member<'a> {
    /// The hub, and the account that pays for gas.
    pub hub: &'a Writer<'a>,
    /// Address of `btc-staking`.
    pub staking: &'a str,
    /// The signer with the covenant key.
    pub signer: &'a SignerClient,
    /// Where refusals are kept.
    pub refusals: &'a Refusals,
}

impl Member<'_> {
    /// The signer's covenant key.
    ///
    /// # Errors
    /// When the signer does not answer or has another role.
    pub fn public_key(&self) -> Result<Key> {
        match self.signer.ask(Ask::Status(Empty {}))? {
            Answer::Status(status) if status.role == "covenant" => {
                let key = <[u8; 32]>::try_from(status.public_key.as_slice()).context("the signer's key")?;
                Ok(Key::from_bytes(key))
            }
            Answer::Status(status) => {
                anyhow::bail!(
                    "{} has role {}, a covenant signer is needed",
                    self.signer.endpoint(),
                    status.role
                )
            }
            _ => Err(self.signer.unexpected().into()),
        }
    }

    /// Signs and submits everything that is pending now.
    ///
    /// # Errors
    /// When hub or signer cannot be reached; what was submitted before stays submitted.
    pub fn round(&self) -> Result<Outcome> {
        let key = self.public_key()?;
        let mut outcome = Outcome::default();
        let mut ready = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.pending(key, cursor)?;
            for delegation in &page.delegations {
                if self.refusals.get(delegation.txid)?.is_some() {
                    outcome.parked += 1;
                } else {
                    match self.presign(delegation)? {
                        Ok(signatures) => ready.push(signatures),
                        Err(reason) => outcome.refused.push((delegation.txid, reason)),
                    }
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        for batch in ready.chunks(BATCH) {
            self.submit(key, batch)?;
            outcome.signed.extend(batch.iter().map(|s| s.txid));
        }
        Ok(outcome)
    }

    fn pending(&self, covenant_pk: Key, start_after: Option<Txid>) -> Result<Delegations> {
        let query = QueryMsg::PendingFor { covenant_pk, start_after, limit: Some(PAGE) };
        Ok(smart_query(self.hub.chain(), self.staking, &query)?)
    }

    /// The signatures of one delegation, or the signer's reason, which is written down first.
    ///
    /// # Errors
    /// When the signer cannot be reached.
    pub fn presign(&self, delegation: &Delegation) -> Result<Result<CovenantSignatures, String>> {
        match self.signer.ask(Ask::Presign(presign_request(delegation)))? {
            Answer::Presigned(presigned) => Ok(Ok(message(delegation.txid, presigned))),
            Answer::Refused(refused) if refused.code == "POLICY" => {
                self.refusals.put(delegation.txid, &refused.reason)?;
                Ok(Err(refused.reason))
            }
            Answer::Refused(refused) => anyhow::bail!("signer: {}: {}", refused.code, refused.reason),
            _ => Err(self.signer.unexpected().into()),
        }
    }

    fn submit(&self, covenant_pk: Key, items: &[CovenantSignatures]) -> Result<()> {
        let msg = ExecuteMsg::AddCovenantSignatures { covenant_pk, items: items.to_vec() };
        self.hub.execute(self.staking, &msg, &[])?;
        Ok(())
    }
}

/// What the signer needs of a delegation, taken over raw: it checks all of it.
pub fn presign_request(delegation: &Delegation) -> Presign {
    let mut staker_keys = vec![delegation.staker_pk.to_bytes().to_vec()];
    let mut slashing = vec![delegation.slashing_signature.0.clone()];
    let mut unbonding_slashing = vec![delegation.unbonding_slashing_signature.0.clone()];
    let mut staker_quorum = 1;
    if let Some(multisig) = &delegation.multisig {
        staker_quorum = multisig.quorum;
        for key in &multisig.other_pks {
            staker_keys.push(key.to_bytes().to_vec());
            let given = multisig.signatures.iter().find(|s| s.staker_pk == *key);
            // An empty slot: this key did not sign, which M-of-N allows.
            slashing.push(given.map(|s| s.slashing.0.clone()).unwrap_or_default());
            unbonding_slashing.push(given.map(|s| s.unbonding_slashing.0.clone()).unwrap_or_default());
        }
    }
    Presign {
        params_version: delegation.params_version,
        staking_tx: delegation.staking_tx.0.clone(),
        staking_time: u32::from(delegation.staking_time),
        staking_value: delegation.value_sat,
        staker_keys,
        staker_quorum,
        provider_keys: delegation.fp_pks.iter().map(|k| k.to_bytes().to_vec()).collect(),
        slashing_tx: delegation.slashing_tx.0.clone(),
        unbonding_tx: delegation.unbonding_tx.0.clone(),
        unbonding_slashing_tx: delegation.unbonding_slashing_tx.0.clone(),
        staker_slashing_sigs: slashing,
        staker_unbonding_slashing_sigs: unbonding_slashing,
    }
}

fn message(txid: Txid, presigned: Presigned) -> CovenantSignatures {
    CovenantSignatures {
        txid,
        slashing: presigned.slashing.into_iter().map(Binary).collect(),
        unbonding: Binary(presigned.unbonding),
        unbonding_slashing: presigned.unbonding_slashing.into_iter().map(Binary).collect(),
        expansion: None,
    }
}
