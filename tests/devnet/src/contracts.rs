//! The contracts by name, as native code for the embedded chains.

use crate::args::Engine;
use crate::backend::wasm_dir;
use anyhow::{Context, Result};
use mesh_harness::chain::ContractSet;
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
    let dir = wasm_dir();
    set.from_wasm_dir(&dir).with_context(|| {
        format!("contracts are not built in {}; run `tests/setup wasm && contracts/build`", dir.display())
    })
}
