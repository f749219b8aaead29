#![deny(warnings, missing_docs)]
//! All methods, all constants, all shapes of handlers.

waystation::route! {
    pattern = "/shop/[user-id]/[type]/[[...rest]]",
    mod route {
        use crate::Params;
        use waystation::{
            Context, Dynamic, Error, FetchCache, Html, IntoResponse, Isolation, Json, Request, Response, Result, Revalidate, Runtime,
            StatusCode,
        };

        const MINUTE: u32 = 60;

        pub const DYNAMIC: Dynamic = Dynamic::ForceStatic;
        pub const DYNAMIC_PARAMS: bool = true;
        pub const REVALIDATE: Revalidate = Revalidate::seconds(10 * MINUTE);
        pub const FETCH_CACHE: FetchCache = FetchCache::ForceCache;
        pub const RUNTIME: Runtime = Runtime::Edge;
        pub const PREFERRED_REGION: &[&str] = &["fra1", "iad1"];
        pub const MAX_DURATION: u32 = MINUTE / 2;
        pub const ISOLATION: Isolation = Isolation::Shared;
        pub const CPU_MS: u32 = 500;
        pub const BODY_LIMIT: u64 = 1 << 20;

        pub async fn get(_request: Request, context: Context<Params>) -> Json<Option<Vec<String>>> {
            let Params { user_id, r#type, rest } = context.params;
            Json(rest.map(|rest| [vec![user_id, r#type], rest].concat()))
        }

        pub async fn head() {}

        pub async fn post(request: Request) -> Result<Response> {
            Response::json(&request.json::<u32>().await?)
        }

        pub fn put(_: Context, _: Request) -> StatusCode {
            StatusCode::NO_CONTENT
        }

        pub async fn patch(Context { params, .. }: Context<Params>) -> std::result::Result<String, std::num::ParseIntError> {
            params.user_id.parse::<u32>().map(|id| id.to_string())
        }

        pub fn delete() -> impl IntoResponse {
            (StatusCode::ACCEPTED, [("x-queue", "1")], Html("<p>soon</p>"))
        }

        pub fn options() -> Result<()> {
            Err(Error::forbidden())
        }

        pub async fn query(mut request: Request) -> Result<String> {
            helper(&mut request).await
        }

        async fn helper(request: &mut Request) -> Result<String> {
            request.text().await
        }

        #[cfg(test)]
        mod tests {
            fn get() {}
        }
    }
}

fn main() {}
