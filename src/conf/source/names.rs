//! The files of iproute2's names, in the order in which they count (grammar 6.7).

use super::super::names::{Kind, Names};
use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Local tables, unless `iproute_etc_dir` says otherwise.
const ETC_DIR: &str = "/etc/iproute2";
/// A distribution's tables, unless `iproute_usr_dir` says otherwise: the first one that exists.
const USR_DIRS: [&str; 2] = ["/usr/share/iproute2", "/usr/lib/iproute2"];
/// Files read for one kind of names.
const MAX_FILES: usize = 256;
/// Names in one of their folders; of a folder with more nothing is read.
const MAX_ENTRIES: usize = 10_000;
/// Octets of one of these files; larger ones are left out.
const MAX_SIZE: u64 = 1 << 20;

/// All names of the tables in `usr` and `etc`. What cannot be read is taken for empty.
pub(in crate::conf) fn load(usr: Option<&Path>, etc: Option<&Path>) -> Names {
    let usr = usr.map_or_else(default_usr, Path::to_path_buf);
    let etc = etc.unwrap_or_else(|| Path::new(ETC_DIR));
    let mut names = Names::default();
    for kind in Kind::ALL {
        let mut files = vec![etc.join(kind.file())];
        if !files.iter().any(|file| file.exists()) {
            files = vec![usr.join(kind.file())];
        }
        let folder = format!("{}.d", kind.file());
        let local = parts(&etc.join(&folder));
        let taken: HashSet<OsString> = local
            .iter()
            .filter_map(|path| path.file_name().map(OsString::from))
            .collect();
        let shipped = parts(&usr.join(&folder)).into_iter();
        files.extend(shipped.filter(|path| path.file_name().is_none_or(|name| !taken.contains(name))));
        files.extend(local);
        for file in files.iter().take(MAX_FILES) {
            if let Ok(bytes) = super::read_file(file, MAX_SIZE) {
                names.add(kind, &String::from_utf8_lossy(&bytes));
            }
        }
    }
    names
}

fn default_usr() -> PathBuf {
    let there = USR_DIRS.iter().find(|dir| Path::new(dir).is_dir());
    PathBuf::from(there.unwrap_or(&"/usr/share/iproute2"))
}

/// The `*.conf` files of a folder, sorted.
fn parts(folder: &Path) -> Vec<PathBuf> {
    let mut lookups = MAX_ENTRIES;
    super::glob::glob(folder, "*.conf", &mut lookups).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TempDir;

    #[test]
    fn local_files_come_before_shipped_ones() {
        let dir = TempDir::new();
        dir.file("usr/rt_tables", "10 shipped\n");
        dir.file("usr/rt_realms", "7 shipped\n");
        dir.file("usr/rt_tables.d/a.conf", "20 a\n30 both\n");
        dir.file("usr/rt_tables.d/b.conf", "21 replaced\n");
        dir.file("usr/rt_tables.d/README", "22 no\n");
        dir.file("etc/rt_tables", "11 local\n");
        dir.file("etc/rt_tables.d/b.conf", "23 b\n31 both\n");
        let names = load(Some(&dir.path("usr")), Some(&dir.path("etc")));
        for (word, wanted) in [
            ("shipped", None),
            ("local", Some(11)),
            ("a", Some(20)),
            ("replaced", None),
            ("no", None),
            ("b", Some(23)),
            ("both", Some(31)),
            ("main", Some(254)),
        ] {
            assert_eq!(names.table(word), wanted, "{word}");
        }
        assert_eq!(names.realm("shipped"), Some(7));
    }

    #[test]
    fn without_any_file_the_built_in_names_hold() {
        let dir = TempDir::new();
        let names = load(Some(&dir.path("none")), Some(dir.dir()));
        assert_eq!(names.table("main"), Some(254));
        // A folder is no file.
        dir.file("rt_tables/x", "");
        let names = load(Some(&dir.path("none")), Some(dir.dir()));
        assert_eq!(names.table("main"), Some(254));
    }
}
