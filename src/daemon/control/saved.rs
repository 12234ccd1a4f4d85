//! `config_save_dir`: what was read, and what the planes were before and after each reload, for whoever looks for a mistake
//! that repeated reloads make (fact VRRP 20.9).

use super::Control;
use crate::conf::Sources;
use crate::daemon::dump::file::{self, DEFAULT_UMASK};
use std::fmt::Write;
use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use tracing::warn;

impl Control {
    /// Saves the files of a reading. Passwords and all: nobody but the owner may read them.
    pub(super) fn save_configuration(&self, directory: Option<&str>, sources: &Sources) {
        let name = format!("keepalived.conf.{}.{}", std::process::id(), self.reloads);
        if let Some(directory) = directory {
            save(directory.as_ref(), &[(name, merged(sources))]);
        }
    }

    /// Saves what each plane shows of itself, `when` a reload begins or has ended.
    pub(super) async fn save_planes(&self, when: &str) {
        let Some(directory) = &self.plan.global.reload.save_dir else {
            return;
        };
        let (process, number) = (std::process::id(), self.reloads);
        let name = |plane: &str| format!("keepalived_{plane}.{process}.{number}.{when}");
        let planes = self.planes_as_text().await.into_iter();
        let files: Vec<_> = planes.map(|(plane, text)| (name(plane), text)).collect();
        save(directory.as_ref(), &files);
    }
}

/// All files in the order of reading, each behind its path.
fn merged(sources: &Sources) -> String {
    let mut text = String::new();
    for file in &sources.files {
        // A string takes whatever is written.
        let _ = writeln!(text, "# {}\n{}", file.name.display(), file.text.trim_end());
    }
    text
}

/// Writes `files` into `directory`, which is made when it is not there. What cannot be written is said in the log.
fn save(directory: &Path, files: &[(String, String)]) {
    if let Err(error) = make(directory) {
        let path = directory.display();
        return warn!("Unable to create config_save_dir {path}: {error}");
    }
    for (name, text) in files {
        let path: PathBuf = directory.join(name);
        if let Err(error) = file::write(&path, text, DEFAULT_UMASK) {
            warn!("Unable to save {}: {error}", path.display());
        }
    }
}

fn make(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        made => made,
    }
}
