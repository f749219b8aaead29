//! What is found of a component that can be linked anew.

use std::collections::HashMap;

use wasmparser::{CanonicalFunction, CanonicalOption, ExternalKind, Instance};

use super::parts::Part;
use super::{OtherForm, Result, main_module, shim};

/// Where one of the modules is instantiated: as which core instance, and in which part.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) instance: u32,
    pub(super) part: usize,
}

/// What was found of a component.
pub(super) struct Plan<'a> {
    /// The parts that are core functions, by index.
    pub(super) functions: Vec<usize>,
    /// The parts that are core instances, by index.
    pub(super) instances: Vec<usize>,
    pub(super) modules: [usize; 3],
    pub(super) main: Place,
    pub(super) shim: Place,
    pub(super) fixup: Place,
    /// The core instance of what the fixup fills the table with.
    pub(super) filling: usize,
    /// The functions that the shim's stand for, by name.
    pub(super) filled: HashMap<&'a str, u32>,
    /// The main module's allocator, which imports ask for memory.
    pub(super) realloc: Option<u32>,
    pub(super) main_module: Vec<u8>,
    pub(super) ground_module: Vec<u8>,
}

impl<'a> Plan<'a> {
    pub(super) fn of(parts: &'a [Part<'a>]) -> Result<Self> {
        let those = |is: fn(&Part<'_>) -> bool| -> Vec<usize> {
            (0..parts.len()).filter(|&at| is(&parts[at])).collect()
        };
        let functions = those(|part| part.is_function());
        let instances = those(|part| matches!(part, Part::Instance(_)));
        let modules = those(|part| matches!(part, Part::Module(_)));
        let [main, shim, fixup] = modules[..] else {
            return Err(OtherForm);
        };
        let [(main_at, _), (shim_at, _), (fixup_at, fixup_arguments)] =
            instantiations(parts, &instances)?;
        let [filling] = fixup_arguments[..] else {
            return Err(OtherForm);
        };
        let filling = *instances.get(filling as usize).ok_or(OtherForm)?;
        let Part::Instance(Instance::FromExports(filled)) = &parts[filling] else {
            return Err(OtherForm);
        };
        let filled: HashMap<_, _> = filled
            .iter()
            .filter(|export| export.kind == ExternalKind::Func)
            .map(|export| (export.name, export.index))
            .collect();
        let (Part::Module(main_bytes), Part::Module(shim_bytes), Part::Module(fixup_bytes)) =
            (&parts[main], &parts[shim], &parts[fixup])
        else {
            return Err(OtherForm);
        };
        shim::check(shim_bytes, fixup_bytes, filled.len())?;
        let realloc = realloc(&parts[..fixup_at.part])?;
        let realloc_name = realloc
            .map(|index| export_of(parts, &functions, main_at.instance, index))
            .transpose()?;
        let (main_module, ground_module) = main_module::parted(main_bytes, realloc_name)?;
        Ok(Self {
            functions,
            instances,
            modules: [main, shim, fixup],
            main: main_at,
            shim: shim_at,
            fixup: fixup_at,
            filling,
            filled,
            realloc,
            main_module,
            ground_module,
        })
    }

    /// Whether a part has no place any more.
    pub(super) fn is_dropped(&self, at: usize, part: &Part<'_>) -> bool {
        let [_, shim, fixup] = self.modules;
        [shim, fixup, self.fixup.part, self.filling].contains(&at)
            || part.of_instance().is_some_and(|(of, kind, _)| {
                of == self.shim.instance || of == self.main.instance && kind == ExternalKind::Memory
            })
    }

    /// Whether a part waits until everything that is imported is there.
    pub(super) fn waits(&self, at: usize, part: &Part<'_>) -> bool {
        let of = part.of_instance().map(|(of, ..)| of);
        at < self.fixup.part
            && (matches!(part, Part::Instance(_)) && at != self.shim.part
                || of == Some(self.main.instance))
    }
}

/// Where main module, shim and fixup are instantiated, each once and the shim first, with the instances that they get.
fn instantiations(parts: &[Part<'_>], instances: &[usize]) -> Result<[(Place, Vec<u32>); 3]> {
    let mut found = [const { None }; 3];
    for (instance, &part) in (0..).zip(instances) {
        if let Part::Instance(Instance::Instantiate { module_index, args }) = &parts[part] {
            let arguments = args.iter().map(|argument| argument.index).collect();
            let place = Place { instance, part };
            let known = found.get_mut(*module_index as usize).ok_or(OtherForm)?;
            if known.replace((place, arguments)).is_some() {
                return Err(OtherForm);
            }
        }
    }
    match found {
        [Some(main), Some(shim), Some(fixup)]
            if shim.0.part < main.0.part && main.0.part < fixup.0.part =>
        {
            Ok([main, shim, fixup])
        }
        _ => Err(OtherForm),
    }
}

/// The one allocator that imports use, if any does.
fn realloc(parts: &[Part<'_>]) -> Result<Option<u32>> {
    let mut found = None;
    for part in parts {
        let Part::Canonical(function) = part else {
            continue;
        };
        for option in options(function)? {
            if let CanonicalOption::Realloc(index) = option
                && *found.get_or_insert(*index) != *index
            {
                return Err(OtherForm);
            }
        }
    }
    Ok(found)
}

/// The options of a function that stands before the fixup, where nothing is exported yet.
fn options(function: &CanonicalFunction) -> Result<&[CanonicalOption]> {
    match function {
        CanonicalFunction::Lift { .. } => Err(OtherForm),
        CanonicalFunction::Lower { options, .. }
        | CanonicalFunction::TaskReturn { options, .. }
        | CanonicalFunction::StreamRead { options, .. }
        | CanonicalFunction::StreamWrite { options, .. }
        | CanonicalFunction::FutureRead { options, .. }
        | CanonicalFunction::FutureWrite { options, .. }
        | CanonicalFunction::ErrorContextNew { options }
        | CanonicalFunction::ErrorContextDebugMessage { options } => Ok(options),
        _ => Ok(&[]),
    }
}

/// The name by which a core function is exported by an instance.
fn export_of<'a>(
    parts: &'a [Part<'a>],
    functions: &[usize],
    instance: u32,
    index: u32,
) -> Result<&'a str> {
    let part = *functions.get(index as usize).ok_or(OtherForm)?;
    match parts[part].of_instance() {
        Some((of, _, name)) if of == instance => Ok(name),
        _ => Err(OtherForm),
    }
}
