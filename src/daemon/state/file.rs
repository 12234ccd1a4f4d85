//! One state file: read without trust, written in one step.

use crate::daemon::dump::file::{self, DEFAULT_UMASK};
use nix::libc::{O_CLOEXEC, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK};
use nix::unistd::geteuid;
use serde_json::{Map, Value};
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// What this program writes.
const FORMAT: u64 = 1;
/// More than the verdicts of 100,000 checkers take.
const LARGEST: u64 = 16 << 20;

/// The body of a file of this boot. `None` where there is none, or where it is of another boot, which is nothing to
/// wonder about.
///
/// # Errors
/// Why it is not to be believed.
pub(super) fn read(path: &Path) -> Result<Option<Value>, String> {
    let Some(text) = text(path)? else {
        return Ok(None);
    };
    let body: Value = serde_json::from_slice(&text).map_err(|error| format!("it is damaged: {error}"))?;
    let format = body.get("format").and_then(Value::as_u64);
    if format != Some(FORMAT) {
        return Err("it has another format".into());
    }
    let boot = body
        .get("boot")
        .and_then(Value::as_str)
        .ok_or("it names no boot")?;
    let own = boot_id().map_err(|error| format!("the boot has no name: {error}"))?;
    Ok((boot == own).then_some(body))
}

/// Writes `body` with what is common to both files, for nobody but the owner to read.
pub(super) fn write(path: &Path, since_boot: u64, name: &str, list: Vec<Value>) -> io::Result<()> {
    let mut body = Map::new();
    body.insert("format".into(), FORMAT.into());
    body.insert("boot".into(), boot_id()?.into());
    body.insert("written".into(), since_boot.into());
    body.insert(name.into(), list.into());
    file::write(path, &Value::Object(body).to_string(), DEFAULT_UMASK)
}

/// Removes it, or the link that somebody has put in its place.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn text(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let mut options = OpenOptions::new();
    // A pipe that nobody writes must not make us wait.
    let flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    let file = match options.read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let about = file.metadata().map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("it is no file".into());
    }
    if about.uid() != geteuid().as_raw() || about.mode() & 0o022 != 0 {
        return Err("others may write to it".into());
    }
    let mut text = Vec::new();
    let read = file.take(LARGEST + 1).read_to_end(&mut text);
    read.map_err(|error| error.to_string())?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > LARGEST {
        return Err("it is too large".into());
    }
    Ok(Some(text))
}

/// Another one after every boot.
fn boot_id() -> io::Result<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(id.trim().to_owned())
}
