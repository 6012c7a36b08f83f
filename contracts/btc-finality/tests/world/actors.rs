//! Stakers, members and providers: everybody who makes what the contracts are told. No contract here.

use mesh_harness::miner::Miner;
use staking_api::staking::{
    Activation, CovenantSignatures, PossessionKind, ProofOfPossession, RegisterDelegation, Spend,
};
use staking_api::{Binary, Hash32, Key, Txid};
use staking_crypto::adaptor::{self, EncryptionKey};
use staking_crypto::curve::Libsecp;
use staking_crypto::{OneTimeNonce, SecretKey, XOnly, bip340, eots};
use staking_protocol::context::{Domain, Purpose};
use staking_protocol::delegation::{
    Presigned, SlashedOutput, SlashingInput, StakeTerms, UnbondingInput, derive,
};
use staking_protocol::finality::merkle::{MerkleProof, root};
use staking_protocol::finality::randomness::signed_digest;
use staking_protocol::finality::vote::vote_message;
use staking_protocol::keys::{CovenantKey, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::params::Params;
use staking_protocol::possession::{ChainAddress, bip340_digest};
use staking_protocol::timelock::StakingTime;
use staking_protocol::tx::sighash::{Prevout, script_path};
use staking_protocol::tx::witness::LeakedKey;
use staking_protocol::tx::{ExpansionTx, OutPoint, Sat, StakingTx, Transaction, TxIn, TxOut};

/// A secret key made of one byte.
pub fn secret(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).unwrap()
}

/// The public half, as messages carry it.
pub fn public(key: &SecretKey) -> Key {
    key.x_only().to_bytes().into()
}

/// A proof of possession for an address.
pub fn possession(key: &SecretKey, domain: &Domain, address: &str) -> ProofOfPossession {
    let address = ChainAddress::parse(address).unwrap();
    let signature = bip340::sign(key, &bip340_digest(domain, address.raw()), &[0; 32]);
    ProofOfPossession { kind: PossessionKind::Bip340, signature: Binary(signature.to_bytes().to_vec()) }
}

/// A finality provider's randomness for a range of heights of one consumer.
#[derive(Debug)]
pub struct Randomness {
    context: Vec<u8>,
    /// First height.
    pub start: u64,
    values: Vec<XOnly>,
}

impl Randomness {
    /// Height after the last one.
    pub fn end(&self) -> u64 {
        self.start + u64::try_from(self.values.len()).unwrap()
    }
}

/// A finality provider.
pub struct Provider {
    /// Its key.
    pub key: SecretKey,
}

impl Provider {
    /// Derives randomness and signs the commitment; returns count, root and signature too.
    pub fn commit(&self, domain: &Domain, start: u64, count: u32) -> (Randomness, Hash32, Binary) {
        let context = domain.prefix().to_vec();
        let values = staking_crypto::nonce::public_randomness(&self.key, &context, start, count);
        let root = root(values.iter().map(|v| v.to_bytes()));
        let digest = signed_digest(domain, start, u64::from(count), &root);
        let signature = bip340::sign(&self.key, &digest, &[0; 32]);
        (Randomness { context, start, values }, root.into(), Binary(signature.to_bytes().to_vec()))
    }

    /// Signs a vote.
    pub fn vote(
        &self,
        domain: &Domain,
        randomness: &Randomness,
        height: u64,
        app_hash: [u8; 32],
    ) -> staking_api::finality::Vote {
        let index = height - randomness.start;
        let leaves: Vec<_> = randomness.values.iter().map(|v| v.to_bytes()).collect();
        let proof = MerkleProof::build(&leaves, index).unwrap();
        let nonce = OneTimeNonce::derive(&self.key, &randomness.context, height);
        let message = vote_message(domain, height, &app_hash);
        let signature = eots::sign(nonce, &self.key, &message).unwrap();
        staking_api::finality::Vote {
            height,
            app_hash: app_hash.into(),
            pub_rand: leaves[usize::try_from(index).unwrap()].into(),
            proof: Binary(proof.aunts.concat()),
            signature: signature.to_bytes().into(),
        }
    }
}

/// A stake as its owner knows it.
#[derive(Clone)]
pub struct Stake {
    /// What was chosen.
    pub terms: StakeTerms,
    /// The staking transaction.
    pub tx: Transaction,
    /// The pre-signed ones.
    pub presigned: Presigned,
}

impl Stake {
    /// Plans a stake that spends an invented output.
    pub fn plan(params: &Params, staker: &SecretKey, fps: &[Key], value: u64, time: u16, salt: u8) -> Self {
        let funding = OutPoint { txid: staking_protocol::tx::Txid([salt; 32]), vout: 0 };
        let inputs = vec![TxIn::unsigned(funding, TxIn::SEQUENCE_FINAL)];
        Self::plan_from(params, staker, fps, value, time, inputs)
    }

    /// Plans a stake that spends the given inputs.
    pub fn plan_from(
        params: &Params,
        staker: &SecretKey,
        fps: &[Key],
        value: u64,
        time: u16,
        inputs: Vec<TxIn>,
    ) -> Self {
        let stakers = Stakers::single(StakerKey::from(staker.x_only()));
        Self::plan_of(params, stakers, fps, value, time, inputs)
    }

    fn plan_of(
        params: &Params,
        stakers: Stakers,
        fps: &[Key],
        value: u64,
        time: u16,
        inputs: Vec<TxIn>,
    ) -> Self {
        let providers: Vec<_> =
            fps.iter().map(|fp| ProviderKey::from_bytes(fp.as_bytes()).unwrap()).collect();
        let terms = StakeTerms {
            stakers,
            providers: Providers::new(providers).unwrap(),
            staking_time: StakingTime::new(u32::from(time)).unwrap(),
            value: Sat(value),
        };
        let scripts = terms.scripts(&Libsecp, params).unwrap();
        let change = TxOut::new(Sat(50_000), [&[0x51, 0x20][..], &[7; 32]].concat());
        let staking =
            StakingTx::build(&scripts.staking.pk_script(), Sat(value), inputs, vec![change]).unwrap();
        let presigned = derive(&Libsecp, params, &terms, staking.outpoint()).unwrap();
        Self { terms, tx: staking.transaction().clone(), presigned }
    }

    /// Plans a stake of several holders, of whom `quorum` must sign.
    pub fn plan_multi(
        params: &Params,
        stakers: &[SecretKey],
        quorum: u32,
        fps: &[Key],
        value: u64,
        time: u16,
        salt: u8,
    ) -> Self {
        let keys = stakers.iter().map(|key| StakerKey::from(key.x_only())).collect();
        let funding = OutPoint { txid: staking_protocol::tx::Txid([salt; 32]), vout: 0 };
        let inputs = vec![TxIn::unsigned(funding, TxIn::SEQUENCE_FINAL)];
        Self::plan_of(params, Stakers::multi(keys, quorum).unwrap(), fps, value, time, inputs)
    }

    /// The unbonding transaction of several holders, signed by some of them and of the committee.
    pub fn unbonding_multi(
        &self,
        params: &Params,
        stakers: &[SecretKey],
        members: &[SecretKey],
    ) -> Transaction {
        let digest = self.presigned.sighashes().unbonding.0;
        let sign = |key: &SecretKey| bip340::sign(key, &digest, &[0; 32]);
        let covenants: Vec<_> = members.iter().map(|k| (CovenantKey::from(k.x_only()), sign(k))).collect();
        let stakers: Vec<_> = stakers.iter().map(|k| (StakerKey::from(k.x_only()), sign(k))).collect();
        let input = UnbondingInput { covenants: &covenants, stakers: &stakers };
        self.presigned.complete_unbonding(&self.terms, params.covenants(), &input).unwrap()
    }

    /// Staking txid.
    pub fn txid(&self) -> Txid {
        self.tx.txid().0.into()
    }

    /// The message that registers it.
    pub fn register(&self, staker: &SecretKey, pop: ProofOfPossession) -> RegisterDelegation {
        let hashes = self.presigned.sighashes();
        let sign = |digest: &[u8; 32]| Binary(bip340::sign(staker, digest, &[0; 32]).to_bytes().to_vec());
        RegisterDelegation {
            staker_pk: public(staker),
            pop,
            fp_pks: self.terms.providers.keys().iter().map(|fp| fp.to_bytes().into()).collect(),
            staking_time: self.terms.staking_time.blocks(),
            staking_value_sat: self.terms.value.0,
            staking_tx: Binary(self.tx.serialize_stripped()),
            slashing_signature: sign(&hashes.slashing.0),
            unbonding_slashing_signature: sign(&hashes.unbonding_slashing.0),
            inclusion: None,
            transactions: None,
            expansion: None,
            multisig: None,
        }
    }

    /// One member's signatures.
    pub fn covenant(&self, member: &SecretKey, expansion: Option<[u8; 32]>) -> CovenantSignatures {
        let hashes = self.presigned.sighashes();
        let adaptors = |digest: &[u8; 32]| {
            let keys = self.terms.providers.keys();
            keys.iter()
                .map(|fp| {
                    let encryption = EncryptionKey::from_x_only(fp.x_only()).unwrap();
                    Binary(adaptor::sign(member, &encryption, digest, &[1; 32]).unwrap().to_bytes().to_vec())
                })
                .collect()
        };
        let schnorr = |digest: &[u8; 32]| Binary(bip340::sign(member, digest, &[0; 32]).to_bytes().to_vec());
        CovenantSignatures {
            txid: self.txid(),
            slashing: adaptors(&hashes.slashing.0),
            unbonding: schnorr(&hashes.unbonding.0),
            unbonding_slashing: adaptors(&hashes.unbonding_slashing.0),
            expansion: expansion.as_ref().map(schnorr),
        }
    }

    /// Plans a stake that continues this one with the first output of a funding transaction.
    pub fn expand(
        &self,
        params: &Params,
        staker: &SecretKey,
        fps: &[Key],
        value: u64,
        time: u16,
        funding: &Transaction,
    ) -> Self {
        let more = OutPoint { txid: funding.txid(), vout: 0 };
        let old = self.presigned.staking().outpoint;
        let inputs = [old, more].map(|outpoint| TxIn::unsigned(outpoint, TxIn::SEQUENCE_FINAL));
        Self::plan_from(params, staker, fps, value, time, inputs.to_vec())
    }

    /// What staker and old committee sign of a transaction that expands this stake.
    pub fn expansion_digest(&self, child: &Self, funding: &Transaction) -> [u8; 32] {
        use staking_protocol::script::StakingPath;
        let outpoint = self.presigned.staking().outpoint;
        let tx = ExpansionTx::validate(child.tx.clone(), outpoint, funding).unwrap();
        let scripts = self.presigned.scripts();
        let script = scripts.staking.pk_script();
        let prevout = Prevout { value: self.terms.value, script: &script };
        tx.sighash(prevout, scripts.staking.leaf(StakingPath::Unbonding).hash()).0
    }

    /// The transaction that expands this stake into another one, with the staker's signature.
    pub fn expanded_by(
        &self,
        child: &Self,
        staker: &SecretKey,
        funding: &Transaction,
        members: usize,
    ) -> Transaction {
        let digest = self.expansion_digest(child, funding);
        let mut tx = child.tx.clone();
        tx.inputs[0].witness = self.unbonding_witness(staker, &digest, members);
        tx
    }

    /// A transaction that nobody planned and that sends the stake elsewhere, with the staker's signature.
    pub fn forced_exit(&self, staker: &SecretKey, members: usize) -> Transaction {
        use staking_protocol::script::StakingPath;
        let scripts = self.presigned.scripts();
        let script = scripts.staking.pk_script();
        let prevout = Prevout { value: self.terms.value, script: &script };
        let outputs = vec![TxOut::new(Sat(9_000), [&[0x51, 0x20][..], &[6; 32]].concat())];
        let outpoint = self.presigned.staking().outpoint;
        let inputs = vec![TxIn::unsigned(outpoint, TxIn::SEQUENCE_FINAL)];
        let mut tx = Transaction { version: 2, inputs, outputs, lock_time: 0 };
        let leaf = scripts.staking.leaf(StakingPath::Unbonding);
        let digest = script_path(&tx, 0, &[prevout], leaf.hash()).unwrap();
        tx.inputs[0].witness = self.unbonding_witness(staker, &digest.0, members);
        tx
    }

    /// Opens the unbonding path with the staker's signature of a digest.
    pub fn unbonding_witness(&self, staker: &SecretKey, digest: &[u8; 32], members: usize) -> Vec<Vec<u8>> {
        use staking_protocol::script::StakingPath;
        let scripts = self.presigned.scripts();
        let mut witness = vec![Vec::new(); members];
        witness.push(bip340::sign(staker, digest, &[0; 32]).to_bytes().to_vec());
        witness.push(scripts.staking.leaf(StakingPath::Unbonding).script().to_vec());
        witness.push(scripts.staking.control_block(StakingPath::Unbonding));
        witness
    }

    /// The slashing transaction, completed with a provider's key.
    pub fn slashing(
        &self,
        params: &Params,
        staker: &SecretKey,
        provider: &SecretKey,
        members: &[SecretKey],
    ) -> Transaction {
        let digest = self.presigned.sighashes().slashing.0;
        let key = ProviderKey::from(provider.x_only());
        let secret = provider.to_even_secret();
        let leaked = LeakedKey::check(&Libsecp, key, secret).unwrap();
        let adaptors: Vec<_> = members
            .iter()
            .map(|member| {
                let sign = |fp: &ProviderKey| {
                    let encryption = EncryptionKey::from_x_only(fp.x_only()).unwrap();
                    adaptor::sign(member, &encryption, &digest, &[1; 32]).unwrap()
                };
                let fps = self.terms.providers.keys();
                (CovenantKey::from(member.x_only()), fps.iter().map(sign).collect())
            })
            .collect();
        let input = SlashingInput {
            leaked: &leaked,
            provider: bip340::sign(provider, &digest, &[0; 32]),
            covenants: &adaptors,
            stakers: &[(StakerKey::from(staker.x_only()), bip340::sign(staker, &digest, &[0; 32]))],
        };
        self.presigned
            .complete_slashing(SlashedOutput::Staking, &self.terms, params.covenants(), &input)
            .unwrap()
    }

    /// The unbonding transaction with the staker's signature; the covenant's slots are empty, as the contract
    /// does not look at them.
    pub fn unbonding(&self, staker: &SecretKey, members: usize) -> Transaction {
        let digest = self.presigned.sighashes().unbonding.0;
        let witness = self.unbonding_witness(staker, &digest, members);
        self.presigned.unbonding().with_witness(witness)
    }
}

/// A transaction whose first output holds coins, to fund an expansion.
pub fn coins(salt: u8, value: u64) -> Transaction {
    let funding = OutPoint { txid: staking_protocol::tx::Txid([salt; 32]), vout: 1 };
    let inputs = vec![TxIn::unsigned(funding, TxIn::SEQUENCE_FINAL)];
    let outputs = vec![TxOut::new(Sat(value), [&[0x51, 0x20][..], &[8; 32]].concat())];
    Transaction { version: 2, inputs, outputs, lock_time: 0 }
}

/// Mines a block with transactions.
pub fn mine(miner: &mut Miner, txs: &[Transaction]) {
    let txids: Vec<_> = txs.iter().map(|tx| tx.txid().0).collect();
    miner.mine(&txids);
}

/// Proves inclusion of a stake.
pub fn activation(miner: &Miner, stake: &Stake) -> Activation {
    Activation { txid: stake.txid(), proof: miner.proof(stake.tx.txid().0).unwrap() }
}

/// Proves a spend of a stake.
pub fn spend(miner: &Miner, stake: &Stake, tx: &Transaction, funding: &[Transaction]) -> Spend {
    Spend {
        txid: stake.txid(),
        spending_tx: Binary(tx.serialize()),
        proof: miner.proof(tx.txid().0).unwrap(),
        funding_txs: funding.iter().map(|tx| Binary(tx.serialize())).collect(),
    }
}

/// Parameters with a committee of the given keys.
pub fn params(members: &[SecretKey], quorum: u32) -> staking_api::staking::Params {
    staking_api::staking::Params {
        btc_activation_height: 0,
        covenant_pks: members.iter().map(public).collect(),
        covenant_quorum: quorum,
        min_staking_value_sat: 10_000,
        max_staking_value_sat: 1_000_000_000,
        min_staking_time_blocks: 20,
        max_staking_time_blocks: 65_535,
        slashing_pk_script: Binary(vec![0x6a, 0x04, b'm', b'e', b's', b'h']),
        min_slashing_tx_fee_sat: 1_000,
        slashing_rate: "0.1".parse().unwrap(),
        unbonding_time_blocks: 10,
        unbonding_fee_sat: 500,
        min_commission_rate: "0.01".parse().unwrap(),
        max_finality_providers: 3,
        max_staker_quorum: 1,
        max_staker_num: 1,
        lax_slashing_tx: false,
    }
}

/// The same, checked.
pub fn checked(params: &staking_api::staking::Params) -> Params {
    Params::try_from(params).unwrap()
}

/// Context of a purpose.
pub fn domain(purpose: Purpose, chain_id: &str, contract: &str) -> Domain {
    Domain::v0(purpose, chain_id, contract)
}
