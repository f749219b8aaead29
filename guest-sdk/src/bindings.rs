//! The contract in `wit/`, bound once for every route.
//!
//! Each method has a world of its own. A component is the union of the worlds whose export macro it uses, so its type lists exactly the
//! methods that its route module defines. A proxy has one too. Nothing here shows in a public signature.

/// The types of the contract, shared by all worlds.
pub mod types {
    wit_bindgen::generate!({
        path: "../wit",
        world: "types",
        with: {
            "wasi:http/types@0.3.2": wasip3::http::types,
            "wasi:clocks/types@0.3.2": wasip3::clocks::types,
        },
    });
}

pub use types::waystation::route::{context, outcome, segment, verdict};

macro_rules! method {
    ($module:ident, $world:literal, $export:literal, $bindings:literal) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "../wit",
                world: $world,
                pub_export_macro: true,
                export_macro_name: $export,
                default_bindings_module: $bindings,
                with: {
                    "waystation:route/context@0.1.0": crate::bindings::context,
                    "waystation:route/outcome@0.1.0": crate::bindings::outcome,
                    "waystation:route/segment@0.1.0": crate::bindings::segment,
                    "wasi:http/types@0.3.2": wasip3::http::types,
                    "wasi:clocks/types@0.3.2": wasip3::clocks::types,
                },
            });
            pub use exports::waystation::route::$module::Guest;
        }
    };
}

method!(get, "get-route", "export_get", "waystation::__private::get");
method!(
    head,
    "head-route",
    "export_head",
    "waystation::__private::head"
);
method!(
    post,
    "post-route",
    "export_post",
    "waystation::__private::post"
);
method!(put, "put-route", "export_put", "waystation::__private::put");
method!(
    patch,
    "patch-route",
    "export_patch",
    "waystation::__private::patch"
);
method!(
    delete,
    "delete-route",
    "export_delete",
    "waystation::__private::delete"
);
method!(
    options,
    "options-route",
    "export_options",
    "waystation::__private::options"
);
method!(
    query,
    "query-route",
    "export_query",
    "waystation::__private::query"
);
method!(
    static_params,
    "static-params-route",
    "export_static_params",
    "waystation::__private::static_params"
);

pub mod proxy {
    wit_bindgen::generate!({
        path: "../wit",
        world: "proxy-module",
        pub_export_macro: true,
        export_macro_name: "export_proxy",
        default_bindings_module: "waystation::__private::proxy",
        with: {
            "waystation:route/context@0.1.0": crate::bindings::context,
            "waystation:route/outcome@0.1.0": crate::bindings::outcome,
            "waystation:route/segment@0.1.0": crate::bindings::segment,
            "waystation:route/verdict@0.1.0": crate::bindings::verdict,
            "wasi:http/types@0.3.2": wasip3::http::types,
            "wasi:clocks/types@0.3.2": wasip3::clocks::types,
        },
    });
    pub use exports::waystation::route::proxy::Guest;
}
