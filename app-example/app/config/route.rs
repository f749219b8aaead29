//! Every constant that configures a route, and what the host makes of them.

use waystation::{Context, Dynamic, FetchCache, Isolation, Revalidate, Runtime};

pub const DYNAMIC: Dynamic = Dynamic::Auto;
pub const DYNAMIC_PARAMS: bool = true;
pub const REVALIDATE: Revalidate = Revalidate::NEVER;
pub const FETCH_CACHE: FetchCache = FetchCache::Auto;
pub const RUNTIME: Runtime = Runtime::Nodejs;
pub const PREFERRED_REGION: &str = "auto";
pub const MAX_DURATION: u32 = 5; // seconds
pub const ISOLATION: Isolation = Isolation::Request;
pub const CPU_MS: u32 = 100;
pub const BODY_LIMIT: u64 = 16 * 1024; // bytes

pub async fn get(context: Context) -> String {
    format!("{:#?}\n", context.segment())
}
