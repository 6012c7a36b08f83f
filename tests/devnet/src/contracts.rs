//! The contracts by name, as native code for the embedded chains or as built wasm.

use crate::args::Engine;
use crate::failure::Unprepared;
use anyhow::Result;
use mesh_harness::chain::{ContractSet, built_dir};
use mesh_harness::native_contract;

/// What the story deploys.
pub(crate) fn native() -> ContractSet {
    pairing()
        .native("btc-light-client", native_contract!(btc_light_client, migrate))
        .native("btc-staking", native_contract!(btc_staking, reply, migrate))
        .native("btc-finality", native_contract!(btc_finality, reply, migrate))
}

/// What the comparison deploys.
pub(crate) fn mesh() -> ContractSet {
    pairing()
        .native("mesh-vault", native_contract!(mesh_vault, reply, migrate))
        .native("native-staking", native_contract!(native_staking, reply, sudo, migrate))
        .native("native-staking-proxy", native_contract!(native_staking_proxy, migrate))
}

/// What every pairing that brings bitcoin needs.
fn pairing() -> ContractSet {
    ContractSet::new()
        .native("btc-vault", native_contract!(btc_vault, reply, migrate))
        .native("external-staking", native_contract!(external_staking, reply, migrate, ibc))
        .native("converter", native_contract!(converter, reply, migrate, ibc))
        .native("virtual-staking", native_contract!(virtual_staking, reply, sudo, migrate))
        .native("price-feed", native_contract!(price_feed, sudo, migrate))
}

/// The same contracts as the engine runs them: built files take the place of native code.
pub(crate) fn on(engine: Engine, set: ContractSet) -> Result<ContractSet> {
    if engine == Engine::Native {
        return Ok(set);
    }
    let missing = |e| Unprepared(format!("{e}; build the contracts: `tests/setup wasm && contracts/build`"));
    Ok(set.from_wasm_dir(&built_dir()).map_err(missing)?)
}
