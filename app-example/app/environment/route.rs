//! A variable of the environment: `env` in `waystation.toml` lists it, `.env` sets it.

pub fn get() -> String {
    std::env::var("GREETING").unwrap_or_default()
}
