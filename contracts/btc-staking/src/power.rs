//! What other contracts are told when a delegation begins or ceases to count.
//!
//! `btc-finality` is told by a plain message: if it refuses, nothing happened, so that the sum of its powers
//! is always the sum of counted delegations. `btc-vault` is told through the outbox: it must not be able to
//! hold up an unbonding.

use contract_host::outbox;
use contract_host::push::{ToFinality, ToVault};
use cosmwasm_std::{Api, CanonicalAddr, Deps, Event, Response, Storage, WasmMsg, to_json_binary};
use staking_api::finality::PowerChange;
use staking_api::mesh::btc_vault::{FpOf, SpendKind as VaultSpendKind};
use staking_api::staking::SpendKind;
use staking_api::{Decimal, Key, Txid};

use crate::error::StakingError;
use crate::state::config::{FINALITY, VAULT};
use crate::state::delegation::{Registration, Spent};
use crate::state::provider::Provider;

/// Changes of one message, collected.
#[derive(Default)]
pub(crate) struct Changes {
    power: Vec<PowerChange>,
    vault: Vec<ToVault>,
    events: Vec<Event>,
}

/// Text form of a stored address.
pub(crate) fn humanize(api: &dyn Api, owner: &[u8]) -> Result<String, StakingError> {
    Ok(api.addr_humanize(&CanonicalAddr::from(owner.to_vec()))?.into_string())
}

impl Changes {
    /// Adds an event.
    pub(crate) fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    /// A delegation begins (or ceases) to count for all its providers.
    pub(crate) fn power(
        &mut self,
        api: &dyn Api,
        registration: &Registration,
        added: bool,
    ) -> Result<(), StakingError> {
        self.power_of(api, registration, added, |_| true)
    }

    /// A delegation begins (or ceases) to count for some of its providers.
    pub(crate) fn power_of(
        &mut self,
        api: &dyn Api,
        registration: &Registration,
        added: bool,
        which: impl Fn(&[u8; 32]) -> bool,
    ) -> Result<(), StakingError> {
        let fp_pks: Vec<Key> =
            registration.fps.iter().filter(|fp| which(fp)).map(|fp| (*fp).into()).collect();
        if !fp_pks.is_empty() {
            let (txid, staker) = (registration.txid.into(), humanize(api, &registration.owner)?);
            self.power.push(PowerChange { txid, staker, sat: registration.value, fp_pks, added });
        }
        Ok(())
    }

    /// Tells the vault that a delegation is active.
    pub(crate) fn vault_active(
        &mut self,
        storage: &dyn Storage,
        api: &dyn Api,
        registration: &Registration,
        (start_height, end_height): (u32, u32),
    ) -> Result<(), StakingError> {
        let mut fps = Vec::new();
        for fp in &registration.fps {
            let fp = Key::from_bytes(*fp);
            let consumers = Provider::require(storage, &fp)?.consumers;
            fps.extend(consumers.into_iter().map(|consumer| FpOf { consumer, fp_pk: fp.to_string() }));
        }
        self.vault.push(ToVault::DelegationActive {
            user: humanize(api, &registration.owner)?,
            txid: Txid::from_bytes(registration.txid).to_string(),
            sat: registration.value,
            slash_rate: Decimal(u128::from(registration.slash_rate) * (Decimal::ONE.0 / 10_000)),
            fps,
            start_height,
            end_height,
            unbonding_blocks: u32::from(registration.unbonding_time),
        });
        Ok(())
    }

    /// Tells the vault that a staking output was spent.
    pub(crate) fn vault_spent(&mut self, registration: &Registration, spent: &Spent, spend_txid: Txid) {
        let kind = match spent.kind {
            SpendKind::Unbonding => VaultSpendKind::Unbonding,
            SpendKind::Slashing => VaultSpendKind::Slashing,
            SpendKind::Expansion | SpendKind::Unexpected => VaultSpendKind::Other,
        };
        self.vault.push(ToVault::DelegationUnbonding {
            txid: Txid::from_bytes(registration.txid).to_string(),
            spend_txid: spend_txid.to_string(),
            kind,
            btc_height: spent.height,
        });
    }

    /// Tells the vault that a delegation ended, was quarantined or requalified.
    pub(crate) fn vault_note(&mut self, registration: &Registration, note: VaultNote) {
        let txid = Txid::from_bytes(registration.txid).to_string();
        self.vault.push(match note {
            VaultNote::Expired => ToVault::DelegationExpired { txid },
            VaultNote::Quarantined => ToVault::DelegationQuarantined { txid },
            VaultNote::Requalified => ToVault::DelegationRequalified { txid },
        });
    }

    /// Turns everything into messages and events.
    pub(crate) fn into_response(self, deps: Deps<'_>) -> Result<Response, StakingError> {
        let mut response = Response::new().add_events(self.events);
        if !self.power.is_empty() {
            let msg = to_json_binary(&ToFinality::PowerChanges { changes: self.power })?;
            let contract_addr = FINALITY.require(deps)?.into_string();
            response = response.add_message(WasmMsg::Execute { contract_addr, msg, funds: vec![] });
        }
        if self.vault.is_empty() {
            return Ok(response);
        }
        if let Some(vault) = VAULT.load(deps)? {
            for msg in &self.vault {
                response = response.add_submessage(outbox::send(vault.as_str(), msg)?);
            }
        }
        Ok(response)
    }
}

/// What the vault is told of a delegation besides its beginning and its spend.
#[derive(Clone, Copy)]
pub(crate) enum VaultNote {
    Expired,
    Quarantined,
    Requalified,
}
