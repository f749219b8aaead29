//! Links the core modules of a component anew, so that an instance of it costs less to make.
//!
//! In: a component as `wit-component` links it. Out: one that does the same with two modules in place of three, to be compiled and not to be
//! kept; nothing if it is of another form, and then it is compiled as it is.
//!
//! A canonical import needs the memory of the module that it is imported by. So there are three modules: a shim whose functions call through
//! a table, the main module that imports them, and a fixup that fills the table. Here the memory gets a module of its own, the [`ground`],
//! which is instantiated first, and the main module imports what it calls.
//!
//! That both do the same rests on what is looked at here: that shim and fixup do nothing else, that nothing of the main module runs before
//! the fixup has, and that nothing names a module or a function by an index that is not written anew.

mod ground;
mod main_module;
mod shim;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use wasm_encoder::reencode::{self, Reencode, ReencodeComponent};
use wasm_encoder::{
    Alias, CanonicalFunctionSection, Component, ComponentAliasSection, ComponentSectionId,
    ExportKind, InstanceSection, ModuleArg, RawSection,
};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, ComponentType, ComponentTypeRef, ExternalKind, FromReader, Instance,
    Parser, Payload, SectionLimited,
};

/// Names the form that components are compiled in: another one makes other code of them.
pub(super) const FORM: &str = "relinked 1";

/// More parts than a component has that somebody means.
const MOST_PARTS: usize = 100_000;

/// The component is not of the form that is linked anew.
#[derive(Debug)]
struct OtherForm;

type Result<T> = std::result::Result<T, OtherForm>;

/// A part of a component, in the order of its binary.
enum Part<'a> {
    Module(&'a [u8]),
    Instance(Instance<'a>),
    Alias(ComponentAlias<'a>),
    Canonical(CanonicalFunction),
    /// What is written as it was: the section's number and bytes.
    Other(u8, &'a [u8]),
}

/// The same component with its core modules linked directly; nothing if it is not one that can be.
///
/// Whoever compiles it has it validated: nothing is trusted of what is made here.
pub fn relinked(wasm: &[u8]) -> Option<Vec<u8>> {
    let parts = parts(wasm).ok()?;
    let plan = Plan::of(&parts).ok()?;
    Writer::default().written(&parts, &plan).ok()
}

fn parts(wasm: &[u8]) -> Result<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut nested_until = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        check(&payload)?;
        if payload
            .as_section()
            .is_some_and(|(_, range)| range.start < nested_until)
        {
            continue;
        }
        match payload {
            Payload::ModuleSection {
                unchecked_range: range,
                ..
            } => {
                nested_until = range.end;
                parts.push(Part::Module(wasm.get(range).ok_or(OtherForm)?));
            }
            Payload::ComponentSection {
                unchecked_range: range,
                ..
            } => {
                nested_until = range.end;
                let component = wasm.get(range).ok_or(OtherForm)?;
                parts.push(Part::Other(ComponentSectionId::Component.into(), component));
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    parts.push(Part::Instance(instance?));
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    parts.push(Part::Alias(alias?));
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    parts.push(Part::Canonical(function?));
                }
            }
            Payload::CustomSection(_) => {} // names of indices that are others then
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    let section = wasm.get(range).ok_or(OtherForm)?;
                    parts.push(Part::Other(id, section));
                }
            }
        }
        if MOST_PARTS < parts.len() {
            return Err(OtherForm);
        }
    }
    Ok(parts)
}

/// Refuses what names a core module or a core function where no index is written anew, in a component within too.
fn check(payload: &Payload<'_>) -> Result<()> {
    let is_named = match payload {
        Payload::ComponentTypeSection(section) => any(section.clone(), |ty| {
            matches!(ty, ComponentType::Resource { dtor: Some(_), .. })
        })?,
        Payload::ComponentImportSection(section) => any(section.clone(), |import| {
            matches!(import.ty, ComponentTypeRef::Module(_))
        })?,
        Payload::ComponentExportSection(section) => any(section.clone(), |export| {
            export.kind == ComponentExternalKind::Module
        })?,
        Payload::ComponentInstanceSection(section) => {
            any(section.clone(), |instance| match instance {
                ComponentInstance::Instantiate { args, .. } => args
                    .iter()
                    .any(|argument| argument.kind == ComponentExternalKind::Module),
                ComponentInstance::FromExports(exports) => exports
                    .iter()
                    .any(|export| export.kind == ComponentExternalKind::Module),
            })?
        }
        Payload::ComponentAliasSection(section) => any(section.clone(), |alias| {
            matches!(
                alias,
                ComponentAlias::InstanceExport {
                    kind: ComponentExternalKind::Module,
                    ..
                } | ComponentAlias::Outer {
                    kind: ComponentOuterAliasKind::CoreModule,
                    ..
                }
            )
        })?,
        _ => false,
    };
    match is_named {
        true => Err(OtherForm),
        false => Ok(()),
    }
}

fn any<'a, T: FromReader<'a>>(
    section: SectionLimited<'a, T>,
    is: impl Fn(T) -> bool,
) -> Result<bool> {
    for item in section {
        if is(item?) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Part<'_> {
    fn is_function(&self) -> bool {
        match self {
            Part::Alias(ComponentAlias::CoreInstanceExport { kind, .. }) => {
                *kind == ExternalKind::Func
            }
            Part::Canonical(function) => !matches!(function, CanonicalFunction::Lift { .. }),
            _ => false,
        }
    }

    /// What an alias is of, if it is of a core instance: its index, and what of it.
    fn of_instance(&self) -> Option<(u32, ExternalKind, &str)> {
        match self {
            Part::Alias(ComponentAlias::CoreInstanceExport {
                kind,
                instance_index,
                name,
            }) => Some((*instance_index, *kind, name)),
            _ => None,
        }
    }
}

/// Where one of the modules is instantiated: as which core instance, and in which part.
#[derive(Clone, Copy)]
struct Place {
    instance: u32,
    part: usize,
}

/// What was found of a component.
struct Plan<'a> {
    /// The parts that are core functions, by index.
    functions: Vec<usize>,
    /// The parts that are core instances, by index.
    instances: Vec<usize>,
    modules: [usize; 3],
    main: Place,
    shim: Place,
    fixup: Place,
    /// The core instance of what the fixup fills the table with.
    filling: usize,
    /// The functions that the shim's stand for, by name.
    filled: HashMap<&'a str, u32>,
    /// The main module's allocator, which imports ask for memory.
    realloc: Option<u32>,
    main_module: Vec<u8>,
    ground_module: Vec<u8>,
}

impl<'a> Plan<'a> {
    fn of(parts: &'a [Part<'a>]) -> Result<Self> {
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
    fn is_dropped(&self, at: usize, part: &Part<'_>) -> bool {
        let [_, shim, fixup] = self.modules;
        [shim, fixup, self.fixup.part, self.filling].contains(&at)
            || part.of_instance().is_some_and(|(of, kind, _)| {
                of == self.shim.instance || of == self.main.instance && kind == ExternalKind::Memory
            })
    }

    /// Whether a part waits until everything that is imported is there.
    fn waits(&self, at: usize, part: &Part<'_>) -> bool {
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

/// Writes the parts in another order, with the indices that they have in it.
#[derive(Default)]
struct Writer {
    component: Component,
    /// What became of the core functions that there are already.
    functions: HashMap<u32, u32>,
    functions_written: u32,
    /// What became of the core instances.
    instances: HashMap<u32, u32>,
    instances_written: u32,
}

impl Writer {
    fn written(mut self, parts: &[Part<'_>], plan: &Plan<'_>) -> Result<Vec<u8>> {
        let kept = || (0..parts.len()).filter(|&at| !plan.is_dropped(at, &parts[at]));
        let (waiting, at_once): (Vec<_>, Vec<_>) = kept()
            .filter(|&at| at < plan.fixup.part)
            .partition(|&at| plan.waits(at, &parts[at]));
        for at in at_once {
            self.write(at, &parts[at], plan)?;
        }
        self.fill(parts, plan)?;
        for at in waiting {
            self.write(at, &parts[at], plan)?;
        }
        for at in kept().filter(|&at| plan.fixup.part < at) {
            self.write(at, &parts[at], plan)?;
        }
        Ok(self.component.finish())
    }

    fn write(&mut self, at: usize, part: &Part<'_>, plan: &Plan<'_>) -> Result<()> {
        match part {
            Part::Module(_) => {
                for data in [&plan.main_module, &plan.ground_module] {
                    let id = ComponentSectionId::CoreModule.into();
                    self.component.section(&RawSection { id, data });
                }
            }
            Part::Instance(_) if at == plan.shim.part => self.write_ground(plan),
            Part::Instance(instance) => self.write_instance(at, instance, plan)?,
            Part::Alias(alias) => {
                let mut section = ComponentAliasSection::new();
                section.alias(self.component_alias(alias.clone())?);
                self.component.section(&section);
            }
            Part::Canonical(function) => {
                let mut section = CanonicalFunctionSection::new();
                self.parse_component_canonical(&mut section, function.clone())?;
                self.component.section(&section);
            }
            Part::Other(id, data) => {
                self.component.section(&RawSection { id: *id, data });
            }
        }
        if part.is_function() {
            let index = index_of(&plan.functions, at)?;
            self.functions.insert(index, self.functions_written);
            self.functions_written += 1;
        }
        Ok(())
    }

    /// The ground takes the shim's place; its memory is the only one.
    fn write_ground(&mut self, plan: &Plan<'_>) {
        let instance = self.instances_written;
        let mut instances = InstanceSection::new();
        instances.instantiate::<[(&str, ModuleArg); 0], _>(1, []);
        self.component.section(&instances);
        self.instances.insert(plan.shim.instance, instance);
        self.instances_written += 1;
        let mut aliases = ComponentAliasSection::new();
        aliases.alias(Alias::CoreInstanceExport {
            instance,
            kind: ExportKind::Memory,
            name: ground::MEMORY,
        });
        if let Some(realloc) = plan.realloc {
            aliases.alias(Alias::CoreInstanceExport {
                instance,
                kind: ExportKind::Func,
                name: ground::REALLOC,
            });
            self.functions.insert(realloc, self.functions_written);
            self.functions_written += 1;
        }
        self.component.section(&aliases);
    }

    fn write_instance(
        &mut self,
        at: usize,
        instance: &Instance<'_>,
        plan: &Plan<'_>,
    ) -> Result<()> {
        let mut section = InstanceSection::new();
        match instance {
            Instance::Instantiate { args, .. } => {
                let arguments = args.iter().map(|argument| (argument.name, argument.index));
                let arguments = arguments.chain([(ground::NAME, plan.shim.instance)]);
                let arguments: Vec<_> = arguments
                    .map(|(name, index)| (name, ModuleArg::Instance(self.instance_index(index))))
                    .collect();
                section.instantiate(0, arguments);
            }
            exports @ Instance::FromExports(_) => {
                self.parse_instance(&mut section, exports.clone())?;
            }
        }
        self.component.section(&section);
        let index = index_of(&plan.instances, at)?;
        self.instances.insert(index, self.instances_written);
        self.instances_written += 1;
        Ok(())
    }

    /// Lets the functions of the shim stand for those that the fixup would have put behind them.
    fn fill(&mut self, parts: &[Part<'_>], plan: &Plan<'_>) -> Result<()> {
        for (index, &part) in (0..).zip(&plan.functions) {
            if let Some((of, _, name)) = parts[part].of_instance()
                && of == plan.shim.instance
            {
                let filled = plan.filled.get(name).ok_or(OtherForm)?;
                let written = self.function_index(*filled)?;
                self.functions.insert(index, written);
            }
        }
        Ok(())
    }
}

fn index_of(parts: &[usize], at: usize) -> Result<u32> {
    let index = parts.binary_search(&at).map_err(|_| OtherForm)?;
    u32::try_from(index).map_err(|_| OtherForm)
}

impl Reencode for Writer {
    type Error = OtherForm;

    fn function_index(
        &mut self,
        function: u32,
    ) -> std::result::Result<u32, reencode::Error<OtherForm>> {
        let written = self.functions.get(&function).copied();
        written.ok_or(reencode::Error::UserError(OtherForm))
    }

    /// The main module's, as the others have none.
    fn memory_index(
        &mut self,
        _memory: u32,
    ) -> std::result::Result<u32, reencode::Error<OtherForm>> {
        Ok(0)
    }

    /// The shim's table is gone, and the main module's is not exported.
    fn table_index(&mut self, _table: u32) -> std::result::Result<u32, reencode::Error<OtherForm>> {
        Err(reencode::Error::UserError(OtherForm))
    }
}

impl ReencodeComponent for Writer {
    /// One that is not there is no valid index, and the component is found to be invalid.
    fn instance_index(&mut self, instance: u32) -> u32 {
        self.instances.get(&instance).copied().unwrap_or(u32::MAX)
    }
}

impl From<wasmparser::BinaryReaderError> for OtherForm {
    fn from(_: wasmparser::BinaryReaderError) -> Self {
        Self
    }
}

impl From<reencode::Error<OtherForm>> for OtherForm {
    fn from(_: reencode::Error<OtherForm>) -> Self {
        Self
    }
}
