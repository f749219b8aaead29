#![deny(warnings, missing_docs)]
//! A proxy with all that it can have.

waystation::proxy! {
    pattern = "/[team]",
    mod proxy {
        use crate::Params;
        use waystation::{Condition, Context, Isolation, Matcher, Next, Request, Result, redirect};

        pub const MATCHER: &[Matcher] = &[
            Matcher::new("/:team/:path*").has(&[Condition::header("x-a"), Condition::query("b").value("c|d")]),
            Matcher::new("/about").missing(&[Condition::cookie("session"), Condition::host("example\\.com")]),
        ];
        pub const MAX_DURATION: u32 = 2;
        pub const ISOLATION: Isolation = Isolation::Shared;
        pub const CPU_MS: u32 = 50;
        pub const BODY_LIMIT: u64 = 1 << 16;

        pub async fn proxy(request: Request, context: Context<Params>) -> Result<Next> {
            if request.url().pathname() == "/" {
                redirect("/start")?;
            }
            Ok(Next::rewrite("/x").request_header("x-team", context.params.team))
        }
    }
}

fn main() {}
