//! Files that are replaced whole: a reader, or a crash, meets the old content or the new, never a part.

use super::digest::Digest;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

/// Writes a file aside in the same folder, waits for the disk, and renames it in. Missing folders are made.
///
/// # Errors
///
/// Any [`io::Error`]; the old file is then untouched.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    write_by(path, |aside| aside.write_all(content))
}

/// The same for what is written piece by piece.
///
/// # Errors
///
/// As [`write()`], and what `content` fails with.
pub fn write_by(path: &Path, content: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let aside = write_aside(path, content)?;
    aside.as_file().sync_all()?;
    aside.persist(path)?;
    sync_folder(folder_of(path))
}

/// Copies what is read aside, names the copy by what it holds, and renames it in. Returns its digest and its length.
///
/// The name is that of the copy, so a source that is written to meanwhile cannot make it wrong.
///
/// # Errors
///
/// Any [`io::Error`], of the source or the copy.
pub fn copy(mut source: impl Read, folder: &Path) -> io::Result<(Digest, u64)> {
    fs::create_dir_all(folder)?;
    let mut aside = temporary_file(folder)?;
    let length = io::copy(&mut source, aside.as_file_mut())?;
    let digest = Digest::of_reader(File::open(aside.path())?)?;
    aside.as_file().sync_all()?;
    aside.persist(folder.join(digest.as_str()))?;
    sync_folder(folder)?;
    Ok((digest, length))
}

/// Writes a file that can be made again, unless it holds the content already. Says whether it wrote.
///
/// It does not wait for the disk, and an unchanged file keeps its time.
///
/// # Errors
///
/// Any [`io::Error`]; the old file is then untouched.
pub fn write_if_changed(path: &Path, content: &[u8]) -> io::Result<bool> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(false);
    }
    write_aside(path, |aside| aside.write_all(content))?.persist(path)?;
    Ok(true)
}

fn write_aside(
    path: &Path,
    content: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<tempfile::NamedTempFile> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let mut aside = temporary_file(folder)?;
    content(aside.as_file_mut())?;
    Ok(aside)
}

/// The folder that a file is in; `.` for a bare name.
fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().unwrap_or(Path::new(""));
    match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    }
}

/// A temporary file that others may read, as any file made by hand.
fn temporary_file(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".aside-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666)); // less the umask
    }
    builder.tempfile_in(folder)
}

/// Makes a rename last: on Unix it is the folder that holds the name.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_whole_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.txt");
        write(&path, b"long content").unwrap();
        write(&path, b"short").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"short");
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
    }

    #[test]
    fn the_same_content_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.txt");
        assert!(write_if_changed(&path, b"one").unwrap());
        assert!(!write_if_changed(&path, b"one").unwrap());
        assert!(write_if_changed(&path, b"two").unwrap());
    }
}
