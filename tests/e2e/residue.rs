//! A fresh instance has nothing of what another request left in memory.

use waystation_tests::Client;

use crate::support::{production, program, rounds, turn};

/// Leaves a mark wherever a guest can, and counts the marks in the whole of its memory. The mark is never written as such but for that.
const MARK: &str = r#"use waystation::*;

const KEY: u64 = 0x5de1_77a3_90c4_b21f;

fn mark() -> u64 { std::hint::black_box(!KEY).rotate_left(7) }

pub fn post() {
    let marks: Vec<u64> = (0..20_000).map(|_| mark()).collect();
    std::mem::forget(marks);
    let stack = [mark(); 512];
    std::hint::black_box(&stack);
}

pub fn get() -> String {
    let words = core::arch::wasm32::memory_size(0) * 65536 / 8;
    let is_mark = |&word: &usize| {
        // SAFETY: every aligned word of the memory may be read.
        let word = unsafe { std::ptr::read_volatile((word * 8) as *const u64) };
        word.rotate_right(7) == std::hint::black_box(!KEY)
    };
    (1..words).filter(is_mark).count().to_string()
}
"#;

#[tokio::test]
async fn a_fresh_instance_sees_nothing_that_another_request_left() {
    let turn = turn().await;
    let shared = format!("{MARK}pub const ISOLATION: Isolation = Isolation::Shared;\n");
    let app = turn.app(&[
        ("app/fresh/route.rs", MARK),
        ("app/shared/route.rs", &shared),
    ]);
    app.warm_too(production());
    let exit = program().command("build", app.root()).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let host = program().start(app.root());
    let mut sender = Client::new(host.address()).connect().await;
    sender.ask("POST", "/shared", &[], "").await.unwrap();
    let left = sender.ask("GET", "/shared", &[], "").await.unwrap();
    let left: usize = left.text().parse().expect("a number");
    assert!(20_000 <= left, "{left}: the marks are there to be found");
    for _ in 0..rounds(1_000) {
        sender.ask("POST", "/fresh", &[], "").await.unwrap();
        let left = sender.ask("GET", "/fresh", &[], "").await.unwrap();
        assert_eq!(left.text(), "0");
    }
}
