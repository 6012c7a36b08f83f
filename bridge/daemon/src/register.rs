//! Registering a finality provider: its key, held by `mesh-signer` alone, agrees to the account that asks.
//!
//! This is one message to the hub. Randomness and votes follow from the running daemon.

use crate::hub::Hub;
use anyhow::{Context, Result, bail, ensure};
use staking_api::signer::{Answer, Ask, Empty, Possession};
use staking_api::staking::{
    Commission, Description, ExecuteMsg, PossessionKind, ProofOfPossession, Provider, QueryMsg,
    RegisterProvider,
};
use staking_api::{Binary, Key};
use staking_clients::cosmos::{ChainClient, smart_query};
use staking_clients::signer::SignerClient;

/// What a provider says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Shares of the rewards.
    pub commission: Commission,
    /// Name and contact.
    pub description: Description,
    /// Chain ids that it will vote for.
    pub consumers: Vec<String>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// The provider was registered now.
    Now(Key),
    /// This account had registered it before; nothing was sent.
    Before(Key),
}

impl Registered {
    /// The provider's key.
    pub fn key(&self) -> Key {
        match self {
            Self::Now(key) | Self::Before(key) => *key,
        }
    }
}

/// The key of the EOTS signer.
///
/// # Errors
/// When the signer does not answer or has another role.
pub fn public_key(signer: &SignerClient) -> Result<Key> {
    match signer.ask(Ask::Status(Empty {}))? {
        Answer::Status(status) if status.role == "eots" => {
            let key = <[u8; 32]>::try_from(status.public_key.as_slice()).context("the signer's key")?;
            Ok(Key::from_bytes(key))
        }
        Answer::Status(status) => {
            bail!("{} has role {}, an eots signer is needed", signer.endpoint(), status.role)
        }
        _ => Err(signer.unexpected().into()),
    }
}

/// Registers the signer's key as a provider owned by the writer's account.
///
/// # Errors
/// When hub or signer cannot be reached or refuse, or another account owns the provider.
pub fn register(hub: &Hub<'_>, signer: &SignerClient, profile: &Profile) -> Result<Registered> {
    ensure!(
        !profile.consumers.is_empty(),
        "a provider votes for at least one chain: fill in [[fp.consumers]]"
    );
    let fp_pk = public_key(signer)?;
    let (account, staking) = (hub.writer.address(), &hub.contracts.staking);
    let known: Option<Provider> = smart_query(hub.writer.chain(), staking, &QueryMsg::Provider { fp_pk })?;
    if let Some(provider) = known {
        ensure!(provider.owner == account, "provider {fp_pk} is registered by {}", provider.owner);
        return Ok(Registered::Before(fp_pk));
    }
    let pop = possession(hub.writer.chain(), signer, staking, &account)?;
    let msg = ExecuteMsg::RegisterProvider(RegisterProvider {
        fp_pk,
        pop,
        commission: profile.commission,
        description: profile.description.clone(),
        consumers: profile.consumers.clone(),
    });
    hub.writer.execute(staking, &msg, &[])?;
    Ok(Registered::Now(fp_pk))
}

fn possession(
    chain: &dyn ChainClient,
    signer: &SignerClient,
    staking: &str,
    account: &str,
) -> Result<ProofOfPossession> {
    let ask = Possession {
        chain_id: chain.status()?.chain_id,
        contract: staking.to_owned(),
        address: account.to_owned(),
    };
    match signer.ask(Ask::Possession(ask))? {
        Answer::Possessed(proof) => {
            Ok(ProofOfPossession { kind: PossessionKind::Bip340, signature: Binary(proof.signature) })
        }
        Answer::Refused(refused) => bail!("signer: {}: {}", refused.code, refused.reason),
        _ => Err(signer.unexpected().into()),
    }
}
