//! What the compiler says of a route module: the faults, and that sound ones give no warning.

#[test]
fn route_modules() {
    let modules = trybuild::TestCases::new();
    modules.pass("tests/route/pass/*.rs");
    modules.compile_fail("tests/route/fail/*.rs");
}
