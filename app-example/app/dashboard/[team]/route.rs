//! One dynamic segment.

use crate::Params;
use waystation::Context;

pub async fn get(context: Context<Params>) -> String {
    let Params { team } = context.params;
    format!("the dashboard of team {team}")
}
