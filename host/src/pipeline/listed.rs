//! Which params a route answers, where it says so itself (rows G3 and SP6).

use waystation_rules::caching::params;
use waystation_rules::table::Found;

use super::failure::Refusal;
use crate::app::Route;
use crate::sandbox::{Asks, Fault, static_params};

/// Whether a route answers the params of a path: with `DYNAMIC_PARAMS = false`, only those that `generate_static_params` lists. That is
/// asked once, and nobody waits for it longer than for an answer: whoever takes over from one that was cut short has what is left of its own
/// time.
///
/// # Errors
///
/// What kept it from listing them.
pub(super) async fn answers(found: &Found<'_, Route>, asks: &Asks) -> Result<bool, Refusal> {
    let Some(guest) = found.route.handler.guest() else {
        return Ok(true);
    };
    if guest.config().dynamic_params || !guest.lists_params() {
        return Ok(true);
    }
    let list = async || {
        let asks = Asks {
            stand_in: None, // the list is everybody's
            ..asks.clone()
        };
        let listed = static_params(guest, asks).await?;
        params::listed(found.pattern, listed.unwrap_or_default())
            .map_err(|fault| Fault::Answer(fault.to_string()))
    };
    let limit = guest.config().max_duration;
    let listed = tokio::time::timeout(limit, guest.listed().get_or_try_init(list));
    let listed = Box::pin(listed).await;
    let listed = listed.map_err(|_| Fault::WallTime(limit))??;
    Ok(listed.contains(&found.params))
}
