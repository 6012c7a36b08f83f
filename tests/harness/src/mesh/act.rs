//! What people of a mesh do, and what happens to them.

use super::{Member, Mesh, MeshError, Result, Vault, VaultKind, account};
use crate::chain::{Delivered, TxResult};
use crate::ibc::{Outcome, Stage, Step};
use cosmwasm_std::{Coin, to_json_binary};
use serde_json::{Value, json};
use std::time::Duration;

/// Rounds of the relay before something must be wrong.
const ROUNDS: u32 = 20_000;
/// Rounds of settling before something must be wrong.
const SETTLE: u32 = 4;

fn coin(amount: u128, denom: &str) -> Value {
    json!({ "denom": denom, "amount": amount.to_string() })
}

impl Mesh {
    /// Relays until nothing is left.
    ///
    /// # Errors
    /// [`MeshError::Stuck`] with what a chain keeps refusing.
    pub fn run(&mut self) -> Result<Vec<Step>> {
        let report = self.relay.run(ROUNDS)?;
        match report.stuck.first() {
            None => Ok(report.steps),
            Some((pending, why)) => {
                let text = format!("{} → {}: {why}", pending.source, pending.destination);
                Err(MeshError::Stuck(text))
            }
        }
    }

    /// Withholds every packet under way and tells senders so, again and again until they give up; then relays the rest.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn refuse_all(&mut self) -> Result<()> {
        for _ in 0..5 {
            for p in self.relay.pending()?.into_iter().filter(|p| p.stage == Stage::Receive) {
                self.relay.time_out(&p)?;
            }
        }
        self.run().map(drop)
    }

    /// How many packets of a run changed their destination.
    pub fn delivered(steps: &[Step]) -> usize {
        steps.iter().filter(|s| s.outcome == Outcome::Delivered(Delivered::Done)).count()
    }

    fn home(&self, vault: usize) -> Result<(&Vault, &Member)> {
        let v = self.vault(vault)?;
        Ok((v, self.member(v.home)?))
    }

    /// A call of a named account on a vault's chain.
    ///
    /// # Errors
    /// When the contract refuses.
    pub fn call(&self, home: usize, user: &str, to: &str, msg: &Value, coins: u128) -> Result<TxResult> {
        let chain = &self.member(home)?.chain;
        let funds: Vec<Coin> = (coins > 0).then(|| Coin::new(coins, chain.denom())).into_iter().collect();
        Ok(chain.execute(&account(user, chain.prefix())?, to, msg, &funds)?)
    }

    /// A call of a chain's governance.
    ///
    /// # Errors
    /// When the contract refuses.
    pub fn govern(&self, chain: usize, to: &str, msg: &Value) -> Result<TxResult> {
        let at = self.member(chain)?;
        Ok(at.chain.execute(&at.gov, to, msg, &[])?)
    }

    /// Adds the chain's own tokens to its vault.
    ///
    /// # Errors
    /// When the vault refuses.
    pub fn bond(&self, vault: usize, user: &str, amount: u128) -> Result<TxResult> {
        let v = self.vault(vault)?;
        let msg = json!({ "bond": { "amount": coin(amount, &v.denom) } });
        self.call(v.home, user, &v.address, &msg, amount)
    }

    /// Takes free collateral out.
    ///
    /// # Errors
    /// When the vault refuses.
    pub fn unbond(&self, vault: usize, user: &str, amount: u128) -> Result<TxResult> {
        let v = self.vault(vault)?;
        let msg = json!({ "unbond": { "amount": coin(amount, &v.denom) } });
        self.call(v.home, user, &v.address, &msg, 0)
    }

    /// Stakes on the vault's own chain with its `n`-th validator.
    ///
    /// # Errors
    /// When the vault refuses.
    pub fn stake_local(&self, vault: usize, user: &str, n: usize, amount: u128) -> Result<TxResult> {
        let v = self.vault(vault)?;
        let stake = to_json_binary(&json!({ "validator": self.validator(v.home, n)? }))?;
        let msg = json!({ "stake_local": { "amount": coin(amount, &v.denom), "msg": stake } });
        self.call(v.home, user, &v.address, &msg, 0)
    }

    /// btc-staking reports a delegation at a slash rate of 10 %, with a provider per consumer named.
    ///
    /// # Errors
    /// When the vault refuses, or keeps something else.
    pub fn delegate_btc(
        &self,
        vault: usize,
        user: &str,
        txid: &str,
        sat: u64,
        fps: &[(&str, &str)],
    ) -> Result<TxResult> {
        let fps: Vec<Value> = fps.iter().map(|(c, f)| json!({ "consumer": c, "fp_pk": f })).collect();
        let user = account(user, self.home(vault)?.1.chain.prefix())?;
        self.staking_reports(
            vault,
            &json!({ "delegation_active": { "user": user, "txid": txid, "sat": sat, "slash_rate": "0.1", "fps": fps,
                "start_height": 100, "end_height": 60_000, "unbonding_blocks": 1008 } }),
        )
    }

    /// btc-staking reports something.
    ///
    /// # Errors
    /// When the vault refuses, or keeps something else.
    pub fn staking_reports(&self, vault: usize, msg: &Value) -> Result<TxResult> {
        let (v, at) = self.home(vault)?;
        let VaultKind::Bitcoin { staking, .. } = &v.kind else {
            return Err(MeshError::Missing("bitcoin vault", vault));
        };
        Ok(at.chain.execute(staking, &v.address, msg, &[])?)
    }

    /// btc-finality reports that a provider signed twice.
    ///
    /// # Errors
    /// When the vault refuses, or keeps something else.
    pub fn provider_faults(&self, vault: usize, fp: &str, consumer: &str) -> Result<TxResult> {
        let (v, at) = self.home(vault)?;
        let VaultKind::Bitcoin { finality, .. } = &v.kind else {
            return Err(MeshError::Missing("bitcoin vault", vault));
        };
        let msg = json!({ "fp_slashed": { "fp_pk": fp, "consumer": consumer, "height": 7 } });
        Ok(at.chain.execute(finality, &v.address, &msg, &[])?)
    }

    /// Two attesters say the same.
    ///
    /// # Errors
    /// When the vault refuses, or keeps something else.
    pub fn attest(&self, vault: usize, msg: &Value) -> Result<()> {
        let (v, at) = self.home(vault)?;
        let VaultKind::Attested { attesters } = &v.kind else {
            return Err(MeshError::Missing("attested vault", vault));
        };
        for who in attesters.iter().take(2) {
            at.chain.execute(who, &v.address, msg, &[])?;
        }
        Ok(())
    }

    /// Cross-stakes with the consumer's `n`-th validator.
    ///
    /// # Errors
    /// When the vault refuses.
    pub fn stake(&self, pairing: usize, user: &str, n: usize, amount: u128) -> Result<TxResult> {
        let p = self.pairing(pairing)?;
        let v = self.vault(p.vault)?;
        let stake = to_json_binary(&json!({ "validator": self.validator(p.consumer, n)? }))?;
        let msg = json!({ "stake_remote": { "contract": p.external, "amount": coin(amount, &v.denom), "msg": stake } });
        self.call(v.home, user, &v.address, &msg, 0)
    }

    /// Takes stake back from the consumer's `n`-th validator.
    ///
    /// # Errors
    /// When external-staking refuses.
    pub fn unstake(&self, pairing: usize, user: &str, n: usize, amount: u128) -> Result<TxResult> {
        let p = self.pairing(pairing)?;
        let v = self.vault(p.vault)?;
        let msg = json!({ "unstake": { "validator": self.validator(p.consumer, n)?, "amount": coin(amount, &v.denom) } });
        self.call(v.home, user, &p.external, &msg, 0)
    }

    /// Frees what has matured.
    ///
    /// # Errors
    /// When external-staking refuses.
    pub fn withdraw_unbonded(&self, pairing: usize, user: &str) -> Result<TxResult> {
        let p = self.pairing(pairing)?;
        let home = self.vault(p.vault)?.home;
        self.call(home, user, &p.external, &json!({ "withdraw_unbonded": {} }), 0)
    }

    /// Lets a minute pass and has every pairing into a chain go through an epoch.
    ///
    /// # Errors
    /// When an epoch fails.
    pub fn epoch(&self, consumer: usize) -> Result<()> {
        self.clock.advance(Duration::from_secs(61));
        for p in self.pairings.iter().filter(|p| p.consumer == consumer && p.treasury) {
            self.govern(consumer, &p.virtual_staking, &json!({ "handle_epoch": {} }))?;
        }
        let at = self.member(consumer)?;
        for _ in 0..at.epoch_blocks.unwrap_or_default() {
            at.chain.make_block()?;
        }
        Ok(())
    }

    /// Epochs everywhere, their packets, and epochs again, so that power follows all that has happened.
    ///
    /// # Errors
    /// When an epoch fails or a packet is stuck.
    pub fn settle(&mut self) -> Result<()> {
        for round in 0..SETTLE {
            let steps = self.run()?.len();
            for chain in 0..self.members.len() {
                self.epoch(chain)?;
            }
            self.settle_slashes()?;
            // Epochs of the first round may have found something to tell.
            if steps == 0 && round > 0 {
                break;
            }
        }
        self.run().map(drop)
    }

    /// Applies recorded slashes to all stakers.
    fn settle_slashes(&self) -> Result<()> {
        for p in &self.pairings {
            let home = self.vault(p.vault)?.home;
            for n in 0..self.member(p.consumer)?.chain.validators()?.len() {
                let validator = self.validator(p.consumer, n)?;
                let msg = json!({ "settle_slash": { "validator": validator, "limit": 100 } });
                self.govern(home, &p.external, &msg)?;
            }
        }
        Ok(())
    }

    /// Takes `percent` of a validator's tokens, on a chain without x/meshsecurity.
    ///
    /// # Errors
    /// When there is no such validator.
    pub fn slash(&self, chain: usize, n: usize, percent: u64) -> Result<()> {
        let operator = self.validator(chain, n)?;
        Ok(self.member(chain)?.chain.slash_validator(&operator, percent)?)
    }

    /// Has a vault's own chain compared with the books of its local staking, as anybody may.
    ///
    /// # Errors
    /// When native-staking refuses, or the vault keeps something else.
    pub fn report_local_slash(&self, vault: usize, n: usize) -> Result<TxResult> {
        let v = self.vault(vault)?;
        let VaultKind::Native { local_staking } = &v.kind else {
            return Err(MeshError::Missing("native vault", vault));
        };
        let msg = json!({ "report_slash": { "validator": self.validator(v.home, n)?, "limit": 50 } });
        self.govern(v.home, local_staking, &msg)
    }
}
