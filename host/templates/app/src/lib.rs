//! What the routes share: `app/**/route.rs` names it by this package's name.
