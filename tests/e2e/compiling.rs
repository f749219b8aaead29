//! A node compiles in processes of its own: what the compiler chokes on is refused, and nobody else notices.

use std::fs;

use waystation_tests::output;

use crate::edge::{Edge, Forged, build, component};

const ROUTE: &str = "app/greeting/route.rs";

#[tokio::test]
async fn what_takes_the_compiler_too_much_is_refused_with_the_limit_and_leaves_what_serves_alone() {
    for (arguments, words) in [
        (
            ["--compile-memory", "128"],
            "it takes the compiler more than 128 MiB of memory (`--compile-memory` of the node)",
        ),
        (
            ["--compile-time", "1"],
            "it takes the compiler more than 1 s (`--compile-time` of the node)",
        ),
    ] {
        let edge = Edge::with(&arguments);
        edge.deploy("one");
        let bomb = Forged::new("two");
        let good = output::blob(bomb.root(), &component(&build("two"), ROUTE));
        bomb.replace_component(ROUTE, &with_a_long_function(fs::read(good).unwrap()));
        let exit = edge.command("deploy", bomb.root()).run();
        assert_eq!(exit.code, Some(1), "{words}");
        let expected = format!("{ROUTE} cannot be served: cannot compile `/greeting`: {words}");
        assert!(exit.stderr.contains(&expected), "{}", exit.stderr);
        assert_eq!(edge.serves().await, "one");
        let peak = edge.host.peak_memory() >> 20;
        assert!(peak < 400, "{peak} MiB in the process that serves");
    }
}

/// The component with one more module, whose only function multiplies half a million times.
fn with_a_long_function(mut component: Vec<u8>) -> Vec<u8> {
    let mut body = vec![0]; // no locals beside the parameter
    for _ in 0..500_000 {
        body.extend([0x20, 0, 0x20, 0, 0x6c, 0x21, 0]); // local.get 0, local.get 0, i32.mul, local.set 0
    }
    body.extend([0x20, 0, 0x0b]); // local.get 0, end
    let mut code = vec![1];
    code.extend(number(body.len()));
    code.extend(body);
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    module.extend(section(1, &[1, 0x60, 1, 0x7f, 1, 0x7f])); // (func (param i32) (result i32))
    module.extend(section(3, &[1, 0]));
    module.extend(section(10, &code));
    component.extend(section(1, &module)); // of a component, a module
    component
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut section = vec![id];
    section.extend(number(content.len()));
    section.extend(content);
    section
}

/// As LEB128.
fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        match value {
            0 => {
                bytes.push(low);
                return bytes;
            }
            _ => bytes.push(low | 0x80),
        }
    }
}
