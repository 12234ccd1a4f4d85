//! Where one file is tested: a directory that holds nothing else, a network namespace with the interfaces that it
//! names, the network namespaces that it names.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::table::Row;

/// Seconds that a test may take.
const LIMIT: u32 = 20;

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
];

/// What a program said of one file.
pub struct Outcome {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Makes the guest's files as the verdicts assume them: the programs above, no user `keepalived_script`, no
/// configuration of the host's.
pub fn furnish() {
    for program in PROGRAMS.iter().map(Path::new) {
        if !program.exists() {
            fs::create_dir_all(program.parent().expect("a directory")).expect("a directory");
            symlink("/usr/bin/true", program).expect("a program");
        }
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
}

/// Runs `program -t` on the file of `row`, which lies in `set`.
pub fn test(program: &str, options: &[&str], set: &Path, row: &Row) -> Outcome {
    let name = Path::new(program)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let directory = Path::new("/tmp/compat").join(format!("{name}-{}{}", row.file, row.arguments.join("")));
    fs::create_dir_all(&directory).expect("a directory");
    fs::copy(set.join(&row.file), directory.join(&row.file)).expect("the file");
    // The name of what may be included has no execute bit, wherever the repository lies.
    let plain = fs::Permissions::from_mode(0o644);
    fs::set_permissions(directory.join(&row.file), plain.clone()).expect("permissions");
    for part in fs::read_dir(set.join("parts")).into_iter().flatten().flatten() {
        fs::create_dir_all(directory.join("parts")).expect("a directory");
        let to = directory.join("parts").join(part.file_name());
        fs::copy(part.path(), &to).expect("a part");
        fs::set_permissions(to, plain.clone()).expect("permissions");
    }
    let mut words = vec!["timeout".to_owned(), LIMIT.to_string(), program.to_owned()];
    words.extend(row.arguments.iter().cloned());
    words.extend(options.iter().map(|&option| option.to_owned()));
    words.extend(["-t".to_owned(), "-f".to_owned(), row.file.clone()]);
    let output = Command::new("unshare")
        .args(["--net", "--mount", "sh", "-c", &script(row), "sh"])
        .args(words)
        .current_dir(&directory)
        .stdin(Stdio::null())
        .output()
        .expect("unshare");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Outcome {
        // As a shell would say it.
        exit: (output.status.code()).unwrap_or_else(|| 128 + output.status.signal().unwrap_or_default()),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

/// Makes the namespaces and goes on with the words that follow.
fn script(row: &Row) -> String {
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
    script + "exec \"$@\"\n"
}
