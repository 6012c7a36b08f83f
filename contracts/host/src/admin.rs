//! Roles of a contract: an admin who governs, a guardian who may only stop.
//!
//! Two keys: the roles, read when somebody claims one, and a flag that is there while the contract is
//! paused, so that a message that must not run then pays for looking at an absent key only.

use cosmwasm_std::{Addr, Api, DepsMut, MessageInfo, StdError, Storage};

use crate::pack::{CorruptState, Unpack, put_short_bytes};
use crate::store;

const ROLES: &[u8] = b"\xf0";
const PAUSED: &[u8] = b"\xf1";

/// Who governs and who may stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Governance.
    pub admin: Addr,
    /// May pause.
    pub guardian: Option<Addr>,
}

/// Why a role was not granted or not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoleError {
    /// The sender is not the admin.
    #[error("{0} is not the admin")]
    NotAdmin(Addr),
    /// The sender is neither admin nor guardian.
    #[error("{0} is neither admin nor guardian")]
    NotGuardian(Addr),
    /// The contract is paused.
    #[error("the contract is paused")]
    Paused,
    /// The roles are malformed.
    #[error(transparent)]
    Corrupt(#[from] CorruptState),
    /// An address does not parse.
    #[error("{0}")]
    Std(StdError),
}

impl From<StdError> for RoleError {
    fn from(error: StdError) -> Self {
        Self::Std(error)
    }
}

impl Roles {
    /// Takes roles from a message; without an admin the sender is it.
    ///
    /// # Errors
    /// An address does not parse.
    pub fn new(
        api: &dyn Api,
        sender: &Addr,
        admin: Option<&str>,
        guardian: Option<&str>,
    ) -> Result<Self, RoleError> {
        let admin = admin.map(|a| api.addr_validate(a)).transpose()?.unwrap_or_else(|| sender.clone());
        Ok(Self { admin, guardian: guardian.map(|g| api.addr_validate(g)).transpose()? })
    }

    /// Stores the roles.
    pub fn save(&self, storage: &mut dyn Storage) {
        let mut raw = Vec::new();
        let guardian = self.guardian.as_ref().map_or("", |g| g.as_str());
        for address in [self.admin.as_str(), guardian] {
            put_short_bytes(&mut raw, address.as_bytes()).expect("addresses are shorter than 256 bytes");
        }
        storage.set(ROLES, &raw);
    }

    /// Loads the roles.
    ///
    /// # Errors
    /// They are not stored or malformed.
    pub fn load(storage: &dyn Storage) -> Result<Self, CorruptState> {
        let raw = storage.get(ROLES).ok_or(CorruptState("roles"))?;
        let mut fields = Unpack::new("roles", &raw);
        let admin = text(fields.short_bytes()?)?;
        let guardian = text(fields.short_bytes()?)?;
        Ok(Self {
            admin: Addr::unchecked(admin),
            guardian: Some(guardian).filter(|g| !g.is_empty()).map(Addr::unchecked),
        })
    }
}

fn text(bytes: &[u8]) -> Result<String, CorruptState> {
    String::from_utf8(bytes.to_vec()).map_err(|_| CorruptState("roles"))
}

/// Checks that the sender is the admin.
///
/// # Errors
/// It is not.
pub fn require_admin(storage: &dyn Storage, info: &MessageInfo) -> Result<Roles, RoleError> {
    let roles = Roles::load(storage)?;
    if roles.admin == info.sender { Ok(roles) } else { Err(RoleError::NotAdmin(info.sender.clone())) }
}

/// Checks that the contract is not paused.
///
/// # Errors
/// It is.
pub fn require_running(storage: &dyn Storage) -> Result<(), RoleError> {
    if is_paused(storage) { Err(RoleError::Paused) } else { Ok(()) }
}

/// Whether the contract is paused.
#[must_use]
pub fn is_paused(storage: &dyn Storage) -> bool {
    store::exists(storage, PAUSED)
}

/// Checks that the sender may set the paused state: guardian and admin may pause, only the admin may resume.
///
/// # Errors
/// It may not.
pub fn require_may_pause(storage: &dyn Storage, info: &MessageInfo, paused: bool) -> Result<(), RoleError> {
    let roles = Roles::load(storage)?;
    if info.sender == roles.admin || (paused && Some(&info.sender) == roles.guardian.as_ref()) {
        return Ok(());
    }
    let sender = info.sender.clone();
    Err(if paused { RoleError::NotGuardian(sender) } else { RoleError::NotAdmin(sender) })
}

/// Pauses or resumes the contract.
///
/// # Errors
/// The sender may not.
pub fn set_paused(storage: &mut dyn Storage, info: &MessageInfo, paused: bool) -> Result<(), RoleError> {
    require_may_pause(storage, info, paused)?;
    if paused {
        storage.set(PAUSED, &[1]);
    } else {
        storage.remove(PAUSED);
    }
    Ok(())
}

/// Changes roles on behalf of the admin; absent ones stay.
///
/// # Errors
/// The sender is not the admin, or an address does not parse.
pub fn update(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    admin: Option<&str>,
    guardian: Option<&str>,
) -> Result<Roles, RoleError> {
    let mut roles = require_admin(deps.storage, info)?;
    if let Some(admin) = admin {
        roles.admin = deps.api.addr_validate(admin)?;
    }
    if let Some(guardian) = guardian {
        roles.guardian = Some(deps.api.addr_validate(guardian)?);
    }
    roles.save(deps.storage);
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::testing::{message_info, mock_dependencies};

    #[test]
    fn the_guardian_stops_and_only_the_admin_goes_on() {
        let mut deps = mock_dependencies();
        let [admin, guardian, other] = ["admin", "guardian", "other"].map(|n| deps.api.addr_make(n));
        let roles = Roles { admin: admin.clone(), guardian: Some(guardian.clone()) };
        roles.save(&mut deps.storage);
        assert_eq!(Roles::load(&deps.storage).unwrap(), roles);
        assert!(set_paused(&mut deps.storage, &message_info(&other, &[]), true).is_err());
        set_paused(&mut deps.storage, &message_info(&guardian, &[]), true).unwrap();
        assert!(require_running(&deps.storage).is_err());
        assert!(set_paused(&mut deps.storage, &message_info(&guardian, &[]), false).is_err());
        set_paused(&mut deps.storage, &message_info(&admin, &[]), false).unwrap();
        assert!(require_running(&deps.storage).is_ok());
    }
}
