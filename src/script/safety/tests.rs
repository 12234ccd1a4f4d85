//! Examinations on an invented host.

use super::*;
use crate::script::host::{FileKind, FileStatus};
use std::collections::BTreeMap;
use std::io;

const ROOT: Credentials = Credentials { uid: 0, gid: 0 };
const BOB: Credentials = Credentials { uid: 1000, gid: 1000 };
const SCRIPT: Credentials = Credentials { uid: 990, gid: 990 };

struct Fake {
    files: BTreeMap<PathBuf, (FileStatus, Option<PathBuf>)>,
    keepalived_script: bool,
    own: Credentials,
    /// What the kernel answers when it is asked.
    kernel: Option<bool>,
}

impl Fake {
    fn new() -> Self {
        let mut fake = Self {
            files: BTreeMap::new(),
            keepalived_script: false,
            own: ROOT,
            kernel: Some(false),
        };
        for directory in ["/", "/usr", "/usr/bin", "/opt", "/home"] {
            fake.put(directory, FileKind::Directory, ROOT, 0o755);
        }
        fake.link("/bin", "usr/bin");
        fake.file("/usr/bin/true", ROOT, 0o755);
        fake.put("/tmp", FileKind::Directory, ROOT, 0o1777);
        fake
    }

    fn put(&mut self, path: &str, kind: FileKind, owner: Credentials, mode: u32) {
        let Credentials { uid, gid } = owner;
        self.files
            .insert(path.into(), (FileStatus { kind, uid, gid, mode }, None));
    }

    fn file(&mut self, path: &str, owner: Credentials, mode: u32) {
        self.put(path, FileKind::File, owner, mode);
    }

    fn directory(&mut self, path: &str, owner: Credentials, mode: u32) {
        self.put(path, FileKind::Directory, owner, mode);
    }

    fn link(&mut self, path: &str, target: &str) {
        self.put(path, FileKind::Link, ROOT, 0o777);
        self.files.get_mut(Path::new(path)).unwrap().1 = Some(target.into());
    }

    fn examine(&self, line: &str, policy: &ScriptPolicy) -> Result<Examined, Refusal> {
        examine_on(self, &command(line), policy)
    }
}

impl Host for Fake {
    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        let missing = || io::Error::from_raw_os_error(libc::ENOENT);
        self.files.get(path).map(|found| found.0).ok_or_else(missing)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(self.files[path].1.clone().unwrap())
    }

    fn user(&self, name: &str) -> Option<Credentials> {
        match name {
            "root" => Some(ROOT),
            "bob" | "1000" => Some(BOB),
            DEFAULT_ACCOUNT if self.keepalived_script => Some(SCRIPT),
            _ => None,
        }
    }

    fn group(&self, name: &str) -> Option<u32> {
        (name == "staff").then_some(50)
    }

    fn user_name(&self, uid: u32) -> Option<String> {
        (uid == 1000).then(|| "bob".into())
    }

    fn own(&self) -> Credentials {
        self.own
    }

    fn search_path(&self) -> Vec<PathBuf> {
        vec!["".into(), ".".into(), "/opt".into(), "/usr/bin".into()]
    }

    fn working_directory(&self) -> PathBuf {
        "/opt".into()
    }

    fn may_execute(&self, _path: &Path, _who: Credentials) -> Option<bool> {
        self.kernel
    }
}

fn command(line: &str) -> Command {
    Command {
        argv: line.split(' ').map(Into::into).collect(),
        user: None,
    }
}

fn run_as(user: &str, group: Option<&str>) -> RunAs {
    RunAs {
        user: user.into(),
        group: group.map(Into::into),
    }
}

fn secure() -> ScriptPolicy {
    ScriptPolicy {
        default_user: Some(run_as("root", None)),
        security: true,
        ..ScriptPolicy::default()
    }
}

fn argv(examined: &Examined) -> Vec<&str> {
    examined
        .script
        .argv
        .iter()
        .map(|word| word.to_str().unwrap())
        .collect()
}

/// Facts: 13.1
/// LVS facts: 13.3
#[test]
fn the_user_is_the_commands_own_then_script_user_then_keepalived_script_then_ours() {
    let mut host = Fake::new();
    let mut policy = ScriptPolicy::default();
    let who = |host: &Fake, policy: &ScriptPolicy, user: Option<RunAs>| {
        let command = Command {
            user,
            ..command("/usr/bin/true")
        };
        examine_on(host, &command, policy).map(|examined| (examined.script.who, examined.remarks))
    };
    assert_eq!(who(&host, &policy, None), Ok((ROOT, vec![Remark::NoDefaultUser])));
    host.own = BOB;
    assert_eq!(who(&host, &policy, None), Ok((BOB, vec![Remark::NoDefaultUser])));
    host.keepalived_script = true;
    assert_eq!(who(&host, &policy, None), Ok((SCRIPT, vec![])));
    policy.default_user = Some(run_as("bob", Some("staff")));
    let staff = Credentials { uid: 1000, gid: 50 };
    assert_eq!(who(&host, &policy, None), Ok((staff, vec![])));
    let own = Some(run_as("root", None));
    assert_eq!(who(&host, &policy, own), Ok((ROOT, vec![])));
    let unknown = Some(run_as("eve", None));
    assert_eq!(
        who(&host, &policy, unknown).unwrap_err().to_string(),
        "Script user 'eve' does not exist"
    );
    let unknown = Some(run_as("bob", Some("nogroup")));
    assert_eq!(
        who(&host, &policy, unknown).unwrap_err().to_string(),
        "Script group 'nogroup' does not exist"
    );
}

/// Facts: 13.6
/// LVS facts: 13.3
#[test]
fn with_security_the_default_account_must_exist() {
    let mut host = Fake::new();
    let policy = ScriptPolicy {
        default_user: None,
        security: true,
        ..ScriptPolicy::default()
    };
    let refusal = host.examine("/usr/bin/true", &policy).unwrap_err();
    assert_eq!(refusal, Refusal::NoDefaultUser);
    assert!(refusal.help().contains("script_user"));
    host.keepalived_script = true;
    assert_eq!(host.examine("/usr/bin/true", &policy).unwrap().script.who, SCRIPT);
}

/// Facts: 13.2
/// LVS facts: 13.7
#[test]
fn a_bare_name_is_searched_in_absolute_directories_for_its_user() {
    let mut host = Fake::new();
    host.file("/opt/tool", ROOT, 0o700);
    host.file("/usr/bin/tool", ROOT, 0o755);
    let found = host.examine("tool -x", &secure()).unwrap();
    assert_eq!(argv(&found), ["/opt/tool", "-x"]);
    assert_eq!(
        found.remarks[0].to_string(),
        "WARNING - script `tool` resolved by path search to `/opt/tool`. Please specify full path."
    );
    // bob may not execute the first.
    let bob = ScriptPolicy {
        default_user: Some(run_as("bob", None)),
        security: true,
        ..ScriptPolicy::default()
    };
    assert_eq!(argv(&host.examine("tool", &bob).unwrap()), ["/usr/bin/tool"]);
    assert_eq!(
        host.examine("nothing", &bob).unwrap_err().to_string(),
        "Cannot find script nothing in path - disabling"
    );
    host.file("/opt/mine", ROOT, 0o700);
    assert_eq!(
        host.examine("mine", &bob).unwrap_err(),
        Refusal::NotExecutable("/opt/mine".into(), BOB)
    );
}

/// Facts: 13.7
/// LVS facts: 13.7
#[test]
fn the_resolved_file_is_run_under_the_configured_name() {
    let mut host = Fake::new();
    host.link("/opt/alias", "../bin/./true");
    let found = host.examine("/opt//x/.././alias a", &secure());
    // The kernel would refuse the missing `x`, and so do we.
    assert_eq!(
        found.unwrap_err().to_string(),
        "Script /opt//x/.././alias cannot be accessed - No such file or directory"
    );
    host.directory("/opt/x", ROOT, 0o755);
    let found = host.examine("/opt//x/.././alias a", &secure()).unwrap();
    assert_eq!(found.script.program, Path::new("/usr/bin/true"));
    assert_eq!(argv(&found), ["/opt/alias", "a"]);
    let relative = host.examine("./alias", &secure()).unwrap();
    assert_eq!(relative.script.program, Path::new("/usr/bin/true"));
    assert_eq!(argv(&relative), ["/opt/alias"]);
}

/// Facts: 13.7
/// LVS facts: 13.7
#[test]
fn links_are_kept_when_asked() {
    let mut host = Fake::new();
    host.link("/opt/alias", "../bin/true");
    host.directory("/opt/x", ROOT, 0o755);
    let keep = ScriptPolicy {
        keep_links: true,
        ..secure()
    };
    let found = host.examine("/opt/x/../alias a", &keep).unwrap();
    assert_eq!(found.script.program, Path::new("/opt/x/../alias"));
    assert_eq!(argv(&found), ["/opt/alias", "a"]);
    host.file("/usr/bin/true", BOB, 0o755);
    let judged = host.examine("/opt/alias", &keep).unwrap_err();
    assert!(
        matches!(judged, Refusal::Unsafe(..)),
        "what it leads to is judged: {judged}"
    );
}

/// Facts: 13.4
/// LVS facts: 13.6
#[test]
fn a_linked_directory_is_followed_and_judged() {
    let host = Fake::new();
    let found = host.examine("/bin/true", &secure()).unwrap();
    assert_eq!(found.script.program, Path::new("/usr/bin/true"));
    assert_eq!(found.remarks, []);

    let mut host = Fake::new();
    host.link("/opt/b", "/home/b");
    host.directory("/home/b", BOB, 0o755);
    host.file("/home/b/s", ROOT, 0o755);
    let Refusal::Unsafe(_, offences) = host.examine("/opt/b/s", &secure()).unwrap_err() else {
        panic!("not refused for what the link leads through");
    };
    assert_eq!(offences.len(), 1);
    assert_eq!(offences[0].path, Path::new("/home/b"));
}

#[test]
fn loops_and_wrong_types_are_refused() {
    let mut host = Fake::new();
    host.link("/opt/a", "/opt/b");
    host.link("/opt/b", "a");
    let Refusal::Missing { error, .. } = host.examine("/opt/a", &secure()).unwrap_err() else {
        panic!("a loop leads somewhere");
    };
    assert_eq!(error, Errno::ELOOP);
    host.put("/opt/fifo", FileKind::Other, ROOT, 0o777);
    for path in ["/opt", "/opt/fifo", "/usr/bin/true/x", "/"] {
        let refusal = host.examine(path, &ScriptPolicy::default()).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            format!("Wrong file type found in script path '{path}'.")
        );
        assert!(refusal.is_insecure());
    }
    assert_eq!(
        host.examine("", &ScriptPolicy::default()).unwrap_err(),
        Refusal::Empty
    );
}

/// Owner, group, mode of a file or directory, and the remedy when root runs what is at or in it.
///
/// Facts: 13.3
/// LVS facts: 13.5
#[test]
fn every_unsafe_component_is_named_with_owner_mode_and_remedy() {
    let staff = Credentials { uid: 0, gid: 50 };
    let directory = "/srv/d";
    let file = "/srv/d/s";
    for (owner_d, mode_d, owner_f, mode_f, remedy) in [
        (ROOT, 0o755, ROOT, 0o755, None),
        (ROOT, 0o775, ROOT, 0o775, None),
        (ROOT, 0o1777, ROOT, 0o755, None),
        (staff, 0o755, staff, 0o755, None),
        (ROOT, 0o755, BOB, 0o755, Some("chown root '/srv/d/s'")),
        (ROOT, 0o755, staff, 0o775, Some("chmod g-w '/srv/d/s'")),
        (ROOT, 0o755, ROOT, 0o757, Some("chmod o-w '/srv/d/s'")),
        (
            ROOT,
            0o755,
            BOB,
            0o777,
            Some("chown root '/srv/d/s' && chmod go-w '/srv/d/s'"),
        ),
        (BOB, 0o755, ROOT, 0o755, Some("chown root '/srv/d'")),
        (BOB, 0o1777, ROOT, 0o755, Some("chown root '/srv/d'")),
        (staff, 0o775, ROOT, 0o755, Some("chmod g-w '/srv/d'")),
        (ROOT, 0o757, ROOT, 0o755, Some("chmod o-w '/srv/d'")),
        // Sticky means nothing on a file.
        (ROOT, 0o755, ROOT, 0o1757, Some("chmod o-w '/srv/d/s'")),
    ] {
        let mut host = Fake::new();
        host.directory("/srv", ROOT, 0o755);
        host.directory(directory, owner_d, mode_d);
        host.file(file, owner_f, mode_f);
        let strict = host.examine(file, &secure());
        let lax = host.examine(file, &ScriptPolicy::default()).unwrap();
        match remedy {
            None => {
                assert_eq!(strict.unwrap().remarks, [], "{mode_d:o} {mode_f:o}");
                assert_eq!(lax.remarks, [Remark::NoDefaultUser]);
            }
            Some(remedy) => {
                let refusal = strict.unwrap_err();
                assert_eq!(
                    refusal.to_string(),
                    "Unsafe permissions found for script '/srv/d/s' - disabling."
                );
                assert!(
                    refusal.help().ends_with(&format!(": {remedy}")),
                    "{}",
                    refusal.help()
                );
                assert!(refusal.is_insecure());
                let warning = lax.remarks.last().unwrap();
                assert_eq!(
                    warning.to_string(),
                    "Unsafe permissions found for script '/srv/d/s'."
                );
                assert_eq!(warning.help(), refusal.help());
            }
        }
        // Another user than root may run it in any case.
        let bob = ScriptPolicy {
            default_user: Some(run_as("bob", None)),
            security: true,
            ..ScriptPolicy::default()
        };
        assert_eq!(host.examine(file, &bob).unwrap().remarks, []);
    }
}

#[test]
fn the_help_names_the_owner() {
    let mut host = Fake::new();
    host.file("/opt/s", BOB, 0o755);
    assert_eq!(
        host.examine("/opt/s", &secure()).unwrap_err().help(),
        "'/opt/s' has owner bob (1000), group 1000, mode 0755: chown root '/opt/s'"
    );
    host.link("/opt/l", "/usr/bin/true");
    host.files.get_mut(Path::new("/opt/l")).unwrap().0.uid = 1000;
    assert_eq!(
        host.examine("/opt/l", &secure()).unwrap_err().help(),
        "'/opt/l' has owner bob (1000), group 0, mode 0777: chown -h root '/opt/l'"
    );
}

/// Facts: 13.3
/// LVS facts: 13.5
#[test]
fn set_id_root_files_are_judged_whoever_runs_them() {
    let bob = ScriptPolicy {
        default_user: Some(run_as("bob", None)),
        security: true,
        ..ScriptPolicy::default()
    };
    let mut host = Fake::new();
    host.directory("/opt", BOB, 0o755);
    for (mode, judged) in [(0o755, false), (0o4755, true), (0o2755, true)] {
        host.file("/opt/s", ROOT, mode);
        assert_eq!(host.examine("/opt/s", &bob).is_err(), judged, "{mode:o}");
    }
}

/// Facts: 13.2
#[test]
fn executable_means_for_its_user_on_the_whole_way() {
    let bob = ScriptPolicy {
        default_user: Some(run_as("bob", Some("staff"))),
        security: true,
        ..ScriptPolicy::default()
    };
    let mut host = Fake::new();
    let staff = Credentials { uid: 0, gid: 50 };
    let bob_in_root = Credentials { uid: 1000, gid: 0 };
    for (owner, mode, may) in [
        (ROOT, 0o755, true),
        (ROOT, 0o754, false),
        (staff, 0o754, true),
        (staff, 0o745, false),
        (bob_in_root, 0o100, true),
        (bob_in_root, 0o655, false),
    ] {
        host.file("/opt/s", owner, mode);
        assert_eq!(host.examine("/opt/s", &bob).is_ok(), may, "{owner:?} {mode:o}");
    }
    host.directory("/opt", ROOT, 0o750);
    host.file("/opt/s", ROOT, 0o755);
    let refusal = host.examine("/opt/s", &bob).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "WARNING - script '/opt/s' is not executable for uid:gid 1000:50 - disabling."
    );
    // An access list may allow what the bits do not show: the kernel knows.
    host.kernel = Some(true);
    assert!(host.examine("/opt/s", &bob).is_ok());
    host.kernel = None;
    assert!(host.examine("/opt/s", &bob).is_err());
    // Root searches every directory, and needs one execute bit.
    host.file("/opt/s", ROOT, 0o644);
    assert!(host.examine("/opt/s", &secure()).is_err());
    host.file("/opt/s", ROOT, 0o645);
    assert!(host.examine("/opt/s", &secure()).is_ok());
}

/// LVS facts: 13.8
#[test]
fn a_redirection_is_for_the_shell() {
    let host = Fake::new();
    let found = host.examine("</run/it's", &secure()).unwrap();
    assert_eq!(found.script.program, Path::new("/bin/sh"));
    assert_eq!(argv(&found), ["/bin/sh", "-c", r"<'/run/it'\''s'"]);
    // Only with an absolute path.
    assert_eq!(
        host.examine("<run", &secure()).unwrap_err(),
        Refusal::NotInPath("<run".into())
    );
}
