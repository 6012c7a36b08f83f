//! Transactions, payloads that make stakes findable, witnesses, stored parameters and returned PSBTs.

use std::sync::LazyLock;

use bitcoin::psbt::Psbt;
use staking_crypto::XOnly;
use staking_crypto::curve::{Libsecp, Pure};
use staking_protocol::delegation::{Presigned, StakeTerms, derive};
use staking_protocol::keys::{ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::op_return as checkpoint_data;
use staking_protocol::params::{Params, ParamsUnchecked};
use staking_protocol::psbt::{SigningRequest, check_returned};
use staking_protocol::script::StakingPath;
use staking_protocol::tag::{OpReturnV0, Tag, is_possible_v0, parse_v0, parse_v0_any_tag};
use staking_protocol::timelock::StakingTime;
use staking_protocol::tx::witness::{self, Group};
use staking_protocol::tx::{OutPoint, Sat, Transaction, TxOut, Txid};

/// x(2G), x(3G) and x(G).
const KEYS: [[u8; 32]; 3] = [
    [
        0xc6, 0x04, 0x7f, 0x94, 0x41, 0xed, 0x7d, 0x6d, 0x30, 0x45, 0x40, 0x6e, 0x95, 0xc0, 0x7c, 0xd8, 0x5c,
        0x77, 0x8e, 0x4b, 0x8c, 0xef, 0x3c, 0xa7, 0xab, 0xac, 0x09, 0xb9, 0x5c, 0x70, 0x9e, 0xe5,
    ],
    [
        0xf9, 0x30, 0x8a, 0x01, 0x92, 0x58, 0xc3, 0x10, 0x49, 0x34, 0x4f, 0x85, 0xf8, 0x9d, 0x52, 0x29, 0xb5,
        0x31, 0xc8, 0x45, 0x83, 0x6f, 0x99, 0xb0, 0x86, 0x01, 0xf1, 0x13, 0xbc, 0xe0, 0x36, 0xf9,
    ],
    *XOnly::GENERATOR.as_bytes(),
];

pub(crate) struct Stake {
    pub(crate) params: Params,
    pub(crate) terms: StakeTerms,
    pub(crate) presigned: Presigned,
}

pub(crate) static STAKE: LazyLock<Stake> = LazyLock::new(stake);

fn stake() -> Stake {
    let raw = ParamsUnchecked {
        covenant_pks: vec![KEYS[2]],
        covenant_quorum: 1,
        min_staking_value_sat: 100_000,
        max_staking_value_sat: 10_000_000,
        min_staking_time_blocks: 10,
        max_staking_time_blocks: 60_000,
        slashing_pk_script: b"\x6a\x04burn".to_vec(),
        min_slashing_tx_fee_sat: 1_000,
        slashing_rate: "0.1".to_owned(),
        unbonding_time_blocks: 100,
        unbonding_fee_sat: 1_000,
        ..ParamsUnchecked::default()
    };
    let params = raw.check().expect("the parameters are valid");
    let terms = StakeTerms {
        stakers: Stakers::single(StakerKey::from_bytes(&KEYS[0]).expect("a key")),
        providers: Providers::single(ProviderKey::from_bytes(&KEYS[1]).expect("a key")),
        staking_time: StakingTime::new(1_000).expect("a lock"),
        value: Sat(1_000_000),
    };
    let outpoint = OutPoint { txid: Txid([7; 32]), vout: 0 };
    let presigned = derive(&Libsecp, &params, &terms, outpoint).expect("a stake");
    Stake { params, terms, presigned }
}

/// Raw transactions, compared with rust-bitcoin's reading of them.
pub fn transaction(data: &[u8]) {
    let peer = bitcoin::consensus::deserialize::<bitcoin::Transaction>(data);
    if let Ok(tx) = Transaction::parse(data) {
        let peer = peer.expect("what we accept is a transaction");
        assert_eq!(tx.txid().0, *AsRef::<[u8; 32]>::as_ref(&peer.compute_txid()));
        assert_eq!(tx.serialize(), data, "one transaction has one encoding");
        let stake = &*STAKE;
        let _ = is_possible_v0(&tx, Tag(*b"fuzz"));
        let _ = parse_v0(&Libsecp, &tx, Tag(*b"fuzz"), stake.params.scripts());
        let _ = parse_v0_any_tag(&Libsecp, &tx, stake.params.scripts());
        let _ = checkpoint_data::standard_data(&tx);
    }
    if let Ok(tx) = Transaction::parse_stripped(data) {
        assert_eq!(tx.serialize_stripped(), data, "one form without witnesses");
    }
    if let Ok(output) = TxOut::parse(data) {
        assert_eq!(output.to_bytes(), data);
    }
}

/// Output scripts as OP_RETURN payloads of both kinds.
pub fn op_return(data: &[u8]) {
    let found = OpReturnV0::read(&Libsecp, data);
    assert_eq!(found, OpReturnV0::read(&Pure, data));
    if let Some(payload) = found {
        assert_eq!(OpReturnV0::read(&Libsecp, &payload.script()), Some(payload));
    }
    let _ = checkpoint_data::is_standard(data);
}

/// Witness stacks: items with a one-byte length each, against a slashing path.
pub fn witness(mut data: &[u8]) {
    let stake = &*STAKE;
    let mut stack = Vec::new();
    while let Some((len, rest)) = data.split_first() {
        let (item, tail) = rest.split_at(usize::from(*len).min(rest.len()));
        stack.push(item.to_vec());
        data = tail;
    }
    let output = &stake.presigned.scripts().staking;
    let (leaf, block) = (output.leaf(StakingPath::Slashing), output.control_block(StakingPath::Slashing));
    // Script and control block are long; the fuzzer is spared from finding them.
    stack.extend([leaf.script().to_vec(), block.clone()]);
    let groups = [
        Group::covenants(stake.params.covenants()),
        Group::providers(&stake.terms.providers),
        Group::stakers(&stake.terms.stakers),
    ];
    let digest = stake.presigned.sighashes().slashing;
    assert!(witness::check(&Libsecp, &stack, &groups, leaf, &block, &digest).is_err());
}

/// Parameters from a contract's storage.
pub fn packed_params(data: &[u8]) {
    if let Ok(params) = Params::unpack(data) {
        assert_eq!(Params::unpack(&params.pack()), Ok(params));
    }
}

/// What a wallet returns: nobody can sign here, so nothing may be accepted.
pub fn psbt(data: &[u8]) {
    let Ok(returned) = Psbt::deserialize(data) else { return };
    let stake = &*STAKE;
    let request = SigningRequest::slashing(&stake.presigned, &stake.terms.stakers, &Default::default());
    let request = request.expect("the request can be made");
    assert!(check_returned(&Libsecp, &request, &returned).is_err());
    let mut same = returned;
    same.unsigned_tx = request.psbt().unsigned_tx.clone();
    assert!(check_returned(&Libsecp, &request, &same).is_err());
}
