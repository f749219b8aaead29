//! Keeps compiled code for the next start.
//!
//! Compiled code is machine code: whoever can write it owns the host. So each file carries a MAC under a key that only this node has, kept
//! apart from the code; it is read once into memory and verified there before the runtime sees it. Whatever is wrong with a file (another
//! version, cut short, changed) it counts as absent, and the component is compiled again; unless no descriptor is left to read it by.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use rustix::io::Errno;
use wasmtime::component::Component;

use crate::project::digest::Digest;
use crate::sandbox::Sandbox;

/// Bytes of the MAC in front of the code.
const MAC: usize = blake3::OUT_LEN;
/// Code that nobody has asked for so long is soon collected.
const OLD: Duration = Duration::from_secs(10 * 60);

/// A folder of compiled code that this node signed.
pub(super) struct CodeCache {
    folder: PathBuf,
    key: [u8; blake3::KEY_LEN],
}

impl CodeCache {
    /// Opens the cache in `folder`, making it and the node's key if they are not there.
    ///
    /// # Errors
    ///
    /// If either cannot be made, or the key could be read by others.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        Self::with_key(folder, &key_file())
    }

    fn with_key(folder: &Path, key_file: &Path) -> anyhow::Result<Self> {
        make_private_folder(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            key: key(key_file)?,
        })
    }

    /// The component with this digest, from the cache if it is there, and else of the code that `compile` makes, which is kept if `look`
    /// finds nothing wrong with it: what is there needs no second look.
    ///
    /// # Errors
    ///
    /// Those of `compile` and `look`. A cache that cannot be written to is only logged.
    pub(super) fn component(
        &self,
        sandbox: &Sandbox,
        digest: &Digest,
        compile: impl FnOnce() -> anyhow::Result<Vec<u8>>,
        look: impl FnOnce(&Component) -> anyhow::Result<()>,
    ) -> anyhow::Result<Component> {
        let file = self.folder.join(name(sandbox, digest));
        if let Some(code) = self.read(&file)? {
            match sandbox.restore(&code) {
                Ok(component) => return Ok(component),
                Err(error) => tracing::debug!("{}: compiled again: {error:#}", file.display()),
            }
        }
        let code = compile()?;
        let component = sandbox.restore(&code)?;
        look(&component)?;
        if let Err(error) = self.write(&file, &code) {
            tracing::warn!("compiled code is not kept for the next start: {error:#}");
        }
        Ok(component)
    }

    /// Whether there is a file with code of this component; whether the code is good is seen when it is read. A file that is old becomes new,
    /// so that it is not collected while somebody counts on it.
    pub(super) fn has(&self, sandbox: &Sandbox, digest: &Digest) -> bool {
        let Ok(file) = File::open(self.folder.join(name(sandbox, digest))) else {
            return false;
        };
        let Ok(known) = file.metadata() else {
            return false;
        };
        let age = known.modified().ok().and_then(|made| made.elapsed().ok());
        if age.is_some_and(|age| OLD < age)
            && let Err(error) = file.set_modified(SystemTime::now())
        {
            tracing::debug!(
                "code of {digest:?} may be collected before it is needed, and compiled again then: {error}"
            );
        }
        MAC as u64 <= known.len()
    }

    /// The code in `file`, if this node signed it under this name.
    ///
    /// # Errors
    ///
    /// If there is no descriptor to read it by: to compile takes more of them.
    fn read(&self, file: &Path) -> anyhow::Result<Option<Vec<u8>>> {
        let mut bytes = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::MFILE | Errno::NFILE) => {
                    return Err(error).context(format!("cannot read {}", file.display()));
                }
                _ => return Ok(None),
            },
        };
        let Some(&mac) = bytes.first_chunk::<MAC>() else {
            return Ok(None);
        };
        let code = bytes.split_off(MAC);
        // `Hash` compares in constant time.
        let is_own = blake3::Hash::from_bytes(mac) == self.mac(file, &code);
        Ok(is_own.then_some(code))
    }

    /// It is on the disk before it has its name: a start takes a file that is there for good until it is asked for.
    fn write(&self, file: &Path, code: &[u8]) -> anyhow::Result<()> {
        let mut aside = tempfile::NamedTempFile::new_in(&self.folder)?;
        aside.write_all(self.mac(file, code).as_bytes())?;
        aside.write_all(code)?;
        aside.as_file().sync_data()?;
        aside.persist(file)?;
        Ok(())
    }

    /// Covers the name too, so that two valid files cannot be swapped.
    fn mac(&self, file: &Path, code: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(file.file_name().unwrap_or_default().as_encoded_bytes());
        hasher.update(&[0]);
        hasher.update(code);
        hasher.finalize()
    }
}

/// Names code by what it was made from and by: component, runtime settings, this version of the host, its own code that compiles, and the
/// versions of all that it is built of.
pub(super) fn name(sandbox: &Sandbox, digest: &Digest) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    hasher.update(env!("WAYSTATION_COMPILER").as_bytes());
    hasher.update(&sandbox.fingerprint().to_le_bytes());
    hasher.update(digest.as_str().as_bytes());
    format!("{}.cwasm", hasher.finalize().to_hex())
}

/// Where this node's key is: apart from the code that it signs (XDG base directories, `$XDG_STATE_HOME`).
fn key_file() -> PathBuf {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
    state
        .unwrap_or_else(|| PathBuf::from("/var/lib"))
        .join("waystation/node.key")
}

/// This node's key, for what else only this node may make.
///
/// # Errors
///
/// If there is none and none can be made, or it could be read by others.
pub(super) fn node_key() -> anyhow::Result<[u8; blake3::KEY_LEN]> {
    key(&key_file())
}

/// The node's key: 32 random bytes that only its owner can read.
fn key(file: &Path) -> anyhow::Result<[u8; blake3::KEY_LEN]> {
    match fs::read(file) {
        Ok(bytes) => {
            refuse_others(file)?;
            refuse_of_another(file, rustix::process::geteuid().as_raw())?;
            bytes.try_into().map_err(|_| {
                anyhow::anyhow!("{} is not a key of this program; remove it", file.display())
            })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_key(file),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

fn make_key(file: &Path) -> anyhow::Result<[u8; blake3::KEY_LEN]> {
    let folder = file.parent().context("the key's file has no folder")?;
    make_private_folder(folder)?;
    let mut key = [0; blake3::KEY_LEN];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    let mut aside = tempfile::NamedTempFile::new_in(folder)?; // mode 0600
    aside.write_all(&key)?;
    aside.as_file().sync_all()?;
    match aside.persist_noclobber(file) {
        Ok(_) => Ok(key),
        Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(error.error).with_context(|| format!("cannot write {}", file.display()))
        }
        // Another host made one meanwhile: that one holds.
        Err(_) => fs::read(file)?
            .try_into()
            .map_err(|_| anyhow::anyhow!("the key is damaged")),
    }
}

fn make_private_folder(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    refuse_others(folder)
}

/// Refuses what others may write, or for a key read.
fn refuse_others(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = fs::symlink_metadata(path)?;
    let forbidden = if metadata.is_dir() { 0o022 } else { 0o077 };
    anyhow::ensure!(
        !metadata.is_symlink() && metadata.permissions().mode() & forbidden == 0,
        "{} is open to others; run `chmod go-rwx` on it, or remove it",
        path.display()
    );
    Ok(())
}

/// Refuses a key that somebody else has made, and so knows. The code needs none of this: the key vouches for it.
fn refuse_of_another(key: &Path, user: u32) -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    anyhow::ensure!(
        fs::symlink_metadata(key)?.uid() == user,
        "{} is another user's; remove it, and one is made",
        key.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Favour;
    use waystation_rules::segment::Limits;

    /// The smallest component there is.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn code_is_taken_back_only_as_this_node_wrote_it() {
        let folder = tempfile::tempdir().unwrap();
        let (codes, key) = (
            folder.path().join("codes"),
            folder.path().join("state/node.key"),
        );
        let sandbox = Sandbox::new(&Limits::default(), Favour::Compiling).unwrap();
        let cache = CodeCache::with_key(&codes, &key).unwrap();
        let digest = Digest::of(EMPTY);
        let compile = || sandbox.precompile(EMPTY);
        cache
            .component(&sandbox, &digest, compile, |_| Ok(()))
            .unwrap();
        let file = codes.join(name(&sandbox, &digest));
        let good = fs::read(&file).unwrap();
        assert!(cache.read(&file).unwrap().is_some());

        for at in (0..good.len()).step_by(97) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&file, &bad).unwrap();
            assert!(
                cache.read(&file).unwrap().is_none(),
                "byte {at} was changed"
            );
            fs::write(&file, &good[..at]).unwrap();
            assert!(cache.read(&file).unwrap().is_none(), "cut at {at}");
        }
        let other = file.with_file_name("other.cwasm");
        fs::write(&other, &good).unwrap();
        assert!(cache.read(&other).unwrap().is_none(), "another name");
        fs::remove_file(&key).unwrap();
        fs::write(&file, &good).unwrap();
        let other_node = CodeCache::with_key(&codes, &key).unwrap();
        assert!(
            other_node.read(&file).unwrap().is_none(),
            "another node's key"
        );
        assert!(
            other_node
                .component(&sandbox, &digest, compile, |_| Ok(()))
                .is_ok(),
            "compiled again"
        );
    }

    #[test]
    fn a_key_that_others_can_read_or_have_made_is_refused() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let refused = |key: &Path, codes: &str| {
            let opened = CodeCache::with_key(&folder.path().join(codes), key);
            opened.err().unwrap().to_string()
        };
        let key = folder.path().join("node.key");
        fs::write(&key, [7; 32]).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(refused(&key, "codes").contains("is open to others"));
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let link = folder.path().join("link.key");
        symlink(&key, &link).unwrap();
        assert!(refused(&link, "codes").contains("is open to others"));
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(refused(&key, "open").contains("is open to others"));
        let user = rustix::process::geteuid().as_raw();
        assert!(refuse_of_another(&key, user).is_ok());
        let error = refuse_of_another(&key, user + 1).unwrap_err().to_string();
        assert!(error.contains("is another user's"), "{error}");
    }
}
