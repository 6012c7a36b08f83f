//! Step 3: headers, consumers, providers with proof of possession, and their committed randomness.

use super::Signers;
use crate::deploy::register_consumer;
use crate::keys;
use crate::stage::{Cast, Fp, Stage};
use anyhow::Result;
use bridge_attest::randomness::CommitPolicy;
use mesh_bridge::fp::{Provider, RemoteSigner};
use staking_api::finality::ExecuteMsg as FinalityExecute;
use staking_api::staking::{Commission, Description, ExecuteMsg, RegisterProvider};
use staking_api::{Decimal, Key};
use staking_clients::cosmos::{ChainClient, Writer};
use staking_crypto::SecretKey;
use staking_protocol::context::{Domain, Purpose};
use staking_protocol::possession::ChainAddress;

/// Heights of randomness committed at once.
const RANDOMNESS: u64 = 1_000;

/// Names of both providers.
pub(super) const NAMES: [&str; 2] = ["fp1", "fp2"];

/// A provider's worker for a consumer.
pub(super) fn provider<'a>(
    stage: &'a Stage<'_>,
    cast: &'a Cast<'_>,
    account: &'a Writer<'a>,
    fp_pk: Key,
    consumer: &str,
) -> Provider<'a> {
    let at_hub = consumer == stage.clients.endpoints.hub.chain_id;
    let node: &dyn ChainClient = if at_hub { &stage.clients.hub } else { &stage.clients.consumer };
    Provider {
        hub: account,
        contracts: &cast.deployed.bitcoin,
        consumer_nodes: vec![node],
        consumer: consumer.to_owned(),
        fp_pk,
        policy: CommitPolicy { ahead: 1, batch: RANDOMNESS },
        batch: 100,
    }
}

/// Registers consumers and providers, and commits randomness for both consumers.
pub(super) fn register(stage: &Stage<'_>, cast: &mut Cast<'_>, signers: &Signers) -> Result<Vec<Fp>> {
    cast.narrator.step(
        "providers",
        "Headers reach the light client; two providers prove their keys and commit one-time randomness.",
    );
    let contracts = cast.deployed.bitcoin.clone();
    stage.relay_headers(&cast.relayer, &contracts.light_client)?;
    let consumers = register_consumers(stage, cast)?;
    let mut fps = Vec::new();
    for (name, signer) in NAMES.into_iter().zip(&signers.providers) {
        let account = stage.hub_writer(name)?;
        let pk = Key::from_bytes(signer.public_key);
        register_provider(stage, &account, &contracts.staking, name, pk, &consumers)?;
        for consumer in &consumers {
            let worker = provider(stage, cast, &account, pk, consumer);
            worker.commit(&mut RemoteSigner::new(signer.client()))?;
        }
        cast.narrator.tell(format!("{name}  {pk}  votes for {}", consumers.join(", ")));
        fps.push(Fp { name, pk });
    }
    timestamp(stage, cast)?;
    Ok(fps)
}

fn register_consumers(stage: &Stage<'_>, cast: &Cast<'_>) -> Result<[String; 2]> {
    let finality = &cast.deployed.bitcoin.finality;
    let (hub, consumer) = (stage.clients.hub.status()?, stage.clients.consumer.status()?);
    let denom = stage.clients.endpoints.hub.denom.as_str();
    register_consumer(&cast.owner, finality, &hub.chain_id, hub.height + 1, Some(denom))?;
    register_consumer(&cast.owner, finality, &consumer.chain_id, consumer.height + 1, None)?;
    Ok([hub.chain_id, consumer.chain_id])
}

fn register_provider(
    stage: &Stage<'_>,
    account: &Writer<'_>,
    staking: &str,
    name: &str,
    fp_pk: Key,
    consumers: &[String; 2],
) -> Result<()> {
    // The proof of possession is signed once, at the ceremony where the key is made: here, from the seed.
    let key = SecretKey::from_bytes(&keys::secret(stage.seed, &format!("eots-key/{name}")))?;
    let domain = Domain::v0(Purpose::ProviderPossession, &stage.clients.endpoints.hub.chain_id, staking);
    let address = ChainAddress::parse(&account.address()).map_err(|e| anyhow::anyhow!("{e:?}"))?;
    let pop = staker::plan::prove_possession(&key, &domain, &address, &keys::aux(stage.seed, name));
    let msg = ExecuteMsg::RegisterProvider(RegisterProvider {
        fp_pk,
        pop,
        commission: Commission {
            rate: Decimal::percent(5),
            max_rate: Decimal::percent(20),
            max_change_rate: Decimal::percent(1),
        },
        description: Description { moniker: name.to_owned(), ..Description::default() },
        consumers: consumers.to_vec(),
    });
    account.execute(staking, &msg, &[])?;
    Ok(())
}

/// Lets Bitcoin's clock pass over the commitments, so that they may be used.
fn timestamp(stage: &Stage<'_>, cast: &Cast<'_>) -> Result<()> {
    let contracts = &cast.deployed.bitcoin;
    let touch = || cast.relayer.execute(&contracts.finality, &FinalityExecute::TouchBtcTip {}, &[]);
    touch()?;
    stage.mine(2)?;
    stage.relay_headers(&cast.relayer, &contracts.light_client)?;
    touch()?;
    Ok(())
}
