//! One round of work: fetch what is pending, have it signed, submit. Every step may be repeated safely.

use crate::refusals::Refusals;
use anyhow::{Context, Result};
use staking_api::signer::{Answer, Ask, Empty, Presign, Presigned};
use staking_api::staking::{CovenantSignatures, Delegation, Delegations, ExecuteMsg, QueryMsg};
use staking_api::{Binary, Key, Txid};
use staking_clients::ClientError;
use staking_clients::cosmos::{Writer, smart_query};
use staking_clients::signer::SignerClient;
use std::fmt;

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
    /// Delegations that the signer cannot judge yet (parameters not pinned), with its reason. They are asked again.
    pub waiting: Vec<(Txid, String)>,
}

/// Why a delegation is not signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSigned {
    /// It never will be: it breaks a rule.
    Refused(String),
    /// It cannot be yet.
    Waiting(String),
}

impl fmt::Display for NotSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reason) | Self::Waiting(reason) => f.write_str(reason),
        }
    }
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
                        Err(NotSigned::Refused(why)) => outcome.refused.push((delegation.txid, why)),
                        Err(NotSigned::Waiting(why)) => outcome.waiting.push((delegation.txid, why)),
                    }
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        for batch in ready.chunks(BATCH) {
            self.submit_all(key, batch, &mut outcome)?;
        }
        Ok(outcome)
    }

    /// Submits a batch; if the hub refuses it as a whole, one by one, so that no stake keeps the others waiting.
    fn submit_all(&self, key: Key, batch: &[CovenantSignatures], outcome: &mut Outcome) -> Result<()> {
        match self.submit(key, batch) {
            Ok(()) => outcome.signed.extend(batch.iter().map(|s| s.txid)),
            Err(e) if e.is_transient() => return Err(e.into()),
            Err(e) if batch.len() == 1 => {
                outcome.waiting.extend(batch.iter().map(|s| (s.txid, format!("the hub refused it: {e}"))));
            }
            Err(_) => {
                for one in batch.chunks(1) {
                    self.submit_all(key, one, outcome)?;
                }
            }
        }
        Ok(())
    }

    fn pending(&self, covenant_pk: Key, start_after: Option<Txid>) -> Result<Delegations> {
        let query = QueryMsg::PendingFor { covenant_pk, start_after, limit: Some(PAGE) };
        Ok(smart_query(self.hub.chain(), self.staking, &query)?)
    }

    /// The signatures of one delegation, or the signer's reason. A final reason is written down first.
    ///
    /// # Errors
    /// When the signer cannot be reached or its own state is at fault.
    pub fn presign(&self, delegation: &Delegation) -> Result<Result<CovenantSignatures, NotSigned>> {
        match self.signer.ask(Ask::Presign(presign_request(delegation)))? {
            Answer::Presigned(presigned) => Ok(Ok(message(delegation.txid, presigned))),
            Answer::Refused(refused) if refused.code == "POLICY" => {
                self.refusals.put(delegation.txid, &refused.reason)?;
                Ok(Err(NotSigned::Refused(refused.reason)))
            }
            // Pinning the version makes it sign: this stake waits, others go on.
            Answer::Refused(refused) if refused.code == "PARAMS_UNPINNED" => {
                Ok(Err(NotSigned::Waiting(refused.reason)))
            }
            Answer::Refused(refused) => anyhow::bail!("signer: {}: {}", refused.code, refused.reason),
            _ => Err(self.signer.unexpected().into()),
        }
    }

    fn submit(&self, covenant_pk: Key, items: &[CovenantSignatures]) -> Result<(), ClientError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use staking_api::staking::{MultisigStaker, Status};

    fn delegation() -> Delegation {
        Delegation {
            txid: Txid::from_bytes([1; 32]),
            status: Status::Pending,
            owner: "mesh1owner".to_owned(),
            staker_pk: Key::from_bytes([2; 32]),
            multisig: None,
            fp_pks: vec![Key::from_bytes([3; 32]), Key::from_bytes([4; 32])],
            staking_tx: Binary(vec![5]),
            staking_output_index: 0,
            value_sat: 50_000,
            staking_time: 300,
            unbonding_time: 20,
            params_version: 7,
            registered_btc_height: 9,
            unbonding_tx: Binary(vec![6]),
            slashing_tx: Binary(vec![7]),
            unbonding_slashing_tx: Binary(vec![8]),
            slashing_signature: Binary(vec![9; 64]),
            unbonding_slashing_signature: Binary(vec![10; 64]),
            covenant_signers: 0,
            covenant_quorum: 3,
            start_height: None,
            end_height: None,
            counted: false,
            spend: None,
            previous_txid: None,
            funding_output: None,
        }
    }

    #[test]
    fn a_request_takes_the_delegation_over_raw() {
        let request = presign_request(&delegation());
        let wanted = Presign {
            params_version: 7,
            staking_tx: vec![5],
            staking_time: 300,
            staking_value: 50_000,
            staker_keys: vec![vec![2; 32]],
            staker_quorum: 1,
            provider_keys: vec![vec![3; 32], vec![4; 32]],
            slashing_tx: vec![7],
            unbonding_tx: vec![6],
            unbonding_slashing_tx: vec![8],
            staker_slashing_sigs: vec![vec![9; 64]],
            staker_unbonding_slashing_sigs: vec![vec![10; 64]],
        };
        assert_eq!(request, wanted);
    }

    #[test]
    fn a_key_of_an_m_of_n_owner_that_did_not_sign_has_an_empty_slot() {
        let signed = staking_api::staking::StakerSignatures {
            staker_pk: Key::from_bytes([12; 32]),
            slashing: Binary(vec![1; 64]),
            unbonding_slashing: Binary(vec![2; 64]),
        };
        let multisig = MultisigStaker {
            other_pks: vec![Key::from_bytes([11; 32]), Key::from_bytes([12; 32])],
            quorum: 2,
            signatures: vec![signed],
        };
        let request = presign_request(&Delegation { multisig: Some(multisig), ..delegation() });
        assert_eq!(request.staker_quorum, 2);
        assert_eq!(request.staker_keys, [vec![2; 32], vec![11; 32], vec![12; 32]]);
        assert_eq!(request.staker_slashing_sigs, [vec![9; 64], vec![], vec![1; 64]]);
        assert_eq!(request.staker_unbonding_slashing_sigs, [vec![10; 64], vec![], vec![2; 64]]);
    }
}
