//! What is different between two releases: what answers, what may be asked, and how large it is.
//!
//! In: two manifests. Out: a [`Diff`], for programs as JSON and for `cli` to put into words. Nothing is read but the manifests: content is the
//! same exactly if its digest is.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::inspect::imports;
use crate::project::manifest::{Answer, File, Manifest, Proxy, Route};
use crate::project::release::Release;
use waystation_rules::segment::Declared;

/// What is different from one release to another.
#[derive(Debug, PartialEq, Serialize)]
pub struct Diff {
    /// The one.
    pub from: Side,
    /// The other.
    pub to: Side,
    /// The routes, by pattern.
    pub routes: Compared,
    /// The proxies, by file.
    pub proxies: Compared,
    /// The files that are sent as they are, by what they answer.
    pub files: Compared,
    /// The kept answers, by path.
    pub answers: Compared,
    /// What components ask of the host.
    pub imports: Words,
    /// The servers that handlers may ask.
    pub outbound: Words,
    /// Whether `waystation.toml` has another text.
    pub settings: bool,
}

/// One of two releases.
#[derive(Debug, PartialEq, Serialize)]
pub struct Side {
    /// The app's name.
    pub name: String,
    /// Its digest, with `sha256:`.
    pub digest: String,
    /// Bytes of all of it.
    pub bytes: u64,
}

/// Two sets of words.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Words {
    /// Those of the second alone.
    pub added: Vec<String>,
    /// Those of the first alone.
    pub removed: Vec<String>,
}

/// Two sets of parts.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Compared {
    /// Those of the second alone.
    pub added: Vec<Measured>,
    /// Those of the first alone.
    pub removed: Vec<Measured>,
    /// Those of both that are not alike.
    pub changed: Vec<Change>,
}

/// A part and its size.
#[derive(Debug, PartialEq, Serialize)]
pub struct Measured {
    /// What it is called.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

/// A part that is not what it was.
#[derive(Debug, PartialEq, Serialize)]
pub struct Change {
    /// What it is called.
    pub name: String,
    /// Its length, before and after.
    pub bytes: [u64; 2],
    /// What is different of it.
    pub fields: Vec<Field>,
}

/// Something that is different of a part.
#[derive(Debug, PartialEq, Serialize)]
pub struct Field {
    /// What, such as `methods` and `config.maxDuration`.
    pub field: String,
    /// What it was; null for nothing.
    pub from: Value,
    /// What it is.
    pub to: Value,
}

impl Diff {
    /// What is different from one release to another.
    #[must_use]
    pub fn of(from: &Release, to: &Release) -> Self {
        let (a, b) = (&from.manifest, &to.manifest);
        let imported =
            |manifest: &Manifest| imports(manifest).into_keys().map(str::to_owned).collect();
        let outbound = |manifest: &Manifest| manifest.outbound.iter().cloned().collect();
        Self {
            from: side(from),
            to: side(to),
            routes: compare(parts(&a.routes, route), parts(&b.routes, route)),
            proxies: compare(parts(&a.proxies, proxy), parts(&b.proxies, proxy)),
            files: compare(parts(&a.files, file), parts(&b.files, file)),
            answers: compare(parts(answers(a), answer), parts(answers(b), answer)),
            imports: words(imported(a), imported(b)),
            outbound: words(outbound(a), outbound(b)),
            settings: a.settings != b.settings,
        }
    }
}

fn side(release: &Release) -> Side {
    Side {
        name: release.manifest.name.clone(),
        digest: release.digest.to_oci(),
        bytes: release.bytes(),
    }
}

/// What is compared of a part: its length, and its fields that are not null.
struct Part {
    bytes: u64,
    fields: BTreeMap<String, Value>,
}

impl Part {
    fn new(bytes: u64, fields: Value) -> Self {
        let mut part = Self {
            bytes,
            fields: BTreeMap::new(),
        };
        part.add("", fields);
        part
    }

    /// Takes in an object's fields.
    fn add(&mut self, prefix: &str, fields: Value) {
        let Value::Object(fields) = fields else {
            return;
        };
        let some = fields.into_iter().filter(|(_, value)| !value.is_null());
        self.fields
            .extend(some.map(|(name, value)| (format!("{prefix}{name}"), value)));
    }

    fn with_config(mut self, config: Option<&Declared>) -> Self {
        self.add("config.", json!(config));
        self
    }
}

fn parts<'a, T: 'a>(
    all: impl IntoIterator<Item = &'a T>,
    part: impl Fn(&'a T) -> (&'a str, Part),
) -> BTreeMap<&'a str, Part> {
    all.into_iter().map(part).collect()
}

fn route(route: &Route) -> (&str, Part) {
    let fields = json!({
        "file": route.file,
        "kind": route.kind,
        "interface": route.interface,
        "component": route.component.digest.to_oci(),
        "imports": route.imports,
        "methods": route.methods,
        "kept": route.kept.is_some(),
    });
    let part = Part::new(route.component.bytes, fields);
    (&route.pattern, part.with_config(route.config.as_ref()))
}

fn proxy(proxy: &Proxy) -> (&str, Part) {
    let fields = json!({
        "component": proxy.component.digest.to_oci(),
        "imports": proxy.imports,
    });
    let part = Part::new(proxy.component.bytes, fields);
    (&proxy.file, part.with_config(Some(&proxy.config)))
}

fn file(file: &File) -> (&str, Part) {
    let fields = json!({
        "content": file.blob.digest.to_oci(),
        "encoded": file.encoded.iter().map(|(encoding, _)| encoding.token()).collect::<Vec<_>>(),
    });
    (&file.pattern, Part::new(file.blob.bytes, fields))
}

fn answers(manifest: &Manifest) -> impl Iterator<Item = &Answer> {
    let routes = manifest.routes.iter();
    routes.flat_map(|route| route.kept.iter().flatten())
}

fn answer(answer: &Answer) -> (&str, Part) {
    let mut fields = json!({ "content": answer.blob.digest.to_oci() });
    fields["revalidate"] = json!(answer.life.revalidate);
    fields["expire"] = json!(answer.life.expire);
    (&answer.path, Part::new(answer.blob.bytes, fields))
}

fn compare(from: BTreeMap<&str, Part>, to: BTreeMap<&str, Part>) -> Compared {
    let sized = |(name, part): (&&str, &Part)| Measured {
        name: (*name).to_owned(),
        bytes: part.bytes,
    };
    let only = |one: &BTreeMap<&str, Part>, other: &BTreeMap<&str, Part>| {
        let only = one.iter().filter(|(name, _)| !other.contains_key(*name));
        only.map(sized).collect()
    };
    let changed = from.iter().filter_map(|(name, old)| {
        let new = to.get(name)?;
        let fields = fields(&old.fields, &new.fields);
        (!fields.is_empty()).then(|| Change {
            name: (*name).to_owned(),
            bytes: [old.bytes, new.bytes],
            fields,
        })
    });
    Compared {
        added: only(&to, &from),
        removed: only(&from, &to),
        changed: changed.collect(),
    }
}

fn fields(from: &BTreeMap<String, Value>, to: &BTreeMap<String, Value>) -> Vec<Field> {
    let names: BTreeSet<_> = from.keys().chain(to.keys()).collect();
    let fields = names.into_iter().map(|name| Field {
        field: name.clone(),
        from: from.get(name).cloned().unwrap_or_default(),
        to: to.get(name).cloned().unwrap_or_default(),
    });
    fields.filter(|field| field.from != field.to).collect()
}

fn words(from: BTreeSet<String>, to: BTreeSet<String>) -> Words {
    Words {
        added: to.difference(&from).cloned().collect(),
        removed: from.difference(&to).cloned().collect(),
    }
}

#[cfg(test)]
mod tests;
