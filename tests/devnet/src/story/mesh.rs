//! Step 5: each holder's stake becomes power of a consumer's validator.

use crate::report::MeshReport;
use crate::stage::{Cast, Stage, Staked, nudge};
use anyhow::Result;
use staking_api::mesh::btc_vault::{ExecuteMsg as VaultExecute, QueryMsg as VaultQuery};
use staking_api::mesh::external::{ListActiveValidatorsResponse, QueryMsg as ExternalQuery, StakeInfo};
use staking_api::mesh::vault::{AccountResponse, ClaimResponse};
use staking_api::mesh::virtual_staking::ExecuteMsg as VirtualExecute;
use staking_api::{Binary, Coin};
use staking_clients::cosmos::smart_query;

/// Cross-stakes all of both stakes with the consumer's first validator.
pub(super) fn cross_stake(stage: &Stage<'_>, cast: &mut Cast<'_>, stakes: &[Staked]) -> Result<MeshReport> {
    cast.narrator.step(
        "mesh",
        "Each holder cross-stakes through the BTC vault: lien, packet, price, virtual stake, power.",
    );
    let validator = stage.validator()?;
    wait_for_validator(stage, cast, &validator.operator)?;
    let mut report = MeshReport { power_before: validator.tokens, ..MeshReport::default() };
    for stake in stakes {
        let account = stage.hub_writer(stake.owner)?;
        let msg = VaultExecute::StakeRemote {
            contract: cast.deployed.external.clone(),
            amount: Coin::new(u128::from(stake.amount), "sat"),
            msg: Binary(serde_json::to_vec(&serde_json::json!({"validator": validator.operator}))?),
        };
        account.execute(&cast.deployed.vault, &msg, &[])?;
        let user = account.address();
        stage.wait("the packet's acknowledgement", || {
            let info = stake_info(stage, cast, &user, &validator.operator)?;
            Ok((info.stake.l.0 >= u128::from(stake.amount)).then_some(()))
        })?;
        let (collateral, lien) = vault_account(stage, cast, &user)?;
        report.collateral_sat += collateral;
        report.lien_sat += lien;
    }
    report.power_staked = epoch(stage, cast, |power| power > validator.tokens)?;
    cast.narrator.table(&[
        ("collateral", format!("{} sat", report.collateral_sat)),
        ("liens", format!("{} sat", report.lien_sat)),
        ("validator", validator.operator.clone()),
        ("power before", report.power_before.to_string()),
        ("power now", report.power_staked.to_string()),
    ]);
    Ok(report)
}

/// Waits until the consumer's validator set has crossed the channel.
fn wait_for_validator(stage: &Stage<'_>, cast: &Cast<'_>, operator: &str) -> Result<()> {
    stage.wait("the validator set", || {
        let query = ExternalQuery::ListActiveValidators { start_after: None, limit: None };
        let list: ListActiveValidatorsResponse =
            smart_query(&stage.clients.hub, &cast.deployed.external, &query)?;
        Ok(list.validators.iter().any(|v| v == operator).then_some(()))
    })
}

/// A user's stake with a validator, as external-staking has it.
pub(super) fn stake_info(
    stage: &Stage<'_>,
    cast: &Cast<'_>,
    user: &str,
    validator: &str,
) -> Result<StakeInfo> {
    let query = ExternalQuery::Stake { user: user.to_owned(), validator: validator.to_owned() };
    Ok(smart_query(&stage.clients.hub, &cast.deployed.external, &query)?)
}

/// Collateral of a user and the lien of the pairing on it, satoshi.
pub(super) fn vault_account(stage: &Stage<'_>, cast: &Cast<'_>, user: &str) -> Result<(u128, u128)> {
    let vault = &cast.deployed.vault;
    let account: AccountResponse =
        smart_query(&stage.clients.hub, vault, &VaultQuery::Account { account: user.to_owned() })?;
    let claim = VaultQuery::Claim { account: user.to_owned(), lienholder: cast.deployed.external.clone() };
    let lien = match smart_query::<_, ClaimResponse>(&stage.clients.hub, vault, &claim) {
        Ok(claim) => claim.amount.h.0,
        // A lien of zero is gone.
        Err(e) if !e.is_transient() => 0,
        Err(e) => return Err(e.into()),
    };
    Ok((account.bonded.0, lien))
}

/// Runs epochs on the consumer until its validator's tokens are as wanted.
pub(super) fn epoch(stage: &Stage<'_>, cast: &Cast<'_>, wanted: impl Fn(u128) -> bool) -> Result<u128> {
    stage.wait("an epoch of the consumer", || {
        // Refused while the least interval between two epochs has not passed.
        nudge(&cast.consumer_owner, &cast.deployed.virtual_staking, &VirtualExecute::HandleEpoch {})?;
        let tokens = stage.validator()?.tokens;
        Ok(wanted(tokens).then_some(tokens))
    })
}
