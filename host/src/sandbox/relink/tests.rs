use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

use super::relinked;

/// A component as `wit-component` links it: `length` needs the memory, `name` the memory and the allocator, `double` neither. Its memory
/// begins with data, and each export is called through the module's own table.
const LINKED: &str = r#"(component
  (import "length" (func $length (param "text" string) (result u32)))
  (import "name" (func $name (result string)))
  (import "double" (func $double (param "of" u32) (result u32)))
  (core module $main
    (type $run (func (result i32)))
    (type $one (func (param i32) (result i32)))
    (import "host" "length" (func $length (param i32 i32) (result i32)))
    (import "host" "name" (func $name (param i32)))
    (import "host" "double" (func $double (param i32) (result i32)))
    (table 3 3 funcref)
    (memory 1)
    (global $free (mut i32) (i32.const 1024))
    (func $length_of_own (type $run) (call $length (i32.const 16) (i32.const 5)))
    (func $length_of_name (type $run)
      (call $name (i32.const 64))
      (call $length (i32.load (i32.const 64)) (i32.load (i32.const 68))))
    (func (export "run") (param i32) (result i32)
      (call $double (call_indirect (type $run) (local.get 0))))
    (func (export "allocate") (param i32 i32 i32 i32) (result i32)
      (global.get $free)
      (global.set $free (i32.add (global.get $free) (local.get 3))))
    (export "memory" (memory 0))
    (elem (i32.const 1) $length_of_own $length_of_name)
    (data (i32.const 16) "hello"))
  (core module $shim
    (type $two (func (param i32 i32) (result i32)))
    (type $out (func (param i32)))
    (table 2 2 funcref)
    (func (export "0") (type $two) local.get 0 local.get 1 i32.const 0 call_indirect (type $two))
    (func (export "1") (type $out) local.get 0 i32.const 1 call_indirect (type $out))
    (export "$imports" (table 0)))
  (core module $fixup
    (import "" "0" (func $0 (param i32 i32) (result i32)))
    (import "" "1" (func $1 (param i32)))
    (import "" "$imports" (table 2 2 funcref))
    (elem (i32.const 0) $0 $1))
  (core instance $shim (instantiate $shim))
  (alias core export $shim "0" (core func $shim_length))
  (core func $double (canon lower (func $double)))
  (alias core export $shim "1" (core func $shim_name))
  (core instance $host
    (export "length" (func $shim_length))
    (export "double" (func $double))
    (export "name" (func $shim_name)))
  (core instance $main (instantiate $main (with "host" (instance $host))))
  (alias core export $main "memory" (core memory $memory))
  (alias core export $main "allocate" (core func $allocate))
  (alias core export $shim "$imports" (core table $table))
  (core func $length (canon lower (func $length) (memory $memory)))
  (core func $name (canon lower (func $name) (memory $memory) (realloc $allocate)))
  (core instance $filling
    (export "$imports" (table $table))
    (export "0" (func $length))
    (export "1" (func $name)))
  (core instance $fixup (instantiate $fixup (with "" (instance $filling))))
  (alias core export $main "run" (core func $run))
  (func $lifted (param "which" u32) (result u32) (canon lift (core func $run)))
  (export "run" (func $lifted))
)"#;

fn linked() -> Vec<u8> {
    wat::parse_str(LINKED).unwrap()
}

/// What the export answers: the doubled length of `hello`, and of the name that the host says; nothing where it traps.
fn answers(wasm: &[u8]) -> wasmtime::Result<[Option<u32>; 2]> {
    let engine = Engine::new(Config::new().consume_fuel(true))?;
    let component = Component::from_binary(&engine, wasm)?;
    let mut linker = Linker::<()>::new(&engine);
    let mut root = linker.root();
    root.func_wrap("length", |_, (text,): (String,)| Ok((text.len() as u32,)))?;
    root.func_wrap("name", |_, (): ()| Ok(("Waystation",)))?;
    root.func_wrap("double", |_, (of,): (u32,)| Ok((2 * of,)))?;
    let mut store = Store::new(&engine, ());
    store.set_fuel(10_000)?;
    let answer = |which| {
        let instance = linker.instantiate(&mut store, &component)?;
        let run = instance.get_typed_func::<(u32,), (u32,)>(&mut store, "run")?;
        Ok(run.call(&mut store, (which,)).ok().map(|(answer,)| answer))
    };
    let answers: wasmtime::Result<Vec<_>> = [1, 2].into_iter().map(answer).collect();
    Ok(answers?.try_into().expect("two"))
}

fn modules(wasm: &[u8]) -> usize {
    let payloads = wasmparser::Parser::new(0).parse_all(wasm);
    let is_module = |payload: &wasmparser::Payload<'_>| {
        matches!(payload, wasmparser::Payload::ModuleSection { .. })
    };
    payloads
        .filter(|payload| is_module(payload.as_ref().unwrap()))
        .count()
}

#[test]
fn it_does_what_it_did() {
    let (before, after) = (linked(), relinked(&linked()).unwrap());
    assert_eq!((modules(&before), modules(&after)), (3, 2));
    assert_eq!(answers(&before).unwrap(), [Some(10), Some(20)]);
    assert_eq!(answers(&after).unwrap(), [Some(10), Some(20)]);
}

#[test]
fn what_is_of_another_form_stays_as_it_is() {
    let shim_begins = "(table 2 2 funcref)\n    (func (export \"0\")";
    let instance = "(core instance $shim (instantiate $shim))";
    let exported = "(export \"run\" (func $lifted))";
    let others = [
        // A shim that does more than it should, or something else.
        (
            "local.get 0 i32.const 1 call",
            "i32.const 7 i32.const 1 call",
        ),
        (
            "local.get 0 i32.const 1 call",
            "local.get 0 i32.const 0 call",
        ),
        (
            "(table 2 2 funcref)\n",
            "(table 2 2 funcref) (func $begin) (start $begin)\n",
        ),
        (
            "(table 2 2 funcref)\n",
            "(table 2 2 funcref) (memory (export \"m\") 1)\n",
        ),
        (
            "(export \"$imports\" (table 0))",
            "(table $more 2 2 funcref) (export \"$imports\" (table $more))",
        ),
        (shim_begins, "(table 1 1 funcref)\n    (func (export \"0\")"),
        // A fixup that puts them elsewhere, or runs.
        ("(elem (i32.const 0) $0 $1)", "(elem (i32.const 0) $1 $0)"),
        ("(elem (i32.const 0) $0 $1)", "(elem (i32.const 0) $0)"),
        (
            "(elem (i32.const 0) $0 $1)",
            "(elem (i32.const 0) $0 $1) (elem (i32.const 1) $1)",
        ),
        (
            "(elem (i32.const 0) $0 $1)",
            "(elem (i32.const 0) $0 $1) (func $begin) (start $begin)",
        ),
        (
            "(elem (i32.const 0) $0 $1)",
            "(table $own 2 2 funcref) (elem (table $own) (i32.const 0) func $0 $1)",
        ),
        (
            "(elem (i32.const 0) $0 $1)",
            "(elem (i32.const 0) $0 $1) (memory 1)",
        ),
        // A main module that runs before the fixup, or whose table or memory is of more use.
        ("(memory 1)", "(memory 1) (func $begin) (start $begin)"),
        ("(memory 1)", "(memory 1) (memory 1)"),
        (
            "(memory 1)",
            "(memory 1) (table 1 1 funcref)\n    (func (call_indirect 1 (type $run) (i32.const 0)) drop)",
        ),
        (
            r#"(export "memory" (memory 0))"#,
            r#"(export "memory" (memory 0)) (export "table" (table 0))"#,
        ),
        (
            r#"(data (i32.const 16) "hello")"#,
            r#"(data (i32.const 16) "hello") (data "passive")"#,
        ),
        (
            r#"(data (i32.const 16) "hello")"#,
            r#"(global $at i32 (i32.const 16)) (data (global.get $at) "hello")"#,
        ),
        (
            "(call $length (i32.const 16) (i32.const 5))",
            "(table.size 0)",
        ),
        // Another module beside, another instance, and what names a module or a function elsewhere.
        (
            instance,
            "(core instance $shim (instantiate $shim)) (core module)",
        ),
        (
            instance,
            "(core instance $shim (instantiate $shim)) (core instance (instantiate $shim))",
        ),
        (exported, "(component (alias outer 1 $shim (core module)))"),
        (exported, "(export \"module\" (core module $shim))"),
    ];
    for (part, other) in others {
        let text = LINKED.replace(part, other);
        assert_ne!(text, LINKED, "{part}");
        let wasm = wat::parse_str(&text).unwrap_or_else(|error| panic!("{other}: {error}"));
        assert!(relinked(&wasm).is_none(), "{other}");
    }
    let dtor = LINKED.replace(
        exported,
        "(alias core export $main \"drop\" (core func $drop)) (type $r (resource (rep i32) (dtor (func $drop))))",
    );
    let dtor = dtor.replace(
        "(memory 1)",
        "(memory 1) (func (export \"drop\") (param i32))",
    );
    assert!(relinked(&wat::parse_str(dtor).unwrap()).is_none());
    assert!(relinked(b"\0asm\x01\0\0\0\x0a\x7f\0").is_none()); // a section that is longer than all
    assert!(relinked(b"").is_none());
    assert!(relinked(&wat::parse_str("(component)").unwrap()).is_none());
    assert!(relinked(&wat::parse_str("(module)").unwrap()).is_none());
}

#[test]
fn a_changed_bit_makes_the_same_difference_to_both() {
    let linked = linked();
    let mut alike = 0;
    for at in 0..linked.len() {
        let mut changed = linked.clone();
        changed[at] ^= 1 << (at % 8);
        if let Some(after) = relinked(&changed)
            && let Ok(before) = answers(&changed)
        {
            assert_eq!(answers(&after).unwrap(), before, "byte {at}");
            alike += 1;
        }
        let _of_what_is_cut_off = relinked(&linked[..at]);
    }
    assert!(50 < alike, "{alike}");
}
