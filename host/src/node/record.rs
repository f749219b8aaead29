//! What a node knows of an app and must not lose: `app.json`, `env` and `deploy.log` in the app's folder.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use waystation_rules::rollout::{HostName, Releases};

use crate::deploy::api::LogLine;
use crate::project::atomic;
use crate::project::digest::Digest;

/// The version of `app.json`. A node reads no other.
const VERSION: u32 = 1;

/// `app.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    version: u32,
    /// What the app answers.
    pub(super) hosts: Vec<HostName>,
    /// Its releases.
    pub(super) releases: Releases<Digest>,
    /// What is known of each release beside what is in it.
    pub(super) known: BTreeMap<Digest, Known>,
}

/// What is known of a release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Known {
    /// When it was made, in seconds since the epoch.
    pub(super) created: u64,
    /// What the app answers once it is active, if that is to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) hosts: Option<Vec<HostName>>,
    /// Where the node fetched it, if nobody sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
}

impl Record {
    /// Reads it; a new one if there is none.
    ///
    /// # Errors
    ///
    /// If it is there and cannot be read.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("app.json");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let record: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} makes no sense", path.display()))?;
        let version = record.version;
        anyhow::ensure!(
            version == VERSION,
            "{} has format {version}, and this node reads format {VERSION}",
            path.display()
        );
        Ok(record)
    }

    /// Writes it; when this returns it outlives a crash.
    ///
    /// # Errors
    ///
    /// If it cannot be written; what was there before is then still there.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let record = Self {
            version: VERSION,
            ..self.clone()
        };
        let path = folder.join("app.json");
        let written = atomic::write(&path, &serde_json::to_vec_pretty(&record)?);
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    /// Forgets what is known of releases that are gone.
    pub(super) fn tidy(&mut self) {
        let releases = &self.releases;
        self.known
            .retain(|release, _| releases.all().any(|there| there == release));
    }
}

/// Adds a line to the app's log; when this returns it outlives a crash.
///
/// # Errors
///
/// The system's.
pub(super) fn log(folder: &Path, line: &LogLine) -> io::Result<()> {
    let mut file = private(folder, "deploy.log")?;
    let mut text = Vec::new();
    if !ends_a_line(&file)? {
        text.push(b'\n'); // a crash has cut the last line short
    }
    serde_json::to_writer(&mut text, line)?;
    text.push(b'\n');
    file.write_all(&text)?; // one write: lines do not mix
    file.sync_data()
}

/// The last lines of the app's log, the last one last. A line that a crash has cut short is passed over.
///
/// # Errors
///
/// If there is a log and it cannot be read.
pub(super) fn logged(folder: &Path, most: usize) -> io::Result<Vec<LogLine>> {
    let text = match fs::read(folder.join("deploy.log")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read?,
    };
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.filter_map(|line| serde_json::from_slice(line).ok());
    let lines: Vec<_> = lines.collect();
    Ok(lines[lines.len().saturating_sub(most)..].to_vec())
}

/// The variables of an app, which only the node's user can read.
///
/// # Errors
///
/// If they are there and cannot be read.
pub(super) fn variables(folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    match fs::read(folder.join("env")) {
        Ok(text) => serde_json::from_slice(&text).context("the app's variables make no sense"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error).context("the app's variables cannot be read"),
    }
}

/// Sets the variables of an app; when this returns they outlive a crash.
///
/// # Errors
///
/// The system's.
pub(super) fn set_variables(
    folder: &Path,
    variables: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    let mut aside = tempfile::NamedTempFile::new_in(folder)?; // mode 0600
    aside.write_all(&serde_json::to_vec_pretty(variables)?)?;
    aside
        .as_file()
        .set_permissions(Permissions::from_mode(0o600))?;
    aside.as_file().sync_all()?;
    aside.persist(folder.join("env"))?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

fn private(folder: &Path, name: &str) -> io::Result<File> {
    let mut options = File::options();
    options
        .create(true)
        .read(true)
        .append(true)
        .mode(0o600)
        .open(folder.join(name))
}

/// Whether the last line is whole; so it is if there is none.
fn ends_a_line(file: &File) -> io::Result<bool> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else {
        return Ok(true);
    };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Record::read(folder.path()).unwrap(), Record::default());
        let one = Digest::of(b"1");
        let mut record = Record::default();
        record.hosts = vec!["shop.example".to_owned().try_into().unwrap()];
        record.releases = record.releases.stage(&one).activate(&one).unwrap();
        record.write(folder.path()).unwrap();
        let read = Record::read(folder.path()).unwrap();
        assert_eq!(
            (&read.hosts, &read.releases),
            (&record.hosts, &record.releases)
        );
    }

    #[test]
    fn a_record_of_another_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        Record::default().write(folder.path()).unwrap();
        let path = folder.path().join("app.json");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"version\": 1", "\"version\": 2")).unwrap();
        let error = Record::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("has format 2"), "{error}");
    }

    #[test]
    fn a_line_that_a_crash_cut_short_hides_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let line = |what: &str| LogLine {
            time: 0,
            by: "socket".to_owned(),
            what: what.to_owned(),
            release: None,
            words: "a\nforged line, é".to_owned(),
        };
        let logged = || logged(folder.path(), 9).unwrap();
        assert_eq!(logged(), []);
        log(folder.path(), &line("staged")).unwrap();
        log(folder.path(), &line("active")).unwrap();
        assert_eq!(logged(), [line("staged"), line("active")]);
        let path = folder.path().join("deploy.log");
        let text = fs::read(&path).unwrap();
        for cut in [3, 4] {
            fs::write(&path, &text[..text.len() - cut]).unwrap(); // after a character, and in one
            assert_eq!(logged(), [line("staged")]);
        }
        log(folder.path(), &line("back")).unwrap();
        assert_eq!(logged(), [line("staged"), line("back")]);
    }

    #[test]
    fn variables_are_for_the_node_alone() {
        let folder = tempfile::tempdir().unwrap();
        let set = [("A".to_owned(), "1".to_owned())].into();
        set_variables(folder.path(), &set).unwrap();
        assert_eq!(variables(folder.path()).unwrap(), set);
        let mode = fs::metadata(folder.path().join("env"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
