//! `steadfast config fmt`: files in, files out. The form is `conf::fmt`'s.

use super::{FAILED, failed};
use crate::cli;
use crate::cli::config::Then;
use crate::conf::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

/// Formats each of the files, or standard input.
pub(super) fn run(files: &[PathBuf], then: Then) -> u8 {
    if files.is_empty() {
        return match (from_standard_input(), then) {
            (Err(why), _) => failed(&why),
            (Ok(_), Then::Write) => failed("--write needs a file to write into"),
            (Ok(Formatted { changed: true, .. }), Then::Check) => failed("standard input would change"),
            (Ok(_), Then::Check) => 0,
            (Ok(Formatted { bytes, .. }), Then::Print) => print(&bytes),
        };
    }
    let mut status = 0;
    for file in files {
        let named = |why: &str| failed(&format!("{}: {why}", file.display()));
        let formatted = fs::read(file)
            .map_err(|error| error.to_string())
            .and_then(|bytes| format(&bytes));
        status |= match (formatted, then) {
            (Err(why), _) => named(&why),
            (Ok(Formatted { bytes, .. }), Then::Print) => print(&bytes),
            (Ok(Formatted { changed: false, .. }), _) => 0,
            (Ok(_), Then::Check) => {
                cli::print(&format!("{}\n", file.display()), "");
                FAILED
            }
            (Ok(Formatted { bytes, .. }), Then::Write) => match replace(file, &bytes) {
                Ok(()) => 0,
                Err(error) => named(&format!("it cannot be written: {error}")),
            },
        };
    }
    status
}

struct Formatted {
    bytes: Vec<u8>,
    changed: bool,
}

fn from_standard_input() -> Result<Formatted, String> {
    let mut bytes = Vec::new();
    io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    format(&bytes)
}

/// Formats bytes. All that has a meaning is ASCII, so text in another encoding than UTF-8 goes through as it is: a
/// character for every byte, and back.
fn format(bytes: &[u8]) -> Result<Formatted, String> {
    let formatted = match str::from_utf8(bytes) {
        Ok(text) => fmt::format(text).map(String::into_bytes),
        Err(_) => {
            let text: String = bytes.iter().copied().map(char::from).collect();
            fmt::format(&text).map(|text| text.chars().filter_map(|c| u8::try_from(c).ok()).collect())
        }
    };
    let bytes_now = formatted.map_err(|refused| refused.to_string())?;
    Ok(Formatted {
        changed: bytes_now != bytes,
        bytes: bytes_now,
    })
}

fn print(bytes: &[u8]) -> u8 {
    match io::stdout().write_all(bytes) {
        Ok(()) => 0,
        Err(error) => failed(&format!("The result cannot be written: {error}")),
    }
}

/// Writes a file in one step, so that a daemon that reloads sees the old text or the new one. Owner and mode stay; so
/// does a link, which goes on leading to the file.
fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = fs::canonicalize(file)?;
    let old = fs::metadata(&file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let fresh = file.with_file_name(format!(".{name}.{}", std::process::id()));
    let mut options = OpenOptions::new();
    let mut new = options.write(true).create_new(true).mode(0o600).open(&fresh)?;
    let written = new
        .write_all(bytes)
        .and_then(|()| {
            let made = new.metadata()?;
            if (made.uid(), made.gid()) == (old.uid(), old.gid()) {
                Ok(())
            } else {
                fchown(&new, Some(old.uid()), Some(old.gid()))
            }
        })
        .and_then(|()| new.set_permissions(old.permissions()))
        .and_then(|()| new.sync_all())
        .and_then(|()| fs::rename(&fresh, &file));
    if written.is_err() {
        // If it cannot be removed either, the first error is the one to tell.
        let _ = fs::remove_file(&fresh);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TempDir;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn other_encodings_go_through() {
        let formatted = format(b"x   y # \xfcber\n").unwrap();
        assert_eq!(formatted.bytes, b"x y # \xfcber\n");
        assert!(formatted.changed);
        assert!(!format("x y # über\n".as_bytes()).unwrap().changed);
        assert_eq!(
            format(b"{").err().as_deref(),
            Some("line 1: there is no '}' for this '{'")
        );
    }

    #[test]
    fn a_file_is_replaced_as_it_was() {
        let dir = TempDir::new();
        let (file, link) = (dir.dir().join("a.conf"), dir.dir().join("b.conf"));
        fs::write(&file, "a   b\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("a.conf", &link).unwrap();
        assert_eq!(run(std::slice::from_ref(&link), Then::Check), FAILED);
        assert_eq!(run(std::slice::from_ref(&link), Then::Write), 0);
        assert_eq!(run(std::slice::from_ref(&link), Then::Check), 0);
        assert_eq!(fs::read_to_string(&file).unwrap(), "a b\n");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(
            fs::read_dir(dir.dir()).unwrap().count(),
            2,
            "nothing is left over"
        );
    }
}
