//! Covenant signatures: one record a member, numbered as they came. Each carries who has signed so far, so
//! that one read of the last record tells everything about the quorum.

use contract_host::pack::{CorruptState, Unpack};
use contract_host::store;
use cosmwasm_std::Storage;
use staking_crypto::adaptor::AdaptorSignature;
use staking_protocol::delegation::CovenantSignatures;

use super::delegation::Id;
use super::prefix;

/// Who has signed a delegation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signers {
    /// A bit for each member, by position in the sorted committee.
    members: u64,
    /// How many of them are in the committee of the stake that is expanded.
    pub(crate) of_previous: u8,
}

impl Signers {
    pub(crate) fn count(self) -> u32 {
        self.members.count_ones()
    }

    pub(crate) fn has(self, member: u8) -> bool {
        self.members >> member.min(63) & 1 == 1
    }

    pub(crate) fn with(self, member: u8, of_previous: bool) -> Self {
        let of_previous = self.of_previous.saturating_add(u8::from(of_previous));
        Self { members: self.members | 1 << member.min(63), of_previous }
    }
}

/// One member's signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) member: u8,
    pub(crate) signers: Signers,
    pub(crate) slashing: Vec<[u8; 65]>,
    pub(crate) unbonding: [u8; 64],
    pub(crate) unbonding_slashing: Vec<[u8; 65]>,
    pub(crate) expansion: Option<[u8; 64]>,
}

/// Who has signed, and the number of the last record.
pub(crate) fn signers(storage: &dyn Storage, id: Id) -> Result<(Signers, Option<u8>), CorruptState> {
    let Some((key, raw)) = store::last_until(storage, &id.key(prefix::SIGNATURES), &[u8::MAX]) else {
        return Ok((Signers::default(), None));
    };
    let mut fields = Unpack::new("covenant signatures", &raw);
    fields.u8()?;
    Ok((read_signers(&mut fields)?, key.last().copied()))
}

fn read_signers(fields: &mut Unpack<'_>) -> Result<Signers, CorruptState> {
    let mut members = [0; 8];
    let width = usize::from(fields.u8()?);
    let bytes = fields.bytes(width)?;
    members.iter_mut().rev().zip(bytes.iter().rev()).for_each(|(to, from)| *to = *from);
    Ok(Signers { members: u64::from_be_bytes(members), of_previous: fields.u8()? })
}

fn write_signers(raw: &mut Vec<u8>, signers: Signers) {
    let bytes = signers.members.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    raw.push(u8::try_from(8usize.saturating_sub(zeros)).unwrap_or(8));
    raw.extend(bytes.iter().skip(zeros));
    raw.push(signers.of_previous);
}

/// Stores a member's verified signatures under the next number.
pub(crate) fn add(
    storage: &mut dyn Storage,
    id: Id,
    last: Option<u8>,
    (member, signers): (u8, Signers),
    signatures: &CovenantSignatures,
) {
    let mut raw = Vec::with_capacity(256);
    raw.push(member);
    write_signers(&mut raw, signers);
    for adaptor in signatures.slashing.iter().chain(&signatures.unbonding_slashing) {
        raw.extend_from_slice(&adaptor.to_bytes());
    }
    raw.extend_from_slice(&signatures.unbonding.to_bytes());
    raw.extend(signatures.expansion.iter().flat_map(|s| s.to_bytes()));
    let number = last.map_or(0, |last| last.saturating_add(1));
    storage.set(&[&id.key(prefix::SIGNATURES)[..], &[number]].concat(), &raw);
}

/// All records of a delegation, in the order in which they came.
pub(crate) fn all(storage: &dyn Storage, id: Id, providers: usize) -> Result<Vec<Record>, CorruptState> {
    let prefix = id.key(prefix::SIGNATURES);
    store::page(storage, &prefix, None, 64).map(|(_, raw)| unpack(&raw, providers)).collect()
}

fn unpack(raw: &[u8], providers: usize) -> Result<Record, CorruptState> {
    let mut fields = Unpack::new("covenant signatures", raw);
    let member = fields.u8()?;
    let signers = read_signers(&mut fields)?;
    let adaptors =
        |fields: &mut Unpack<'_>| (0..providers).map(|_| fields.array()).collect::<Result<Vec<_>, _>>();
    let (slashing, unbonding_slashing) = (adaptors(&mut fields)?, adaptors(&mut fields)?);
    let unbonding = fields.array()?;
    let expansion = if fields.is_empty() { None } else { Some(fields.array()?) };
    fields.end()?;
    Ok(Record { member, signers, slashing, unbonding, unbonding_slashing, expansion })
}

impl Record {
    /// The adaptor signature of the slashing transaction for a provider.
    pub(crate) fn slashing_adaptor(&self, provider: usize) -> Option<AdaptorSignature> {
        AdaptorSignature::from_current(self.slashing.get(provider)?).ok()
    }
}
