//! A slashing transaction on Bitcoin is the leak of a provider's key: a covenant signature in its witness,
//! held against the adaptor signature stored here, gives the key (spec §8.5, trap G8).

use contract_host::HostCurve;
use cosmwasm_std::Deps;
use staking_api::{Hash32, Key};
use staking_crypto::bip340::Signature;
use staking_protocol::tx::Transaction;

use crate::error::StakingError;
use crate::execute::covenant::encryption;
use crate::state::delegation::Registration;
use crate::state::{params, signatures};

/// Finds the provider whose key completed the slashing transaction, and the key.
pub(super) fn find(
    deps: Deps<'_>,
    registration: &Registration,
    tx: &Transaction,
    input: usize,
) -> Result<Option<(Key, Hash32)>, StakingError> {
    let witness = tx.inputs.get(input).map_or(&[][..], |i| &i.witness);
    let members = params::load(deps.storage, registration.version)?.params.covenants().keys().len();
    let keys = encryption(registration)?;
    let curve = HostCurve::new(deps.api);
    for record in signatures::all(deps.storage, registration.id(), registration.fps.len())? {
        // Slots are in descending order of keys, the committee in ascending order.
        let slot = members.checked_sub(usize::from(record.member).saturating_add(1));
        let Some(signature) = slot.and_then(|slot| witness.get(slot)).and_then(|bytes| parse(bytes)) else {
            continue;
        };
        for (position, (fp, key)) in registration.fps.iter().zip(&keys).enumerate() {
            let Some(adaptor) = record.slashing_adaptor(position) else { continue };
            if let Ok(secret) = adaptor.extract(&curve, key, &signature) {
                return Ok(Some(((*fp).into(), (*secret.expose_secret()).into())));
            }
        }
    }
    Ok(None)
}

fn parse(bytes: &[u8]) -> Option<Signature> {
    Signature::from_bytes(bytes.try_into().ok()?).ok()
}
