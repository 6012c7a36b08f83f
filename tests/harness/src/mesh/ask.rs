//! What can be read from a mesh.

use super::{Mesh, MeshError, Result, VaultKind, account};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use staking_api::mesh as api;

/// What a chain's power consists of, in its own staking tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// Staked natively, local stake of its own vault included.
    pub native: u128,
    /// Virtual stake by pairing.
    pub virtual_stake: Vec<(usize, u128)>,
    /// What an attacker has to bond beside all that for a third of the power: half of it.
    pub third: u128,
    /// For two thirds: twice it.
    pub two_thirds: u128,
}

impl Security {
    /// All power.
    pub fn total(&self) -> u128 {
        self.virtual_stake.iter().fold(self.native, |sum, (_, x)| sum.saturating_add(*x))
    }
}

impl Mesh {
    /// Operator address of a chain's `n`-th validator.
    ///
    /// # Errors
    /// [`MeshError::Missing`].
    pub fn validator(&self, chain: usize, n: usize) -> Result<String> {
        let all = self.member(chain)?.chain.validators()?;
        all.get(n).map(|v| v.operator.clone()).ok_or(MeshError::Missing("validator", n))
    }

    /// Tokens of a chain's `n`-th validator.
    ///
    /// # Errors
    /// [`MeshError::Missing`].
    pub fn tokens(&self, chain: usize, n: usize) -> Result<u128> {
        let all = self.member(chain)?.chain.validators()?;
        all.get(n).map(|v| v.tokens).ok_or(MeshError::Missing("validator", n))
    }

    /// Asks a contract.
    ///
    /// # Errors
    /// When it refuses or answers something else.
    pub fn ask<R: DeserializeOwned>(&self, chain: usize, contract: &str, msg: &Value) -> Result<R> {
        Ok(self.member(chain)?.chain.query(contract, msg)?)
    }

    /// A user's account at a vault.
    ///
    /// # Errors
    /// When the vault's state is damaged.
    pub fn account_of(&self, vault: usize, user: &str) -> Result<api::vault::AccountDetailsResponse> {
        let v = self.vault(vault)?;
        let user = account(user, self.member(v.home)?.chain.prefix())?;
        self.ask(v.home, &v.address, &json!({ "account_details": { "account": user } }))
    }

    fn claim(&self, vault: usize, user: &str, holder: &str) -> Result<api::Range> {
        let v = self.vault(vault)?;
        let user = account(user, self.member(v.home)?.chain.prefix())?;
        let ask = json!({ "claim": { "account": user, "lienholder": holder } });
        match self.ask::<api::vault::ClaimResponse>(v.home, &v.address, &ask) {
            Ok(claim) => Ok(claim.amount),
            // A lien of nothing is not kept.
            Err(MeshError::Chain(crate::chain::ChainError::Refused(_))) => Ok(api::Range::default()),
            Err(e) => Err(e),
        }
    }

    /// A pairing's lien on a user.
    ///
    /// # Errors
    /// When the vault's state is damaged.
    pub fn lien(&self, pairing: usize, user: &str) -> Result<api::Range> {
        let p = self.pairing(pairing)?;
        self.claim(p.vault, user, &p.external)
    }

    /// The lien of a native vault's local staking on a user.
    ///
    /// # Errors
    /// When the vault keeps something else.
    pub fn local_lien(&self, vault: usize, user: &str) -> Result<api::Range> {
        match &self.vault(vault)?.kind {
            VaultKind::Native { local_staking } => self.claim(vault, user, local_staking),
            _ => Err(MeshError::Missing("native vault", vault)),
        }
    }

    /// A user's stake with the consumer's `n`-th validator.
    ///
    /// # Errors
    /// When the contract's state is damaged.
    pub fn stake_of(&self, pairing: usize, user: &str, n: usize) -> Result<api::external::StakeInfo> {
        let p = self.pairing(pairing)?;
        let home = self.vault(p.vault)?.home;
        let user = account(user, self.member(home)?.chain.prefix())?;
        let validator = self.validator(p.consumer, n)?;
        self.ask(home, &p.external, &json!({ "stake": { "user": user, "validator": validator } }))
    }

    /// What the converter holds for the consumer's `n`-th validator.
    ///
    /// # Errors
    /// When the contract's state is damaged.
    pub fn foreign(&self, pairing: usize, n: usize) -> Result<api::converter::ForeignStake> {
        let p = self.pairing(pairing)?;
        let validator = self.validator(p.consumer, n)?;
        self.ask(p.consumer, &p.converter, &json!({ "foreign_stake": { "validator": validator } }))
    }

    /// Where a pairing's virtual-staking stands.
    ///
    /// # Errors
    /// When the contract's state is damaged.
    pub fn status(&self, pairing: usize) -> Result<api::virtual_staking::StatusResponse> {
        let p = self.pairing(pairing)?;
        self.ask(p.consumer, &p.virtual_staking, &json!({ "status": {} }))
    }

    /// What a chain's power consists of: its validators' tokens, less what virtual-staking contracts delegate.
    ///
    /// # Errors
    /// When a contract's state is damaged.
    pub fn security(&self, chain: usize) -> Result<Security> {
        let all = self.member(chain)?.chain.validators()?;
        let mut out = Security { native: all.iter().map(|v| v.tokens).sum(), ..Security::default() };
        let total = out.native;
        for (i, _) in self.pairings.iter().enumerate().filter(|(_, p)| p.consumer == chain) {
            let bonded = self.status(i)?.bonded.0;
            out.native = out.native.saturating_sub(bonded);
            out.virtual_stake.push((i, bonded));
        }
        out.third = total.div_ceil(2);
        out.two_thirds = total.saturating_mul(2);
        Ok(out)
    }
}
