//! Anchors hub heights to Bitcoin's clock.

use cosmwasm_std::{DepsMut, Env, Response};

use crate::error::FinalityError;
use crate::state::config::{Rules, light_client};
use crate::state::timestamps::{self, Anchor};

pub(crate) fn run(deps: DepsMut<'_>, env: &Env) -> Result<Response, FinalityError> {
    let btc_height = light_client(deps.as_ref())?.tip(&deps.querier)?.context.height();
    let anchor = Anchor { hub_height: env.block.height, btc_height };
    let depth = Rules::load(deps.storage)?.timestamp_depth;
    let until = timestamps::touch(deps.storage, anchor, depth)?;
    let text = until.map_or_else(String::new, |until| until.to_string());
    Ok(Response::new()
        .add_attribute("btc_height", btc_height.to_string())
        .add_attribute("timestamped_until", text))
}
