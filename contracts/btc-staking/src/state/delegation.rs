//! Delegations: the registration, which never changes, and the life, which is small.

use contract_host::pack::{CorruptState, Unpack, put_long_bytes, put_number, put_short_bytes};
use contract_host::store;
use cosmwasm_std::Storage;
use staking_api::staking::SpendKind;
use staking_protocol::delegation::{SighashSet, StakeTerms};
use staking_protocol::keys::{ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::timelock::StakingTime;
use staking_protocol::tx::sighash::Sighash;
use staking_protocol::tx::{OutPoint, Sat, Transaction, Txid};

use super::prefix;
use crate::error::StakingError;

/// First bytes of a txid, by which a delegation is stored.
pub(crate) const ID_LEN: usize = 12;

/// By what a delegation is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(pub(crate) [u8; ID_LEN]);

impl Id {
    pub(crate) fn of(txid: &[u8; 32]) -> Self {
        let mut id = [0; ID_LEN];
        id.iter_mut().zip(txid).for_each(|(to, from)| *to = *from);
        Self(id)
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Result<Self, CorruptState> {
        bytes.try_into().map(Self).map_err(|_| CorruptState("delegation id"))
    }

    pub(crate) fn key(self, prefix: u8) -> Vec<u8> {
        [&[prefix][..], &self.0].concat()
    }
}

/// The stake that an expansion continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Previous {
    pub(crate) txid: [u8; 32],
    /// Parameter version of the previous stake, and the quorum there.
    pub(crate) version: u16,
    pub(crate) quorum: u8,
    /// Digest that the old committee signs.
    pub(crate) sighash: [u8; 32],
    /// Serialised output that funds the second input.
    pub(crate) funding_output: Vec<u8>,
}

/// Further keys of an M-of-N staker, and who of them signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Multisig {
    pub(crate) quorum: u8,
    pub(crate) keys: Vec<[u8; 32]>,
    /// Key, signature of the slashing and of the unbonding output's slashing transaction.
    pub(crate) signatures: Vec<([u8; 32], [u8; 64], [u8; 64])>,
}

/// A delegation as registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    pub(crate) txid: [u8; 32],
    pub(crate) owner: Vec<u8>,
    pub(crate) version: u16,
    pub(crate) registered: u32,
    pub(crate) staker: [u8; 32],
    pub(crate) fps: Vec<[u8; 32]>,
    pub(crate) staking_time: u16,
    pub(crate) unbonding_time: u16,
    /// Share that is slashed, in ten-thousandths.
    pub(crate) slash_rate: u16,
    pub(crate) quorum: u8,
    pub(crate) vout: u32,
    pub(crate) value: u64,
    pub(crate) sighashes: [[u8; 32]; 3],
    pub(crate) slashing_signature: [u8; 64],
    pub(crate) unbonding_slashing_signature: [u8; 64],
    pub(crate) previous: Option<Previous>,
    pub(crate) multisig: Option<Multisig>,
    /// Slashing transactions that are not the derived ones.
    pub(crate) slashing_txs: Option<(Vec<u8>, Vec<u8>)>,
    pub(crate) staking_tx: Vec<u8>,
}

const HAS_PREVIOUS: u8 = 1;
const HAS_MULTISIG: u8 = 2;
const HAS_SLASHING_TXS: u8 = 4;

impl Registration {
    pub(crate) fn load(storage: &dyn Storage, txid: &[u8; 32]) -> Result<Option<Self>, CorruptState> {
        let registration = Self::load_by_id(storage, Id::of(txid))?;
        Ok(registration.filter(|r| r.txid == *txid))
    }

    pub(crate) fn load_by_id(storage: &dyn Storage, id: Id) -> Result<Option<Self>, CorruptState> {
        // A plain read: from 314 bytes on it is cheaper than a one-key range.
        storage.get(&id.key(prefix::REGISTRATION)).map(|raw| Self::unpack(&raw)).transpose()
    }

    pub(crate) fn require(storage: &dyn Storage, txid: &[u8; 32]) -> Result<Self, StakingError> {
        Self::load(storage, txid)?.ok_or(StakingError::NoSuchDelegation((*txid).into()))
    }

    /// Whether another registration has the same id.
    pub(crate) fn exists(storage: &dyn Storage, txid: &[u8; 32]) -> bool {
        store::exists(storage, &Id::of(txid).key(prefix::REGISTRATION))
    }

    pub(crate) fn id(&self) -> Id {
        Id::of(&self.txid)
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage) -> Result<(), StakingError> {
        let raw = self.pack()?;
        storage.set(&self.id().key(prefix::REGISTRATION), &raw);
        Ok(())
    }

    fn flags(&self) -> u8 {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        flag(self.previous.is_some(), HAS_PREVIOUS)
            | flag(self.multisig.is_some(), HAS_MULTISIG)
            | flag(self.slashing_txs.is_some(), HAS_SLASHING_TXS)
    }

    fn pack(&self) -> Result<Vec<u8>, StakingError> {
        let mut raw = Vec::with_capacity(512);
        raw.push(self.flags());
        put_short_bytes(&mut raw, &self.owner)?;
        raw.extend_from_slice(&self.version.to_be_bytes());
        raw.extend_from_slice(&self.registered.to_be_bytes());
        raw.extend_from_slice(&self.staker);
        put_count(&mut raw, self.fps.len())?;
        self.fps.iter().for_each(|fp| raw.extend_from_slice(fp));
        raw.extend_from_slice(&self.staking_time.to_be_bytes());
        raw.extend_from_slice(&self.unbonding_time.to_be_bytes());
        raw.extend_from_slice(&self.slash_rate.to_be_bytes());
        raw.push(self.quorum);
        put_number(&mut raw, u64::from(self.vout));
        self.sighashes.iter().for_each(|hash| raw.extend_from_slice(hash));
        raw.extend_from_slice(&self.slashing_signature);
        raw.extend_from_slice(&self.unbonding_slashing_signature);
        if let Some(previous) = &self.previous {
            raw.extend_from_slice(&previous.txid);
            raw.extend_from_slice(&previous.version.to_be_bytes());
            raw.push(previous.quorum);
            raw.extend_from_slice(&previous.sighash);
            put_long_bytes(&mut raw, &previous.funding_output)?;
        }
        if let Some(multisig) = &self.multisig {
            multisig.pack(&mut raw)?;
        }
        if let Some((slashing, unbonding_slashing)) = &self.slashing_txs {
            put_long_bytes(&mut raw, slashing)?;
            put_long_bytes(&mut raw, unbonding_slashing)?;
        }
        raw.extend_from_slice(&self.staking_tx);
        Ok(raw)
    }

    pub(crate) fn unpack(raw: &[u8]) -> Result<Self, CorruptState> {
        let mut f = Unpack::new("registration", raw);
        let flags = f.u8()?;
        let owner = f.short_bytes()?.to_vec();
        let (version, registered, staker) = (f.u16()?, f.u32()?, f.array()?);
        let fps = keys(&mut f)?;
        let (staking_time, unbonding_time, slash_rate, quorum) = (f.u16()?, f.u16()?, f.u16()?, f.u8()?);
        let vout = u32::try_from(f.number()?).map_err(|_| CorruptState("registration"))?;
        let sighashes = [f.array()?, f.array()?, f.array()?];
        let (slashing_signature, unbonding_slashing_signature) = (f.array()?, f.array()?);
        let previous = if flags & HAS_PREVIOUS == 0 { None } else { Some(Previous::unpack(&mut f)?) };
        let multisig = if flags & HAS_MULTISIG == 0 { None } else { Some(Multisig::unpack(&mut f)?) };
        let slashing_txs = if flags & HAS_SLASHING_TXS == 0 {
            None
        } else {
            Some((f.long_bytes()?.to_vec(), f.long_bytes()?.to_vec()))
        };
        let staking_tx = f.rest().to_vec();
        // It is stored without witness, so its hash is the txid.
        let tx = Transaction::parse(&staking_tx).map_err(|_| CorruptState("registration"))?;
        let value = tx.output(vout).ok_or(CorruptState("registration"))?.value.0;
        Ok(Self {
            txid: tx.txid().0,
            owner,
            version,
            registered,
            staker,
            fps,
            staking_time,
            unbonding_time,
            slash_rate,
            quorum,
            vout,
            value,
            sighashes,
            slashing_signature,
            unbonding_slashing_signature,
            previous,
            multisig,
            slashing_txs,
            staking_tx,
        })
    }

    pub(crate) fn outpoint(&self) -> OutPoint {
        OutPoint { txid: Txid(self.txid), vout: self.vout }
    }

    /// Digests that covenant members sign.
    pub(crate) fn sighash_set(&self) -> SighashSet {
        let [slashing, unbonding, unbonding_slashing] = self.sighashes.map(Sighash);
        let expansion = self.previous.as_ref().map(|p| Sighash(p.sighash));
        SighashSet { slashing, unbonding, unbonding_slashing, expansion }
    }

    /// What the holder chose. The keys were checked at registration.
    pub(crate) fn terms(&self) -> Result<StakeTerms, StakingError> {
        let corrupt = || CorruptState("registration");
        let fps: Result<Vec<_>, _> = self.fps.iter().map(ProviderKey::from_bytes).collect();
        Ok(StakeTerms {
            stakers: self.stakers()?,
            providers: Providers::new(fps?).map_err(|_| corrupt())?,
            staking_time: StakingTime::new(u32::from(self.staking_time)).map_err(|_| corrupt())?,
            value: Sat(self.value),
        })
    }

    /// Whose coins they are.
    pub(crate) fn stakers(&self) -> Result<Stakers, StakingError> {
        let mut keys = vec![StakerKey::from_bytes(&self.staker)?];
        let others = self.multisig.as_ref().map_or(&[][..], |m| &m.keys);
        for key in others {
            keys.push(StakerKey::from_bytes(key)?);
        }
        let quorum = self.multisig.as_ref().map_or(1, |m| u32::from(m.quorum));
        Ok(Stakers::multi(keys, quorum).map_err(|_| CorruptState("registration"))?)
    }

    /// The staking transaction.
    pub(crate) fn transaction(&self) -> Result<Transaction, StakingError> {
        Ok(Transaction::parse(&self.staking_tx)?)
    }
}

fn put_count(raw: &mut Vec<u8>, count: usize) -> Result<(), StakingError> {
    let max = 255;
    raw.push(u8::try_from(count).map_err(|_| contract_host::pack::TooLong { len: count, max })?);
    Ok(())
}

fn keys(fields: &mut Unpack<'_>) -> Result<Vec<[u8; 32]>, CorruptState> {
    let count = fields.u8()?;
    (0..count).map(|_| fields.array()).collect()
}

impl Previous {
    fn unpack(f: &mut Unpack<'_>) -> Result<Self, CorruptState> {
        Ok(Self {
            txid: f.array()?,
            version: f.u16()?,
            quorum: f.u8()?,
            sighash: f.array()?,
            funding_output: f.long_bytes()?.to_vec(),
        })
    }
}

impl Multisig {
    fn pack(&self, raw: &mut Vec<u8>) -> Result<(), StakingError> {
        raw.push(self.quorum);
        put_count(raw, self.keys.len())?;
        self.keys.iter().for_each(|key| raw.extend_from_slice(key));
        put_count(raw, self.signatures.len())?;
        for (key, slashing, unbonding_slashing) in &self.signatures {
            raw.extend_from_slice(key);
            raw.extend_from_slice(slashing);
            raw.extend_from_slice(unbonding_slashing);
        }
        Ok(())
    }

    fn unpack(f: &mut Unpack<'_>) -> Result<Self, CorruptState> {
        let quorum = f.u8()?;
        let keys = keys(f)?;
        let count = f.u8()?;
        let signatures: Result<_, CorruptState> =
            (0..count).map(|_| Ok((f.array()?, f.array()?, f.array()?))).collect();
        Ok(Self { quorum, keys, signatures: signatures? })
    }
}

/// How a staking output was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) kind: SpendKind,
    pub(crate) height: u32,
    /// Its txid, unless it is a pre-signed transaction, whose txid follows from the registration.
    pub(crate) other_txid: Option<[u8; 32]>,
}

/// What happened to a delegation since its registration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Life {
    /// Height of the block with the staking transaction.
    pub(crate) start: Option<u32>,
    /// Whether its power is counted: the one place that decides whether power is added or taken (trap C5).
    pub(crate) counted: bool,
    /// Whether a deep reorg took its inclusion away.
    pub(crate) quarantined: bool,
    /// Whether it ever counted, so that the vault knows it.
    pub(crate) announced: bool,
    pub(crate) spent: Option<Spent>,
}

const INCLUDED: u8 = 1;
const COUNTED: u8 = 2;
const QUARANTINED: u8 = 4;
const SPENT: u8 = 8;
const ANNOUNCED: u8 = 16;
/// The kind of a spend stands in the bits from here on.
const KIND_SHIFT: u32 = 5;

const KINDS: [SpendKind; 4] =
    [SpendKind::Unbonding, SpendKind::Slashing, SpendKind::Expansion, SpendKind::Unexpected];

impl Life {
    pub(crate) fn load(storage: &dyn Storage, id: Id) -> Result<Self, CorruptState> {
        let Some(raw) = store::read(storage, &id.key(prefix::LIFE)) else { return Ok(Self::default()) };
        let mut f = Unpack::new("life", &raw);
        let flags = f.u8()?;
        let start = if flags & INCLUDED == 0 { None } else { Some(f.u32()?) };
        let spent = if flags & SPENT == 0 {
            None
        } else {
            let kind = *KINDS.get(usize::from(flags >> KIND_SHIFT)).ok_or(CorruptState("life"))?;
            let height = f.u32()?;
            Some(Spent { kind, height, other_txid: if f.is_empty() { None } else { Some(f.array()?) } })
        };
        f.end()?;
        let is = |flag: u8| flags & flag != 0;
        Ok(Self {
            start,
            counted: is(COUNTED),
            quarantined: is(QUARANTINED),
            announced: is(ANNOUNCED),
            spent,
        })
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, id: Id) {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let kind = self.spent.and_then(|spent| KINDS.iter().position(|kind| *kind == spent.kind));
        let kind = kind.and_then(|kind| u8::try_from(kind).ok()).unwrap_or(0);
        let mut raw = vec![
            kind << KIND_SHIFT
                | flag(self.start.is_some(), INCLUDED)
                | flag(self.counted, COUNTED)
                | flag(self.quarantined, QUARANTINED)
                | flag(self.announced, ANNOUNCED)
                | flag(self.spent.is_some(), SPENT),
        ];
        raw.extend(self.start.iter().flat_map(|start| start.to_be_bytes()));
        if let Some(spent) = &self.spent {
            raw.extend_from_slice(&spent.height.to_be_bytes());
            raw.extend(spent.other_txid.iter().flatten());
        }
        storage.set(&id.key(prefix::LIFE), &raw);
    }
}

/// Whether a delegation waits for covenant signatures: until a quorum is complete, or its output spent.
pub(crate) fn is_pending(storage: &dyn Storage, id: Id) -> bool {
    store::exists(storage, &id.key(prefix::PENDING))
}

/// Marks a delegation as waiting no more.
pub(crate) fn set_signed(storage: &mut dyn Storage, id: Id) {
    storage.remove(&id.key(prefix::PENDING));
}

/// Prefix of the index entries of a provider.
pub(crate) fn provider_prefix(fp: &[u8; 32]) -> Vec<u8> {
    [prefix::BY_PROVIDER].into_iter().chain(fp.iter().take(8).copied()).collect()
}

/// Enters a registration into the indexes. There is none by staker: a holder knows the txids, and each index costs
/// every registration 3 650 gas.
pub(crate) fn index(storage: &mut dyn Storage, registration: &Registration) {
    let id = registration.id();
    for fp in &registration.fps {
        storage.set(&[&provider_prefix(fp)[..], &id.0].concat(), &[1]);
    }
    storage.set(&id.key(prefix::PENDING), &[1]);
}

/// Enters a delegation into the queue of expiries, unless it is there.
pub(crate) fn schedule_expiry(storage: &mut dyn Storage, height: u32, id: Id) {
    let key = [&[prefix::EXPIRY][..], &height.to_be_bytes(), &id.0].concat();
    if !store::exists(storage, &key) {
        storage.set(&key, &[1]);
    }
}

/// Delegations that expire at or before a height, at most `limit`.
pub(crate) fn due(storage: &dyn Storage, tip: u32, limit: usize) -> Result<Vec<(u32, Id)>, CorruptState> {
    let records = store::page(storage, &[prefix::EXPIRY], None, limit);
    let parsed: Result<Vec<_>, CorruptState> = records.map(|(key, _)| parse_expiry(&key)).collect();
    Ok(parsed?.into_iter().take_while(|(height, _)| *height <= tip).collect())
}

/// Entries of the queue after one, at most `limit`.
pub(crate) fn queued_after(
    storage: &dyn Storage,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<(u32, Id)>, CorruptState> {
    store::page(storage, &[prefix::EXPIRY], after, limit).map(|(key, _)| parse_expiry(&key)).collect()
}

fn parse_expiry(key: &[u8]) -> Result<(u32, Id), CorruptState> {
    let mut fields = Unpack::new("expiry key", key);
    let height = fields.u32()?;
    Ok((height, Id::from_slice(fields.rest())?))
}

/// Takes a delegation out of the queue.
pub(crate) fn unschedule(storage: &mut dyn Storage, height: u32, id: Id) {
    storage.remove(&[&[prefix::EXPIRY][..], &height.to_be_bytes(), &id.0].concat());
}
