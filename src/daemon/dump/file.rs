//! Where dumps are written, and how: a directory that anybody may write to is the usual place, so a file is made under
//! a fresh name and moved over the old one. A link that somebody planted there is replaced, never followed.

use crate::conf::config::DumpSettings;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The creation mask unless `-u` or `umask` says otherwise: nobody but the owner reads a dump (fact VRRP 19.7).
pub const DEFAULT_UMASK: u32 = 0o177;
/// So many left-over files of the same name are stepped over.
const ATTEMPTS: u32 = 100;

/// `$TMPDIR` when it is an absolute path of a directory, otherwise `/tmp` (fact cli 9.1).
pub fn directory() -> PathBuf {
    choose(std::env::var_os("TMPDIR").map(PathBuf::from))
}

fn choose(tmpdir: Option<PathBuf>) -> PathBuf {
    tmpdir
        .filter(|dir| dir.is_absolute() && dir.is_dir())
        .unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// What a dump is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// VRRP's data.
    Vrrp,
    /// The health checks' data.
    Check,
    /// The global section alone.
    Parent,
    /// BFD's data.
    Bfd,
    /// VRRP's counters.
    Stats,
    /// VRRP's data and counters for programs.
    Json,
}

impl Kind {
    /// The name, and what is put before its last dot.
    const fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Vrrp => ("keepalived.data", ""),
            Self::Check => ("keepalived.data", "_check"),
            Self::Parent => ("keepalived.data", "_parent"),
            Self::Bfd => ("keepalived.data", "_bfd"),
            Self::Stats => ("keepalived.stats", ""),
            Self::Json => ("keepalived.json", ""),
        }
    }
}

/// What the names of dumps come from.
#[derive(Clone, Copy, Debug)]
pub struct Naming<'a> {
    /// `state_dump_file`, …
    pub dumps: &'a DumpSettings,
    /// The network namespace.
    pub namespace: Option<&'a str>,
    /// `instance`
    pub instance: Option<&'a str>,
}

impl Naming<'_> {
    /// Where the dump of `kind` goes (facts cli 6.2, VRRP 20.2): `state_dump_file` and the like name a file in `temporary`, a
    /// directory that ends in a slash, or a whole path.
    pub fn path(&self, temporary: &Path, kind: Kind) -> PathBuf {
        let (name, part) = kind.name();
        let (configured, whose) = match kind {
            Kind::Stats => (&self.dumps.stats_dump_file, String::new()),
            Kind::Json => (&self.dumps.json_dump_file, String::new()),
            Kind::Vrrp | Kind::Check | Kind::Bfd | Kind::Parent => {
                (&self.dumps.state_dump_file, self.whose())
            }
        };
        let (directory, name) = match configured.as_deref().map(|path| (path.rsplit_once('/'), path)) {
            None => (temporary.to_owned(), name),
            Some((None, file)) => (temporary.to_owned(), file),
            // A path that does not begin at the root is taken from the same place.
            Some((Some((directory, file)), _)) => {
                let directory = temporary.join(format!("{directory}/"));
                (directory, if file.is_empty() { name } else { file })
            }
        };
        directory.join(match name.rsplit_once('.') {
            Some((stem, extension)) => format!("{stem}{part}{whose}.{extension}"),
            None => format!("{name}{part}{whose}"),
        })
    }

    /// `.NAMESPACE_INSTANCE`, or what there is of it, when `data_use_instance` asks for it.
    fn whose(&self) -> String {
        let known: Vec<&str> = [self.namespace, self.instance].into_iter().flatten().collect();
        if self.dumps.data_use_instance == Some(true) && !known.is_empty() {
            format!(".{}", known.join("_"))
        } else {
            String::new()
        }
    }
}

/// Writes `text` to `path` in one step: a reader sees the old file or the whole new one.
pub fn write(path: &Path, text: &str, umask: u32) -> io::Result<()> {
    let (mut file, fresh) = create(path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.set_permissions(Permissions::from_mode(0o666 & !umask)))
        .and_then(|()| std::fs::rename(&fresh, path));
    if written.is_err() {
        // Half a file helps nobody; if it cannot be removed, the first error is the one to tell.
        let _ = std::fs::remove_file(&fresh);
    }
    written
}

/// A new file beside `path`.
fn create(path: &Path) -> io::Result<(File, PathBuf)> {
    let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
    let name = path.file_name().ok_or_else(no_name)?.to_string_lossy();
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for n in 0..ATTEMPTS {
        let fresh = path.with_file_name(format!(".{name}.{}.{n}", std::process::id()));
        let mut options = OpenOptions::new();
        // `create_new` is O_EXCL, which never follows a link either.
        options.write(true).create_new(true).mode(0o600);
        match options.open(&fresh) {
            Ok(file) => return Ok((file, fresh)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TempDir;

    const DATA: &str = "keepalived.data";

    #[test]
    fn content_mode_and_nothing_left_over() {
        let dir = TempDir::new();
        for (umask, mode) in [(DEFAULT_UMASK, 0o600), (0o022, 0o644)] {
            let path = dir.path(DATA);
            write(&path, "text\n", umask).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "text\n");
            assert_eq!(
                std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
                mode
            );
        }
        assert_eq!(dir.names(), [DATA]);
    }

    #[test]
    fn a_planted_link_is_replaced_and_its_target_untouched() {
        let dir = TempDir::new();
        let target = dir.path("precious");
        std::fs::write(&target, "precious").unwrap();
        for (name, n) in [(DATA, None), ("keepalived.stats", Some(0))] {
            let planted = match n {
                None => dir.path(name),
                Some(n) => dir.path(&format!(".{name}.{}.{n}", std::process::id())),
            };
            std::os::unix::fs::symlink(&target, planted).unwrap();
            let path = dir.path(name);
            write(&path, "dump", DEFAULT_UMASK).unwrap();
            assert!(std::fs::symlink_metadata(&path).unwrap().is_file());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "dump");
        }
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
    }

    #[test]
    fn what_cannot_be_written_is_an_error_and_leaves_nothing() {
        let dir = TempDir::new();
        std::fs::create_dir_all(dir.path(DATA).join("full")).unwrap();
        write(&dir.path(DATA), "dump", DEFAULT_UMASK).unwrap_err();
        assert_eq!(dir.names(), [DATA]);
        write(&dir.path("missing").join(DATA), "dump", DEFAULT_UMASK).unwrap_err();
        write(Path::new("/"), "dump", DEFAULT_UMASK).unwrap_err();
    }

    #[test]
    fn the_directory() {
        let dir = TempDir::new();
        assert_eq!(choose(Some(dir.dir().to_owned())), dir.dir());
        for other in [None, Some("relative".into()), Some(dir.path("missing"))] {
            assert_eq!(choose(other), Path::new("/tmp"));
        }
    }

    /// The paths of all dumps, in the order of [`Kind`].
    fn paths(dumps: &DumpSettings, namespace: Option<&str>, instance: Option<&str>) -> Vec<String> {
        let naming = Naming {
            dumps,
            namespace,
            instance,
        };
        [
            Kind::Vrrp,
            Kind::Check,
            Kind::Bfd,
            Kind::Parent,
            Kind::Stats,
            Kind::Json,
        ]
        .map(|kind| naming.path(Path::new("/tmp"), kind).display().to_string())
        .into()
    }

    const USUAL: [&str; 6] = [
        "/tmp/keepalived.data",
        "/tmp/keepalived_check.data",
        "/tmp/keepalived_bfd.data",
        "/tmp/keepalived_parent.data",
        "/tmp/keepalived.stats",
        "/tmp/keepalived.json",
    ];

    #[test]
    fn names_as_configured() {
        let dumps = |state: &str, stats: &str, json: &str| DumpSettings {
            state_dump_file: Some(state.into()),
            stats_dump_file: Some(stats.into()),
            json_dump_file: Some(json.into()),
            ..DumpSettings::default()
        };
        assert_eq!(paths(&DumpSettings::default(), None, None), USUAL);
        let want = [
            "/tmp/state.txt",
            "/tmp/state_check.txt",
            "/tmp/state_bfd.txt",
            "/tmp/state_parent.txt",
            "/var/lib/keepalived.stats",
            "/var/lib/a.b",
        ];
        assert_eq!(
            paths(&dumps("state.txt", "/var/lib/", "/var/lib/a.b"), None, None),
            want
        );
        let want = [
            "/tmp/sub/state",
            "/tmp/sub/state_check",
            "/tmp/sub/state_bfd",
            "/tmp/sub/state_parent",
            "/s",
            "/tmp/sub/keepalived.json",
        ];
        assert_eq!(paths(&dumps("sub/state", "/s", "sub/"), None, None), want);
    }

    /// As keepalived 2.2.7 does it.
    #[test]
    fn names_of_an_instance_in_a_namespace() {
        let mut dumps = DumpSettings::default();
        assert_eq!(paths(&dumps, None, Some("one")), USUAL, "unless asked for");
        dumps.data_use_instance = Some(true);
        let want = [
            "/tmp/keepalived.one.data",
            "/tmp/keepalived_check.one.data",
            "/tmp/keepalived_bfd.one.data",
            "/tmp/keepalived_parent.one.data",
            "/tmp/keepalived.stats",
            "/tmp/keepalived.json",
        ];
        assert_eq!(paths(&dumps, None, Some("one")), want);
        assert_eq!(
            paths(&dumps, Some("blue"), Some("one"))[1],
            "/tmp/keepalived_check.blue_one.data"
        );
        assert_eq!(paths(&dumps, Some("blue"), None)[0], "/tmp/keepalived.blue.data");
        assert_eq!(paths(&dumps, None, None), USUAL);
    }
}
