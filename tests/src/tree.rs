//! Folders, copied and brought in line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Copies a folder with the times of its files, which are how cargo tells what it has built. Names for which `keep` says no are left out.
///
/// # Errors
///
/// What the system says.
pub fn copy(from: &Path, to: &Path, keep: &dyn Fn(&str) -> bool) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if !keep(&name.to_string_lossy()) {
            continue;
        }
        let (path, copy) = (entry.path(), to.join(&name));
        if entry.file_type()?.is_dir() {
            self::copy(&path, &copy, keep)?;
        } else {
            fs::copy(&path, &copy)?;
            let modified = entry.metadata()?.modified()?;
            fs::File::options()
                .write(true)
                .open(&copy)?
                .set_modified(modified)?;
        }
    }
    Ok(())
}

/// Every file below a folder, from that folder, sorted.
///
/// # Errors
///
/// What the system says.
pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(below) = path.strip_prefix(folder) {
                found.push(below.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Writes a file and the folders above it, unless it holds just that already.
///
/// # Errors
///
/// What the system says.
pub fn write_if_changed(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)
}
