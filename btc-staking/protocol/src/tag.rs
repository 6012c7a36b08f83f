//! OP_RETURN v0: the output that makes a stake of the first phase findable (spec §1.5).
//!
//! `6a 47 ‖ tag(4) ‖ version 0 ‖ staker(32) ‖ provider(32) ‖ staking time (u16, big endian)`. Only direct pushes are
//! read: Babylon's parser also takes a PUSHDATA1 of 70 bytes for a payload whose tag begins with 0x46, which no
//! honest builder makes.

use staking_crypto::{Curve, XOnly};

use crate::keys::{ProviderKey, Providers, StakerKey, Stakers};
use crate::script::{ScriptError, ScriptTemplates, StakingOutput};
use crate::timelock::StakingTime;
use crate::tx::{OutPoint, Sat, Transaction, TxOut};

/// Length of the payload.
const PAYLOAD_LEN: usize = 71;
/// OP_RETURN and a direct push of the payload.
const PREFIX: [u8; 2] = [0x6a, 0x47];
const VERSION: u8 = 0;

/// Four bytes that tell the stakes of one chain from another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag(pub [u8; 4]);

impl Tag {
    /// Babylon mainnet: "bbn1".
    pub const BBN_1: Self = Self(*b"bbn1");
    /// Babylon testnets: "bbt4".
    pub const BBN_TEST: Self = Self(*b"bbt4");
}

/// What an identifiable stake says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpReturnV0 {
    /// Which chain it is for.
    pub tag: Tag,
    /// Who stakes.
    pub staker: StakerKey,
    /// Whom it backs.
    pub provider: ProviderKey,
    /// For how long.
    pub staking_time: StakingTime,
}

impl OpReturnV0 {
    /// Returns the 71 bytes of the payload.
    #[must_use]
    pub fn payload(&self) -> [u8; PAYLOAD_LEN] {
        let mut payload = [0; PAYLOAD_LEN];
        let parts: [&[u8]; 5] = [
            &self.tag.0,
            &[VERSION],
            self.staker.as_bytes(),
            self.provider.as_bytes(),
            &self.staking_time.blocks().to_be_bytes(),
        ];
        payload.iter_mut().zip(parts.into_iter().flatten()).for_each(|(to, from)| *to = *from);
        payload
    }

    /// Returns the output script.
    #[must_use]
    pub fn script(&self) -> [u8; 73] {
        let mut script = [0; 73];
        let [op, push, payload @ ..] = &mut script;
        ([*op, *push], *payload) = (PREFIX, self.payload());
        script
    }

    /// Returns the output: no value.
    #[must_use]
    pub fn output(&self) -> TxOut {
        TxOut::new(Sat(0), self.script())
    }

    /// Reads an output script; `None` if it is something else.
    ///
    /// Keys off the curve make it something else, which costs two square roots; a foreign OP_RETURN costs nothing.
    #[must_use]
    pub fn read<C: Curve>(curve: &C, script: &[u8]) -> Option<Self> {
        let fields = Fields::read(script)?;
        let key = |bytes: &[u8; 32]| {
            let key = XOnly::from_bytes(bytes).ok()?;
            curve.lift_x(&key).ok().map(|_| key)
        };
        Some(Self {
            tag: fields.tag,
            staker: key(fields.staker)?.into(),
            provider: key(fields.provider)?.into(),
            staking_time: StakingTime::new(u32::from(fields.time)).ok()?,
        })
    }
}

struct Fields<'a> {
    tag: Tag,
    staker: &'a [u8; 32],
    provider: &'a [u8; 32],
    time: u16,
}

impl<'a> Fields<'a> {
    fn read(script: &'a [u8]) -> Option<Self> {
        let payload: &[u8; PAYLOAD_LEN] = script.strip_prefix(&PREFIX)?.try_into().ok()?;
        let (tag, rest) = payload.split_first_chunk::<4>()?;
        let (version, rest) = rest.split_first()?;
        let (staker, rest) = rest.split_first_chunk::<32>()?;
        let (provider, rest) = rest.split_first_chunk::<32>()?;
        let time = u16::from_be_bytes(*rest.first_chunk::<2>()?);
        (*version == VERSION).then_some(Self { tag: Tag(*tag), staker, provider, time })
    }
}

/// Why a transaction is not an identifiable stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseV0Error {
    /// Fewer than two outputs.
    #[error("a stake and its OP_RETURN need two outputs, there are {0}")]
    TooFewOutputs(usize),
    /// No output is an OP_RETURN of this format.
    #[error("no staking OP_RETURN")]
    NoOpReturn,
    /// Two outputs are.
    #[error("outputs {0} and {1} are both a staking OP_RETURN")]
    TwoOpReturns(u32, u32),
    /// The tag is another chain's.
    #[error("tag {found:02x?} instead of {expected:02x?}", found = .found.0, expected = .expected.0)]
    OtherTag {
        /// Ours.
        expected: Tag,
        /// The output's.
        found: Tag,
    },
    /// The staking output cannot be rebuilt.
    #[error(transparent)]
    Scripts(#[from] ScriptError),
    /// No output pays the rebuilt script.
    #[error("no staking output")]
    NoStakingOutput,
    /// Two outputs do.
    #[error("outputs {0} and {1} are both the staking output")]
    TwoStakingOutputs(u32, u32),
}

/// An identifiable stake that was found in a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StakeV0 {
    /// What the OP_RETURN says.
    pub data: OpReturnV0,
    /// Index of the OP_RETURN.
    pub op_return_idx: u32,
    /// Where the stake is.
    pub outpoint: OutPoint,
    /// What it holds.
    pub value: Sat,
    /// Its scripts.
    pub output: StakingOutput,
}

/// Finds an identifiable stake in a transaction.
///
/// # Errors
/// [`ParseV0Error`].
pub fn parse_v0<C: Curve>(
    curve: &C,
    tx: &Transaction,
    tag: Tag,
    scripts: &ScriptTemplates,
) -> Result<StakeV0, ParseV0Error> {
    let (index, data) = find_op_return(curve, tx)?;
    if data.tag != tag {
        return Err(ParseV0Error::OtherTag { expected: tag, found: data.tag });
    }
    find_stake(curve, tx, index, data, scripts)
}

/// As [`parse_v0`], for any tag.
///
/// # Errors
/// [`ParseV0Error`].
pub fn parse_v0_any_tag<C: Curve>(
    curve: &C,
    tx: &Transaction,
    scripts: &ScriptTemplates,
) -> Result<StakeV0, ParseV0Error> {
    let (index, data) = find_op_return(curve, tx)?;
    find_stake(curve, tx, index, data, scripts)
}

/// Tells cheaply whether a transaction may be an identifiable stake: two outputs, and exactly one OP_RETURN of the
/// right length, tag and version. May say no where [`parse_v0`] says yes.
#[must_use]
pub fn is_possible_v0(tx: &Transaction, tag: Tag) -> bool {
    let ours = |output: &&TxOut| Fields::read(&output.script).is_some_and(|fields| fields.tag == tag);
    tx.outputs.len() >= 2 && tx.outputs.iter().filter(ours).count() == 1
}

fn find_op_return<C: Curve>(curve: &C, tx: &Transaction) -> Result<(u32, OpReturnV0), ParseV0Error> {
    if tx.outputs.len() < 2 {
        return Err(ParseV0Error::TooFewOutputs(tx.outputs.len()));
    }
    let read = |(i, output): (u32, &TxOut)| OpReturnV0::read(curve, &output.script).map(|data| (i, data));
    let mut found = (0u32..).zip(&tx.outputs).filter_map(read);
    let first = found.next().ok_or(ParseV0Error::NoOpReturn)?;
    match found.next() {
        Some((second, _)) => Err(ParseV0Error::TwoOpReturns(first.0, second)),
        None => Ok(first),
    }
}

fn find_stake<C: Curve>(
    curve: &C,
    tx: &Transaction,
    op_return_idx: u32,
    data: OpReturnV0,
    scripts: &ScriptTemplates,
) -> Result<StakeV0, ParseV0Error> {
    let (staker, provider) = (Stakers::single(data.staker), Providers::single(data.provider));
    let output = scripts.staking_output(curve, &staker, &provider, data.staking_time)?;
    let pk_script = output.pk_script();
    let mut matching = (0u32..).zip(&tx.outputs).filter(|(_, o)| o.script == pk_script);
    let (vout, staked) = matching.next().ok_or(ParseV0Error::NoStakingOutput)?;
    if let Some((second, _)) = matching.next() {
        return Err(ParseV0Error::TwoStakingOutputs(vout, second));
    }
    let (outpoint, value) = (OutPoint { txid: tx.txid(), vout }, staked.value);
    Ok(StakeV0 { data, op_return_idx, outpoint, value, output })
}
