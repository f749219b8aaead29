//! Which browser, system and device ask, and whether it is a bot.

use waystation::{Json, Request, UserAgent};

pub async fn get(request: Request) -> Json<UserAgent> {
    Json(request.user_agent())
}
