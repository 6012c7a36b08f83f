//! Valid transactions with bytes replaced: what a fuzzer could hardly build it may spoil. Each three bytes of the input
//! say which transaction, where, and by what.

use std::sync::LazyLock;

use staking_crypto::curve::Libsecp;
use staking_crypto::{SecretKey, bip340};
use staking_protocol::delegation::{DelegationRequest, StakeTerms, derive, verify_delegation};
use staking_protocol::keys::StakerKey;
use staking_protocol::tx::sighash::Prevout;
use staking_protocol::tx::slashing::SlashingPolicy;
use staking_protocol::tx::spend::StakeSpend;
use staking_protocol::tx::withdrawal::{Withdrawable, WithdrawalTx};
use staking_protocol::tx::{OutPoint, Sat, Sighash, StakingTx, Transaction, TxIn, Txid};

use crate::stakes::STAKE;

/// A whole registration by the holder of the secret 2.
struct Registration {
    terms: StakeTerms,
    raw: [Vec<u8>; 4],
    signatures: [Vec<(StakerKey, bip340::Signature)>; 2],
    staking: StakingTx,
    unbonding_value: Sat,
    /// A withdrawal of the stake through its time lock, signed.
    withdrawal: Vec<u8>,
}

static REGISTRATION: LazyLock<Registration> = LazyLock::new(make);

fn sign(digest: &Sighash) -> Vec<(StakerKey, bip340::Signature)> {
    let mut number = [0; 32];
    number[31] = 2;
    let key = SecretKey::from_bytes(&number).expect("two is a key");
    vec![(key.x_only().into(), bip340::sign(&key, &digest.0, &[0; 32]))]
}

fn make() -> Registration {
    let terms = STAKE.terms.clone();
    let scripts = terms.scripts(&Libsecp, &STAKE.params).expect("scripts");
    let input = TxIn::unsigned(OutPoint { txid: Txid([1; 32]), vout: 0 }, TxIn::SEQUENCE_FINAL);
    let staking =
        StakingTx::build(&scripts.staking.pk_script(), terms.value, vec![input], vec![]).expect("a stake");
    let presigned = derive(&Libsecp, &STAKE.params, &terms, staking.outpoint()).expect("transactions");
    let digests = presigned.sighashes();
    let source = Withdrawable::staking(staking.outpoint(), terms.value, &scripts.staking, terms.staking_time);
    let withdrawal =
        WithdrawalTx::build(vec![source], &scripts.change.pk_script(), Sat(500)).expect("a withdrawal");
    let signed = withdrawal.sighashes().expect("digests").iter().map(sign).collect::<Vec<_>>();
    let withdrawal = withdrawal.sign(&terms.stakers, &signed).expect("a quorum").serialize();
    let (slashing, unbonding) = (presigned.slashing(), presigned.unbonding());
    let parts = [
        staking.transaction(),
        unbonding.transaction(),
        slashing.transaction(),
        presigned.unbonding_slashing().transaction(),
    ];
    Registration {
        raw: parts.map(Transaction::serialize),
        signatures: [sign(&digests.slashing), sign(&digests.unbonding_slashing)],
        unbonding_value: unbonding.value(),
        terms,
        staking,
        withdrawal,
    }
}

/// A registration is accepted if and only if no byte of it was changed.
pub fn registration(data: &[u8]) {
    let good = &*REGISTRATION;
    let mut raw = good.raw.clone();
    for [which, at, byte] in data.as_chunks::<3>().0 {
        let tx = &mut raw[usize::from(which % 4)];
        let at = usize::from(*at) % tx.len();
        tx[at] = *byte;
    }
    let request = DelegationRequest {
        terms: &good.terms,
        staking_tx: &raw[0],
        unbonding_time: STAKE.params.unbonding_time(),
        unbonding_tx: &raw[1],
        unbonding_value: good.unbonding_value,
        slashing_tx: &raw[2],
        slashing_signatures: &good.signatures[0],
        unbonding_slashing_tx: &raw[3],
        unbonding_slashing_signatures: &good.signatures[1],
    };
    let verdict = verify_delegation(&Libsecp, &STAKE.params, SlashingPolicy::AtLeast, &request);
    assert_eq!(verdict.is_ok(), raw == good.raw, "{verdict:?}");
}

/// A spend is the holder's if and only if nothing that was signed is changed; a withdrawal moreover has one witness.
pub fn spend(data: &[u8]) {
    let good = &*REGISTRATION;
    let mut raw = good.withdrawal.clone();
    for [high, low, byte] in data.as_chunks::<3>().0 {
        let at = usize::from(u16::from_be_bytes([*high, *low])) % raw.len();
        raw[at] = *byte;
    }
    let Ok(tx) = Transaction::parse(&raw) else { return };
    let script = STAKE.presigned.scripts().staking.pk_script();
    let output = Prevout { value: good.terms.value, script: &script };
    let funding = [good.staking.transaction().clone()];
    let spend = StakeSpend { tx: &tx, input: 0, funding: &funding };
    let accepted = spend.verify(&Libsecp, good.staking.outpoint(), output, &good.terms.stakers).is_ok();
    assert_eq!(accepted, raw == good.withdrawal);
    let time = good.terms.staking_time;
    let source = Withdrawable::staking(
        good.staking.outpoint(),
        good.terms.value,
        &STAKE.presigned.scripts().staking,
        time,
    );
    let proven = WithdrawalTx::prove(&Libsecp, &good.terms.stakers, &[source], &tx).is_ok();
    assert_eq!(proven, raw == good.withdrawal);
}
