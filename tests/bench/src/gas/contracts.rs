//! All contracts by name, measured while the meter is on.

use std::sync::Arc;

use anyhow::Result;
use mesh_harness::chain::{ContractSet, NativeContract};
use mesh_harness::native_contract;

use super::meter::{Meter, Metered};

/// Address prefix of the chain with the vaults.
pub(crate) const HUB_PREFIX: &str = "mesh";
/// Address prefix of consumers.
pub(crate) const CONSUMER_PREFIX: &str = "cons";

/// Every contract that is built to wasm, by the name of its folder.
pub(crate) const ALL: [&str; 13] = [
    "btc-light-client",
    "btc-staking",
    "btc-finality",
    "btc-vault",
    "mesh-vault",
    "external-staking",
    "native-staking",
    "native-staking-proxy",
    "converter",
    "virtual-staking",
    "price-feed",
    "operator-registry",
    "custody-example",
];

fn native(name: &str) -> Option<NativeContract> {
    Some(match name {
        "btc-light-client" => native_contract!(btc_light_client, migrate),
        "btc-staking" => native_contract!(btc_staking, reply, migrate),
        "btc-finality" => native_contract!(btc_finality, reply, migrate),
        "btc-vault" => native_contract!(btc_vault, reply, migrate),
        "mesh-vault" => native_contract!(mesh_vault, reply, migrate),
        "external-staking" => native_contract!(external_staking, reply, migrate, ibc),
        "native-staking" => native_contract!(native_staking, reply, sudo, migrate),
        "native-staking-proxy" => native_contract!(native_staking_proxy, migrate),
        "converter" => native_contract!(converter, reply, migrate, ibc),
        "virtual-staking" => native_contract!(virtual_staking, reply, sudo, migrate),
        "price-feed" => native_contract!(price_feed, sudo, migrate),
        _ => return None,
    })
}

/// Which engine measured calls run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// The built contracts in cosmwasm-vm.
    #[cfg(feature = "wasm")]
    Wasm,
    /// The contracts' own code: storage is counted, the VM is not.
    Native,
}

/// The named contracts for chains with addresses of `prefix`.
pub(crate) fn set(engine: Engine, meter: &Arc<Meter>, prefix: &str, names: &[&str]) -> Result<ContractSet> {
    let mut set = ContractSet::new();
    for name in names {
        let Some(native) = native(name) else { anyhow::bail!("no contract is called {name}") };
        let metered = Metered {
            name: (*name).to_owned(),
            native,
            #[cfg(feature = "wasm")]
            wasm: wasm(engine, name, prefix)?,
            meter: Arc::clone(meter),
        };
        set = set.code(name, Arc::new(metered));
    }
    let _ = (engine, prefix);
    Ok(set)
}

#[cfg(feature = "wasm")]
fn wasm(engine: Engine, name: &str, prefix: &str) -> Result<Option<mesh_harness::chain::vm::VmContract>> {
    if engine == Engine::Native {
        return Ok(None);
    }
    let bytes = super::engine::wasm_file(name)?;
    let contract = mesh_harness::chain::vm::VmContract::new(&bytes, prefix);
    contract.map(Some).map_err(|e| anyhow::anyhow!("{name}: {}", e.text))
}
