//! Every fault of a function that lists params.

mod faults {
    waystation::route! {
        pattern = "/[slug]",
        mod route {
            fn generateStaticParams<T>(_: T) {}

            pub fn get() {}
        }
    }
}

mod elsewhere {
    waystation::route! {
        pattern = "/[slug]",
        mod route {
            pub use crate::other::generate_static_params;

            pub fn get() {}
        }
    }
}

mod fixed {
    waystation::route! {
        pattern = "/",
        mod route {
            pub fn generate_static_params() -> Vec<super::Params> {
                vec![]
            }

            pub fn get() {}
        }
    }
}

mod unlisted {
    waystation::route! {
        pattern = "/[slug]",
        mod route {
            pub const DYNAMIC_PARAMS: bool = false;

            pub fn get() {}
        }
    }
}

mod proxy {
    waystation::proxy! {
        pattern = "/",
        mod proxy {
            pub fn generate_static_params() {}
        }
    }
}

mod metadata {
    waystation::route! {
        pattern = "/[slug]/icon",
        function = "image",
        mod route {
            pub fn generate_static_params() {}
        }
    }
}

mod other {
    pub fn generate_static_params() {}
}

fn main() {}
