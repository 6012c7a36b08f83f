//! Stakes: building, finding, registering, signing and slashing them.

use staking_crypto::curve::{KnownKeys, Libsecp};
use staking_crypto::{SecretKey, SecretScalar, adaptor, bip340};
use staking_protocol::context::Domain;
use staking_protocol::delegation::{
    CovenantSignatures, DelegationRequest, VerifiedDelegation, check_covenant_signatures, derive,
    verify_delegation,
};
use staking_protocol::header::Network;
use staking_protocol::keys::{CovenantKey, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::possession::Possession;
use staking_protocol::script::StakingPath;
use staking_protocol::tx::slashing::SlashingPolicy;
use staking_protocol::tx::witness::{self, LeakedKey, MemberAdaptorSignatures, SlashingSignatures};
use staking_protocol::tx::{StakingTx, Transaction};

use super::schemes::key;
use super::world::{QUORUM, TAG, VALUE, World, covenant_key, op_return, provider_key, world};
use super::{Entry, Op, SOUND, pool, rotate};

pub(super) const OPS: &[Entry] = &[
    ("build-staking", build_staking),
    ("parse-staking", parse_staking),
    ("verify-delegation", verify_registration),
    ("covenant-sign", covenant_sign),
    ("verify-covenant", verify_covenant),
    ("slashing-witness", slashing_witness),
];

/// Keys from bytes to the funded transaction's two outputs, scripts included.
fn build_staking() -> Op {
    let inputs = pool(|seed| {
        let world = world(seed);
        (world.staker.x_only().to_bytes(), world.provider.x_only().to_bytes(), world)
    });
    rotate(inputs, |(staker, provider, world)| {
        let stakers = Stakers::single(StakerKey::from_bytes(staker).expect(SOUND));
        let providers = Providers::single(ProviderKey::from_bytes(provider).expect(SOUND));
        let time = world.terms.staking_time;
        let output = world.templates().staking_output(&Libsecp, &stakers, &providers, time).expect(SOUND);
        let tag = op_return(&world.terms).output();
        let inputs = world.staking.transaction().inputs.clone();
        StakingTx::build(&output.pk_script(), VALUE, inputs, vec![tag]).expect(SOUND)
    })
}

/// Raw transaction to the stake in it.
fn parse_staking() -> Op {
    let inputs = pool(|seed| {
        let world = world(seed);
        (world.staking.transaction().serialize(), world)
    });
    rotate(inputs, |(raw, world)| {
        let tx = Transaction::parse(raw).expect(SOUND);
        staking_protocol::tag::parse_v0(&Libsecp, &tx, TAG, world.templates()).expect(SOUND)
    })
}

struct Registration {
    world: World,
    possession: [u8; 64],
    staking: Vec<u8>,
    unbonding: Vec<u8>,
    slashing: Vec<u8>,
    unbonding_slashing: Vec<u8>,
    signatures: [[u8; 64]; 2],
}

fn registration(seed: u8) -> Registration {
    let world = world(seed);
    let sign = |digest: &[u8; 32]| world.staker_signature(digest).1.to_bytes();
    Registration {
        possession: world.possession(),
        staking: world.staking.transaction().serialize(),
        unbonding: world.presigned.unbonding().transaction().serialize(),
        slashing: world.presigned.slashing().transaction().serialize(),
        unbonding_slashing: world.presigned.unbonding_slashing().transaction().serialize(),
        signatures: [sign(&world.sighashes.slashing.0), sign(&world.sighashes.unbonding_slashing.0)],
        world,
    }
}

/// A registration as a chain checks it: possession, parameters, scripts, four transactions, two signatures.
fn verify_registration() -> Op {
    rotate(pool(registration), |input| {
        let staker = StakerKey::from_bytes(input.world.staker.x_only().as_bytes()).expect(SOUND);
        let possession = Possession::from_parts(0, &input.possession).expect(SOUND);
        possession
            .verify(&Libsecp, &Domain::Plain, staker.x_only(), &input.world.address, Network::Mainnet)
            .expect(SOUND);
        verify(input, staker)
    })
}

fn verify(input: &Registration, staker: StakerKey) -> VerifiedDelegation {
    let [slashing, unbonding_slashing] = input
        .signatures
        .each_ref()
        .map(|bytes| [(staker, bip340::Signature::from_bytes(bytes).expect(SOUND))]);
    let request = DelegationRequest {
        terms: &input.world.terms,
        staking_tx: &input.staking,
        unbonding_time: input.world.params.unbonding_time(),
        unbonding_tx: &input.unbonding,
        unbonding_value: input.world.presigned.unbonding().value(),
        slashing_tx: &input.slashing,
        slashing_signatures: &slashing,
        unbonding_slashing_tx: &input.unbonding_slashing,
        unbonding_slashing_signatures: &unbonding_slashing,
    };
    verify_delegation(&Libsecp, &input.world.params, SlashingPolicy::Exact, &request).expect(SOUND)
}

/// Two adaptor signatures and a plain one of one member, over scripts and transactions rebuilt from the terms.
fn covenant_sign() -> Op {
    let member = key(0xc0);
    rotate(pool(world), move |world| {
        let presigned = derive(&Libsecp, &world.params, &world.terms, world.staking.outpoint()).expect(SOUND);
        let (digests, encryption) = (presigned.sighashes(), world.encryption());
        let adaptor =
            |digest: &[u8; 32]| vec![adaptor::sign(&member, &encryption, digest, &[9; 32]).expect(SOUND)];
        CovenantSignatures {
            slashing: adaptor(&digests.slashing.0),
            unbonding_slashing: adaptor(&digests.unbonding_slashing.0),
            unbonding: bip340::sign(&member, &digests.unbonding.0, &[9; 32]),
            expansion: None,
        }
    })
}

/// One member's three signatures, from bytes. The committee is known long before, so it is precomputed.
fn verify_covenant() -> Op {
    let inputs = pool(|seed| {
        let world = world(seed);
        let member = world.members.first().expect(SOUND);
        let signatures = world.covenant_signatures(member);
        let adaptors = [signatures.slashing, signatures.unbonding_slashing]
            .map(|list| list.first().expect(SOUND).to_bytes());
        (member.x_only().to_bytes(), adaptors, signatures.unbonding.to_bytes(), world)
    });
    let members = inputs.first().map(|(.., world)| world.members.iter().map(SecretKey::x_only));
    let curve = KnownKeys::new(members.into_iter().flatten()).expect(SOUND);
    rotate(inputs, move |(member, adaptors, plain, world)| {
        let member = CovenantKey::from_bytes(member).expect(SOUND);
        let [slashing, unbonding_slashing] =
            adaptors.each_ref().map(|bytes| vec![adaptor::AdaptorSignature::from_bytes(bytes).expect(SOUND)]);
        let unbonding = bip340::Signature::from_bytes(plain).expect(SOUND);
        let signatures = CovenantSignatures { slashing, unbonding_slashing, unbonding, expansion: None };
        let encryption = [world.encryption()];
        check_covenant_signatures(&curve, &member, &encryption, &world.sighashes, &signatures).expect(SOUND);
    })
}

struct Slashable {
    world: World,
    members: Vec<MemberAdaptorSignatures>,
    staker: (StakerKey, bip340::Signature),
    leaked: [u8; 32],
}

fn slashable(seed: u8) -> Slashable {
    let world = world(seed);
    let quorum = world.members.iter().take(QUORUM as usize);
    let members =
        quorum.map(|member| (covenant_key(member), world.covenant_signatures(member).slashing)).collect();
    Slashable {
        members,
        staker: world.staker_signature(&world.sighashes.slashing.0),
        leaked: *world.provider.to_secret().expose_secret(),
        world,
    }
}

/// A quorum's adaptor signatures and a leaked key to the transaction that slashes, fully signed.
fn slashing_witness() -> Op {
    rotate(pool(slashable), |input| {
        let world = &input.world;
        let secret = SecretScalar::from_bytes(&input.leaked).expect(SOUND);
        let leaked = LeakedKey::check(&Libsecp, provider_key(&world.provider), secret).expect(SOUND);
        let provider = SecretKey::from_secret(leaked.secret());
        let digest = world.presigned.sighashes().slashing;
        let covenants = leaked.decrypt(&world.terms.providers, &input.members).expect(SOUND);
        let signatures = SlashingSignatures {
            covenants: &covenants,
            provider: (leaked.provider(), bip340::sign(&provider, &digest.0, &[9; 32])),
            stakers: &[input.staker],
        };
        let output = &world.presigned.scripts().staking;
        let (leaf, block) = (output.leaf(StakingPath::Slashing), output.control_block(StakingPath::Slashing));
        let terms = &world.terms;
        let covenants = world.params.covenants();
        let stack = witness::slashing(covenants, &terms.providers, &terms.stakers, &signatures, leaf, &block);
        world.presigned.slashing().with_witness(stack.expect(SOUND)).serialize()
    })
}
