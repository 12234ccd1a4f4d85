//! Where a file is tested: a directory that holds nothing else, a network namespace with the interfaces that it
//! names, and the network namespaces that it names.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::sh;
use crate::table::Row;

/// What the verdicts assume to be there, and no script but these.
const PROGRAMS: &[&str] = &[
    "/usr/sbin/ip",
    "/usr/sbin/service",
    "/usr/sbin/ipvsadm",
    "/etc/init.d/postgresql",
    "/usr/bin/false",
    "/usr/bin/touch",
    "/usr/bin/rm",
    "/usr/bin/bash",
    "/usr/bin/busybox",
    "/usr/bin/systemctl",
    "/usr/bin/killall",
    "/usr/bin/pkill",
    "/usr/bin/pgrep",
    "/usr/bin/pidof",
    "/usr/bin/curl",
    "/usr/bin/test",
    "/usr/bin/true",
    "/usr/bin/logger",
    "/usr/bin/python3",
    "/usr/bin/ping",
    "/usr/bin/ps",
    // Its verdicts show that it was there.
    "/usr/sbin/nft",
];

/// What a program said of one file.
pub struct Outcome {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Programs that the verdicts assume absent, and that come with the servers of `make test-services`.
const ABSENT: &[&str] = &["/usr/bin/mysqladmin", "/bin/mysqladmin"];

/// Makes the guest's files as the verdicts assume them: the programs above, or not, no user
/// `keepalived_script`, an empty /etc/keepalived.
pub fn furnish() {
    for program in PROGRAMS.iter().map(Path::new) {
        if !program.exists() {
            fs::create_dir_all(program.parent().expect("a directory")).expect("a directory");
            symlink("/usr/bin/true", program).expect("a program");
        }
    }
    for program in ABSENT {
        let _ = fs::remove_file(program);
    }
    for name in ["/etc/passwd", "/etc/group"] {
        let kept = fs::read_to_string(name).expect(name);
        let kept: String = kept
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("keepalived_script:"))
            .collect();
        fs::write(name, kept).expect(name);
    }
    let _ = fs::remove_dir_all("/etc/keepalived");
    fs::create_dir_all("/etc/keepalived").expect("a directory");
}

/// Files that are tested one after another in the same namespaces: a test changes nothing there.
const TOGETHER: usize = 20;

/// The rows that may share their namespaces, by their positions.
pub fn batches(rows: &[Row]) -> Vec<Vec<usize>> {
    let mut alike: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (position, row) in rows.iter().enumerate() {
        let place = (&row.interfaces, &row.namespaces);
        alike.entry(place).or_default().push(position);
    }
    alike
        .values()
        .flat_map(|positions| positions.chunks(TOGETHER).map(<[usize]>::to_vec))
        .collect()
}

/// Runs `program -t` on the files of `rows`, which lie in `set` and need the same namespaces.
pub fn test(program: &str, options: &[&str], set: &Path, rows: &[&Row]) -> Vec<Outcome> {
    let Some(first) = rows.first() else {
        return Vec::new();
    };
    let directories: Vec<PathBuf> = rows
        .iter()
        .map(|row| furnish_directory(program, set, row))
        .collect();
    let mut script = namespaces(first);
    for (row, directory) in rows.iter().zip(&directories) {
        let mut words = vec![program];
        words.extend(row.arguments.iter().map(String::as_str));
        words.extend(options);
        words.extend(["-t", "-f", &row.file]);
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        writeln!(
            script,
            "cd '{}'\n{} >../out 2>../err </dev/null && echo 0 >../exit || echo $? >../exit",
            directory.display(),
            quoted.join(" ")
        )
        .expect("text");
    }
    sh::run(&["unshare", "--net", "--mount", "sh", "-c", &script]);
    let outcomes = directories.iter().map(|directory| {
        let read = |name| {
            let bytes = fs::read(directory.with_file_name(name)).expect("a result");
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Outcome {
            exit: read("exit").trim().parse().expect("an exit code"),
            stdout: read("out"),
            stderr: read("err"),
        }
    });
    outcomes.collect()
}

/// A directory with the file alone, but for what it may include.
fn furnish_directory(program: &str, set: &Path, row: &Row) -> PathBuf {
    let name = Path::new(program)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let directory = Path::new("/tmp/compat")
        .join(format!("{name}-{}{}", row.file, row.arguments.join("")))
        .join("alone");
    fs::create_dir_all(&directory).expect("a directory");
    let copy = |from: &Path, to: &Path| {
        fs::copy(from, to).expect("a copy");
        // A file that may be executed is no configuration, and not every file system knows which may.
        fs::set_permissions(to, fs::Permissions::from_mode(0o644)).expect("permissions");
    };
    copy(&set.join(&row.file), &directory.join(&row.file));
    for part in fs::read_dir(set.join("parts")).into_iter().flatten().flatten() {
        fs::create_dir_all(directory.join("parts")).expect("a directory");
        copy(&part.path(), &directory.join("parts").join(part.file_name()));
    }
    directory
}

/// Commands that make the network namespaces.
fn namespaces(row: &Row) -> String {
    let mut links = "link set dev lo up\n".to_owned();
    for name in row.interfaces.iter().filter(|name| *name != "lo") {
        write!(
            links,
            "link add name {name} type bridge\naddr add 192.0.2.1/24 dev {name}\nlink set dev {name} up\n"
        )
        .expect("text");
    }
    let mut script = "set -e\nmount -t tmpfs none /run\n\
        for kind in all default; do echo 0 >/proc/sys/net/ipv6/conf/$kind/accept_dad; done\n"
        .to_owned();
    let batch = |script: &mut String, words: &str| {
        write!(script, "ip {words} -batch - <<'END'\n{links}END\n").expect("text");
    };
    batch(&mut script, "");
    for name in &row.namespaces {
        writeln!(script, "ip netns add {name}").expect("text");
        batch(&mut script, &format!("-n {name}"));
    }
    script
}
