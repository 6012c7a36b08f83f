//! Keys of everyone in a stake, and what they sign.
#![allow(dead_code, reason = "each test binary uses a part")]

use bitcoin::consensus::deserialize;
use mesh_harness::bitcoin::script::{ScriptError, verify_spend};
use staking_crypto::adaptor::{self, EncryptionKey};
use staking_crypto::bip340::{self, Signature};
use staking_crypto::curve::Libsecp;
use staking_crypto::{SecretKey, SecretScalar};
use staking_protocol::keys::{CovenantKey, Covenants, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::script::{DelegationScripts, ScriptTemplates};
use staking_protocol::taproot::Leaf;
use staking_protocol::timelock::{StakingTime, UnbondingTime};
use staking_protocol::tx::sighash::{Prevout, Sighash, script_path};
use staking_protocol::tx::slash_amount::{SlashRounding, SlashingRate};
use staking_protocol::tx::slashing::{Funding, SlashingTerms};
use staking_protocol::tx::witness::{self, LeakedKey, SlashingSignatures};
use staking_protocol::tx::{OutPoint, Sat, SlashingTx, Transaction, TxIn, TxOut, Txid, UnbondingTx};

/// Value of every stake here, in satoshi.
pub(crate) const STAKE: Sat = Sat(1_000_000);
/// Fee of the unbonding transaction, in satoshi.
pub(crate) const UNBONDING_FEE: Sat = Sat(1_000);
/// Fee of the slashing transactions, in satoshi.
pub(crate) const SLASHING_FEE: Sat = Sat(2_000);

/// How many there are of each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) stakers: (u8, u32),
    pub(crate) providers: u8,
    pub(crate) covenants: (u8, u32),
}

/// The shapes that every path is tried with.
pub(crate) const SHAPES: [Shape; 7] = [
    Shape { stakers: (1, 1), providers: 1, covenants: (1, 1) },
    Shape { stakers: (1, 1), providers: 1, covenants: (5, 3) },
    Shape { stakers: (1, 1), providers: 3, covenants: (5, 3) },
    Shape { stakers: (3, 2), providers: 1, covenants: (5, 3) },
    Shape { stakers: (3, 2), providers: 2, covenants: (9, 6) },
    Shape { stakers: (2, 2), providers: 4, covenants: (3, 3) },
    Shape { stakers: (1, 1), providers: 2, covenants: (20, 13) },
];

/// Everyone in one stake, with their secrets.
pub(crate) struct Cast {
    pub(crate) shape: Shape,
    stakers: Vec<SecretKey>,
    providers: Vec<SecretKey>,
    covenants: Vec<SecretKey>,
    pub(crate) stranger: SecretKey,
    pub(crate) scripts: DelegationScripts,
    pub(crate) staking_time: StakingTime,
    pub(crate) unbonding_time: UnbondingTime,
}

fn secrets(role: u8, count: u8) -> Vec<SecretKey> {
    (1..=count).map(|n| SecretKey::from_bytes(&[role.wrapping_add(n); 32]).unwrap()).collect()
}

impl Cast {
    pub(crate) fn new(shape: Shape) -> Self {
        Self::locked(shape, 100, 20)
    }

    pub(crate) fn locked(shape: Shape, staking: u32, unbonding: u32) -> Self {
        let (stakers, providers) = (secrets(0x10, shape.stakers.0), secrets(0x40, shape.providers));
        let covenants = secrets(0x80, shape.covenants.0);
        let (staking_time, unbonding_time) =
            (StakingTime::new(staking).unwrap(), UnbondingTime::new(unbonding).unwrap());
        let templates = ScriptTemplates::new(covenant_set(&covenants, shape.covenants.1));
        let (owner, backed) = (owner(&stakers, shape.stakers.1), provider_set(&providers));
        let scripts = templates.scripts(&Libsecp, &owner, &backed, staking_time, unbonding_time).unwrap();
        let stranger = SecretKey::from_bytes(&[0x77; 32]).unwrap();
        Self { shape, stakers, providers, covenants, stranger, scripts, staking_time, unbonding_time }
    }

    pub(crate) fn owner(&self) -> Stakers {
        owner(&self.stakers, self.shape.stakers.1)
    }

    pub(crate) fn provider_set(&self) -> Providers {
        provider_set(&self.providers)
    }

    pub(crate) fn committee(&self) -> Covenants {
        covenant_set(&self.covenants, self.shape.covenants.1)
    }

    /// Signatures of the first `count` staker keys.
    pub(crate) fn staker_signatures(&self, count: usize, digest: &Sighash) -> Vec<(StakerKey, Signature)> {
        self.stakers.iter().take(count).map(|key| (staker(key), sign(key, digest))).collect()
    }

    /// Signatures of the first `count` covenant members.
    pub(crate) fn covenant_signatures(
        &self,
        count: usize,
        digest: &Sighash,
    ) -> Vec<(CovenantKey, Signature)> {
        self.covenants.iter().take(count).map(|key| (covenant(key), sign(key, digest))).collect()
    }

    /// Every member's signature, decrypted with what provider `index` leaked.
    pub(crate) fn decrypted(&self, index: usize, digest: &Sighash) -> Vec<(CovenantKey, Signature)> {
        let encrypt = |member: &SecretKey| {
            let to = |p: &SecretKey| EncryptionKey::from_x_only(&p.x_only()).unwrap();
            let one = |p: &SecretKey| adaptor::sign(member, &to(p), &digest.0, &[0; 32]).unwrap();
            (covenant(member), self.providers.iter().map(one).collect::<Vec<_>>())
        };
        let members: Vec<_> = self.covenants.iter().map(encrypt).collect();
        self.leaked(index).decrypt(&self.provider_set(), &members).unwrap()
    }

    fn leaked(&self, index: usize) -> LeakedKey {
        let key = &self.providers[index];
        LeakedKey::check(&Libsecp, provider(key), key.to_secret()).unwrap()
    }

    pub(crate) fn leaked_secret(&self, index: usize) -> SecretScalar {
        self.providers[index].to_even_secret()
    }

    pub(crate) fn provider_signature(&self, index: usize, digest: &Sighash) -> (ProviderKey, Signature) {
        (provider(&self.providers[index]), sign(&self.providers[index], digest))
    }

    /// One adaptor signature of the first member for provider `index`, as its own bytes.
    pub(crate) fn encrypted(&self, index: usize, digest: &Sighash) -> [u8; 65] {
        let to = EncryptionKey::from_x_only(&self.providers[index].x_only()).unwrap();
        adaptor::sign(&self.covenants[0], &to, &digest.0, &[0; 32]).unwrap().to_bytes()
    }

    /// A complete slashing witness with provider `index`'s key.
    pub(crate) fn slashing_witness(
        &self,
        index: usize,
        digest: &Sighash,
        leaf: &Leaf,
        control: &[u8],
    ) -> Vec<Vec<u8>> {
        let covenants = self.decrypted(index, digest);
        let stakers = self.staker_signatures(self.stakers.len(), digest);
        let provider = self.provider_signature(index, digest);
        let signatures = SlashingSignatures { covenants: &covenants, provider, stakers: &stakers };
        witness::slashing(&self.committee(), &self.provider_set(), &self.owner(), &signatures, leaf, control)
            .unwrap()
    }

    /// A complete unbonding witness.
    pub(crate) fn unbonding_witness(&self, digest: &Sighash, leaf: &Leaf, control: &[u8]) -> Vec<Vec<u8>> {
        let covenants = self.covenant_signatures(self.covenants.len(), digest);
        let stakers = self.staker_signatures(self.stakers.len(), digest);
        witness::unbonding(&self.committee(), &covenants, &self.owner(), &stakers, leaf, control).unwrap()
    }

    pub(crate) fn unbonding_tx(&self, stake: OutPoint) -> UnbondingTx {
        UnbondingTx::build(stake, STAKE, UNBONDING_FEE, &self.scripts.unbonding.pk_script()).unwrap()
    }

    pub(crate) fn slashing_tx(&self, funding: Funding) -> SlashingTx {
        SlashingTx::build(funding, &slashing_terms(), SLASHING_FEE, &self.scripts.change.pk_script()).unwrap()
    }
}

/// 10 % to a burn output.
pub(crate) fn slashing_terms() -> SlashingTerms {
    SlashingTerms {
        pk_script: [&[0x6a, 0x05][..], b"slash"].concat(),
        rate: SlashingRate::from_ten_thousandths(1_000).unwrap(),
        rounding: SlashRounding::default(),
        min_fee: SLASHING_FEE,
    }
}

pub(crate) fn sign(key: &SecretKey, digest: &Sighash) -> Signature {
    bip340::sign(key, &digest.0, &[0; 32])
}

/// An outpoint that no block needs to hold.
pub(crate) fn somewhere() -> OutPoint {
    OutPoint { txid: Txid([7; 32]), vout: 1 }
}

/// A spend of one output with a free choice of version and sequence.
pub(crate) fn spend(value: Sat, version: i32, sequence: u32) -> Transaction {
    let output = TxOut::new(Sat(value.0 - 1_000), [&[0x51, 0x20][..], &[3; 32]].concat());
    Transaction {
        version,
        inputs: vec![TxIn::unsigned(somewhere(), sequence)],
        outputs: vec![output],
        lock_time: 0,
    }
}

/// Digest of the only input of `tx` for a leaf.
pub(crate) fn digest(tx: &Transaction, value: Sat, script: &[u8; 34], leaf: &Leaf) -> Sighash {
    script_path(tx, 0, &[Prevout { value, script }], leaf.hash()).unwrap()
}

/// Runs the only input of a transaction in Core's interpreter.
pub(crate) fn run(tx: &Transaction, value: Sat, script: &[u8; 34]) -> Result<(), ScriptError> {
    run_all(tx, &[TxOut::new(value, *script)], 0)
}

/// Runs one input of a transaction that spends `spent`.
pub(crate) fn run_all(tx: &Transaction, spent: &[TxOut], input: usize) -> Result<(), ScriptError> {
    let tx: bitcoin::Transaction = deserialize(&tx.serialize()).unwrap();
    let out = |out: &TxOut| bitcoin::TxOut {
        value: bitcoin::Amount::from_sat(out.value.0),
        script_pubkey: bitcoin::ScriptBuf::from_bytes(out.script.clone()),
    };
    verify_spend(&spent.iter().map(out).collect::<Vec<_>>(), &tx, input)
}

/// Runs a transaction with a witness put in.
pub(crate) fn run_with(
    tx: &Transaction,
    stack: &[Vec<u8>],
    value: Sat,
    script: &[u8; 34],
) -> Result<(), ScriptError> {
    let mut tx = tx.clone();
    tx.inputs[0].witness = stack.to_vec();
    run(&tx, value, script)
}

fn staker(key: &SecretKey) -> StakerKey {
    StakerKey::from_bytes(key.x_only().as_bytes()).unwrap()
}

fn provider(key: &SecretKey) -> ProviderKey {
    ProviderKey::from_bytes(key.x_only().as_bytes()).unwrap()
}

fn covenant(key: &SecretKey) -> CovenantKey {
    CovenantKey::from_bytes(key.x_only().as_bytes()).unwrap()
}

fn owner(keys: &[SecretKey], quorum: u32) -> Stakers {
    Stakers::multi(keys.iter().map(staker).collect(), quorum).unwrap()
}

fn provider_set(keys: &[SecretKey]) -> Providers {
    Providers::new(keys.iter().map(provider).collect()).unwrap()
}

fn covenant_set(keys: &[SecretKey], quorum: u32) -> Covenants {
    Covenants::new(keys.iter().map(covenant).collect(), quorum).unwrap()
}
