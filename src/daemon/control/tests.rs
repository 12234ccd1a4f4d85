//! A reload that cannot be done leaves everything as it was. What needs no privilege runs here for real; the kernel's
//! IPVS is imitated.

use super::reload::Reloaded;
use super::{Begin, Control, stop_limit};
use crate::cli;
use crate::daemon::exit::Exit;
use crate::daemon::load;
use crate::daemon::socket::protocol::Request;
use crate::daemon::socket::{Asked, client};
use crate::daemon::trial::Tester;
use crate::ipvs::diff::Op;
use crate::ipvs::io::{OpenError, Refusal, TalkError};
use crate::ipvs::keeper::Kernel;
use crate::ipvs::model::{Destination, ServiceKey, Table, VirtualService};
use crate::sys::testing::TempDir;
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// One check service, of which nothing is asked for a long time, and a router identity.
const SERVICE: &str =
    "global_defs {\nrouter_id new\n}\nvirtual_server 192.0.2.1 80 {\nreal_server 192.0.2.2 80 {\n}\n}\n";

#[derive(Default)]
struct Imitation(Table);

impl Kernel for Imitation {
    fn read(&mut self, _owned: &BTreeSet<ServiceKey>) -> Result<Table, TalkError> {
        Ok(self.0.clone())
    }

    fn services(&mut self) -> Result<BTreeMap<ServiceKey, VirtualService>, TalkError> {
        let all = self.0.services.iter();
        Ok(all.map(|(key, entry)| (*key, entry.service.clone())).collect())
    }

    fn destinations(&mut self, key: &ServiceKey) -> Result<BTreeMap<SocketAddr, Destination>, TalkError> {
        let entry = self.0.services.get(key);
        Ok(entry.map(|entry| entry.destinations.clone()).unwrap_or_default())
    }

    fn carry_out(&mut self, ops: &[Op]) -> Result<Vec<Refusal>, TalkError> {
        for op in ops {
            self.0.apply(op).unwrap();
        }
        Ok(Vec::new())
    }

    fn flush(&mut self) -> Result<(), TalkError> {
        self.0 = Table::default();
        Ok(())
    }
}

/// It has room for nothing.
struct Unwilling;

impl Kernel for Unwilling {
    fn services(&mut self) -> Result<BTreeMap<ServiceKey, VirtualService>, TalkError> {
        Ok(BTreeMap::new())
    }

    fn destinations(&mut self, _key: &ServiceKey) -> Result<BTreeMap<SocketAddr, Destination>, TalkError> {
        Ok(BTreeMap::new())
    }

    fn read(&mut self, _owned: &BTreeSet<ServiceKey>) -> Result<Table, TalkError> {
        Ok(Table::default())
    }

    fn carry_out(&mut self, ops: &[Op]) -> Result<Vec<Refusal>, TalkError> {
        let refuse = |op: &Op| Refusal {
            op: op.clone(),
            errno: nix::errno::Errno::ENOMEM,
        };
        Ok(ops.iter().map(refuse).collect())
    }

    fn flush(&mut self) -> Result<(), TalkError> {
        Ok(())
    }
}

/// A control plane that runs an almost empty file in `dir`.
fn control(dir: &TempDir) -> Control {
    let path = dir.path("site.conf");
    std::fs::write(&path, "global_defs {\nrouter_id old\n}\n").unwrap();
    let words = [
        "steadfast".into(),
        "-u".into(),
        "022".into(),
        "-f".into(),
        path.into(),
    ];
    let options = cli::parse(words).unwrap().options;
    let loaded = load::load(&options);
    let begin = Begin {
        options,
        loaded,
        pid_file: None,
    };
    let mut control = Control::start(begin).unwrap();
    control.host.privileged = |_| Ok(());
    control
}

/// Control gives the virtual servers away and still knows what runs: with that a group's marks, for one, are kept.
#[tokio::test]
async fn what_runs_is_known_in_full() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    control.host.ipvs = |_| Box::new(|| Ok(Box::<Imitation>::default()));
    let checked = SERVICE.replace(
        "real_server 192.0.2.2 80 {\n",
        "real_server 192.0.2.2 80 {\nTCP_CHECK {\nwarmup 1000\n}\nMISC_CHECK {\nmisc_path /bin/true\nwarmup 1000\n}\n",
    );
    for text in [SERVICE, checked.as_str()] {
        dir.file("site.conf", text);
        reload(&mut control).await;
        let loaded = load::load(&control.options).plan;
        assert!(!loaded.check.services.is_empty());
        assert_eq!(control.running().await, Some(loaded));
    }
    // A plane that does not answer has nothing said for it.
    let (tight, _orders) = tokio::sync::mpsc::channel(1);
    let commands = std::mem::replace(&mut control.check.as_mut().unwrap().commands, tight);
    assert_eq!(control.running().await, None);
    control.check.as_mut().unwrap().commands = commands;
    control.stop().await;
}

/// What is answered to `request`, and how the reload ended.
async fn ask(control: &mut Control, request: Request) -> (serde_json::Value, Reloaded) {
    let (reply, answer) = tokio::sync::oneshot::channel();
    let ended = control.asked(Asked { request, reply }, pending()).await;
    let answer = answer.await.unwrap();
    (serde_json::from_str(&answer.document()).unwrap(), ended)
}

/// [`SERVICE`] with all that `-t` would miss.
fn faultless() -> String {
    SERVICE.replacen(
        "real_server",
        "protocol TCP\nlb_kind NAT\nlb_algo rr\nreal_server",
        1,
    )
}

const RELOAD: Request = Request::Reload {
    require_hitless: false,
    wait: false,
};

/// As keepalived's `-t` has the statuses.
#[tokio::test]
async fn who_asks_for_a_reload_hears_what_became_of_it() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    control.host.ipvs = |_| Box::new(|| Ok(Box::new(Imitation::default())));
    dir.file("site.conf", SERVICE);
    let (answer, _) = ask(&mut control, RELOAD).await;
    assert_eq!(
        (&answer["status"], &answer["adopted"]),
        (&0.into(), &true.into()),
        "{answer}"
    );
    assert_eq!(router_id(&control), Some("new"));
    for (text, status, words) in [
        (
            "vrrp_instance A {\ninterface eth77\nvirtual_router_id\n}\n".to_owned(),
            2,
            "cannot be run",
        ),
        (
            faultless()
                .replace("new", "torn")
                .trim_end_matches("}\n")
                .to_owned(),
            5,
            "do not match",
        ),
        (format!("instance other\n{}", faultless()), 1, "please restart"),
    ] {
        dir.file("site.conf", &text);
        let (answer, ended) = ask(&mut control, RELOAD).await;
        assert_eq!(ended, Reloaded::GoOn);
        assert_eq!(
            (&answer["status"], &answer["adopted"]),
            (&status.into(), &false.into()),
            "{answer}"
        );
        assert!(answer["error"].as_str().unwrap().contains(words), "{answer}");
        assert!(answer["diagnostics"].is_array());
        assert_eq!(router_id(&control), Some("new"));
    }
    std::fs::remove_file(dir.path("site.conf")).unwrap();
    let (answer, _) = ask(&mut control, RELOAD).await;
    assert_eq!(answer["status"], 6, "{answer}");
    control.stop().await;
}

#[tokio::test]
async fn who_waits_hears_when_it_is_carried_out() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    control.host.ipvs = |_| Box::new(|| Ok(Box::new(Imitation::default())));
    dir.file("site.conf", SERVICE);
    let wait = Request::Reload {
        require_hitless: false,
        wait: true,
    };
    let (answer, _) = ask(&mut control, wait.clone()).await;
    assert_eq!(
        (&answer["status"], &answer["done"]),
        (&0.into(), &true.into()),
        "{answer}"
    );
    control.stop().await;

    // What the kernel refuses is said.
    let mut control = self::control(&dir);
    control.host.ipvs = |_| Box::new(|| Ok(Box::new(Unwilling)));
    dir.file("site.conf", SERVICE);
    let (answer, _) = ask(&mut control, wait).await;
    assert_eq!(
        (&answer["status"], &answer["adopted"]),
        (&1.into(), &true.into()),
        "{answer}"
    );
    assert_eq!(answer["done"], false);
    let what = answer["failures"][0]["what"].as_str().unwrap();
    assert!(what.contains("192.0.2.1"), "{answer}");
    control.stop().await;
}

/// Who wants nothing to be interrupted hears what would be, and nothing is done: not a write, not a checker's verdict, not
/// another plan.
#[tokio::test]
async fn what_would_not_be_hitless_is_named_and_not_done() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    control.host.ipvs = |_| Box::new(|| Ok(Box::new(Imitation::default())));
    let weighing = |weight: u32| {
        let sorry = "sorry_server 192.0.2.9 80\nreal_server 192.0.2.2 80 {\n";
        faultless().replace(
            "real_server 192.0.2.2 80 {\n",
            &format!("{sorry}weight {weight}\n"),
        )
    };
    dir.file("site.conf", &weighing(1));
    reload(&mut control).await;
    let (plan, number) = (control.running().await, control.number);
    let before = control.planes_as_text().await;
    let hitless = Request::Reload {
        require_hitless: true,
        wait: true,
    };
    dir.file(
        "site.conf",
        &weighing(0).replace("router_id new", "router_id other"),
    );
    let (answer, ended) = ask(&mut control, hitless.clone()).await;
    assert_eq!(ended, Reloaded::GoOn);
    assert_eq!(
        (&answer["status"], &answer["adopted"]),
        (&3.into(), &false.into()),
        "{answer}"
    );
    let why = answer["error"].as_str().unwrap();
    assert!(
        why.starts_with("The reload would not be hitless: ")
            && why.contains("virtual_server [192.0.2.1]:tcp:80: sorry_server: in reserve -> serves"),
        "{why}"
    );
    assert_eq!(control.running().await, plan);
    assert_eq!((control.number, router_id(&control)), (number, Some("new")));
    assert_eq!(control.planes_as_text().await, before);
    // Of the same file what interrupts nothing is done.
    dir.file(
        "site.conf",
        &weighing(2).replace("router_id new", "router_id other"),
    );
    let (answer, _) = ask(&mut control, hitless).await;
    assert_eq!(
        (&answer["status"], router_id(&control)),
        (&0.into(), Some("other"))
    );
    control.stop().await;
}

/// The file that is asked about is read and compared, and nothing else comes of it.
#[tokio::test]
async fn what_a_reload_would_do_is_said_without_doing_it() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    control.host.ipvs = |_| Box::new(|| Ok(Box::new(Imitation::default())));
    let saved = dir.path("saved");
    let global = format!(
        "router_id new\nconfig_save_dir {}\nreload_file {}",
        saved.display(),
        dir.path("mark").display()
    );
    dir.file("site.conf", &faultless().replace("router_id new", &global));
    reload(&mut control).await;
    let (before, reloads) = (control.running().await, control.reloads);
    let files = std::fs::read_dir(&saved).unwrap().count();
    let plan = |file: Option<std::path::PathBuf>| Request::Plan { file, brief: false };
    let (answer, _) = ask(&mut control, plan(None)).await;
    assert_eq!(answer["status"], 0, "{answer}");
    assert_eq!(answer["plan"]["objects"], serde_json::json!([]), "{answer}");
    let other = dir.file("other.conf", &faultless().replace("new", "other"));
    let wrong = dir.file("wrong.conf", "vrrp_instance A {\nvirtual_router_id\n}\n");
    let restart = dir.file("restart.conf", &format!("instance x\n{}", faultless()));
    for (file, status) in [
        (other, 0),
        (wrong, 2),
        (restart, 3),
        (dir.path("none"), 6),
        (dir.dir().to_owned(), 6),
    ] {
        let shown = file.display().to_string();
        let (answer, _) = ask(&mut control, plan(Some(file))).await;
        assert_eq!(answer["status"], status, "{shown}: {answer}");
    }
    assert_eq!(control.running().await, before);
    assert_eq!(control.reloads, reloads);
    assert_eq!(
        std::fs::read_dir(&saved).unwrap().count(),
        files,
        "nothing is saved"
    );
    assert!(!dir.path("mark").exists());
    control.stop().await;
}

#[tokio::test]
async fn the_socket_has_the_name_of_the_pid_file() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    control.pid_file = Some(dir.path("one.pid"));
    control.listen();
    let path = dir.path("one.sock");
    assert!(path.exists());
    let question = tokio::task::spawn_blocking(move || client::ask(&path, &RELOAD));
    let asked = super::next_asked(control.socket.as_mut()).await;
    control.asked(asked, pending()).await;
    assert_eq!(question.await.unwrap().unwrap().status(), 0);
    // Where it cannot be made the daemon goes on.
    let mut other = self::control(&dir);
    other.pid_file = Some(dir.path("one.pid"));
    other.listen();
    assert!(other.socket.is_none() && control.socket.is_some());
    other.stop().await;
    control.stop().await;
    assert!(!dir.path("one.sock").exists());
}

async fn reload(control: &mut Control) {
    assert_eq!(control.reload(pending()).await, Reloaded::GoOn);
}

fn router_id(control: &Control) -> Option<&str> {
    control.plan.global.router_id.as_deref()
}

#[tokio::test]
async fn a_reload_that_wants_ipvs_where_there_is_none_changes_nothing() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    control.host.ipvs = |_| Box::new(|| Err(OpenError::NoIpvs("none here".into())));
    std::fs::write(dir.path("site.conf"), SERVICE).unwrap();
    reload(&mut control).await;
    assert_eq!(router_id(&control), Some("old"));
    assert!(control.check.is_none());
    // The module is there now.
    control.host.ipvs = |_| Box::new(|| Ok(Box::<Imitation>::default()));
    reload(&mut control).await;
    assert_eq!(router_id(&control), Some("new"));
    assert!(control.check.is_some());
    control.stop().await;
}

#[tokio::test]
async fn a_reload_with_a_broken_ssl_block_changes_nothing() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    control.host.ipvs = |_| Box::new(|| Ok(Box::<Imitation>::default()));
    let file = dir.path("own.key");
    let block = format!("SSL {{\nkey {}\n}}\n", file.display());
    let service = SERVICE.replace(
        "real_server 192.0.2.2 80 {\n",
        "real_server 192.0.2.2 80 {\nSSL_GET {\nurl {\npath /\n}\n}\n",
    );
    std::fs::write(dir.path("site.conf"), format!("{block}{service}")).unwrap();
    reload(&mut control).await;
    assert_eq!(router_id(&control), Some("old"));
    assert!(control.check.is_none());
    let key = openssl::rsa::Rsa::generate(2048).unwrap();
    std::fs::write(&file, key.private_key_to_pem().unwrap()).unwrap();
    reload(&mut control).await;
    assert_eq!(router_id(&control), Some("new"));
    control.stop().await;
}

#[tokio::test]
async fn a_reload_that_wants_more_than_the_process_may_changes_nothing() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    control.host.ipvs = |_| Box::new(|| Ok(Box::<Imitation>::default()));
    control.host.privileged = |_| Err("CAP_NET_ADMIN is missing".into());
    std::fs::write(dir.path("site.conf"), SERVICE).unwrap();
    reload(&mut control).await;
    assert_eq!(router_id(&control), Some("old"));
    assert!(control.check.is_none());
}

#[tokio::test]
async fn a_plane_without_room_for_all_its_commands_keeps_everything_as_it_is() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    control.host.ipvs = |_| Box::new(|| Ok(Box::<Imitation>::default()));
    std::fs::write(dir.path("site.conf"), SERVICE).unwrap();
    reload(&mut control).await;
    let (tight, _orders) = tokio::sync::mpsc::channel(1);
    let commands = std::mem::replace(&mut control.check.as_mut().unwrap().commands, tight);
    std::fs::write(dir.path("site.conf"), SERVICE.replace("new", "newer")).unwrap();
    reload(&mut control).await;
    assert_eq!(router_id(&control), Some("new"));
    control.check.as_mut().unwrap().commands = commands;
    reload(&mut control).await;
    assert_eq!(router_id(&control), Some("newer"));
    control.stop().await;
}

/// Without a VRRP plane nobody is MASTER, and that is known: who follows an instance waits for no news.
#[tokio::test]
async fn without_instances_nobody_is_master_of_every_configuration() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    let masters = control.masters.subscribe();
    let none = BTreeSet::new();
    assert_eq!(masters.borrow().of(control.number), Some(&none));
    let before = control.number;
    dir.file("site.conf", SERVICE);
    // The second time there is a plane that runs.
    for _ in 0..2 {
        control.host.ipvs = |_| Box::new(|| Ok(Box::<Imitation>::default()));
        reload(&mut control).await;
        assert_eq!(masters.borrow().of(control.number), Some(&none));
    }
    assert!(control.number > before);
    assert_eq!(masters.borrow().of(before), None);
    control.stop().await;
}

/// Facts: 18.12
#[tokio::test]
async fn a_stop_may_take_as_long_as_the_running_configuration_says() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    for (setting, seconds) in [("", 5), ("child_wait_time 30\n", 30), ("child_wait_time 0\n", 5)] {
        let text = format!("{setting}global_defs {{\nrouter_id x\n}}\n");
        std::fs::write(dir.path("site.conf"), text).unwrap();
        reload(&mut control).await;
        assert_eq!(
            stop_limit(&control.plan),
            Duration::from_secs(seconds),
            "{setting}"
        );
    }
    let exit = control.stop().await;
    assert_eq!(exit, Exit::Normal);
}

/// A script that does not end gets SIGTERM a second after a stop has told it of the end.
///
/// LVS facts: 17.2
#[tokio::test]
async fn scripts_of_a_stop_have_a_second() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    control.host.ipvs = |_| Box::new(|| Ok(Box::<Imitation>::default()));
    let told = dir.path("told").display().to_string();
    let text = format!(
        "#!/bin/sh\ntrap 'date +%s%N >> {told}; exit' TERM\ndate +%s%N >> {told}\nwhile :; do sleep 0.02; done\n"
    );
    let script = dir.file("down", &text);
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o700)).unwrap();
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::effective()).unwrap();
    let wanted = format!(
        "omega\nquorum_down {} {}\nreal_server",
        script.display(),
        user.unwrap().name
    );
    std::fs::write(dir.path("site.conf"), SERVICE.replacen("real_server", &wanted, 1)).unwrap();
    reload(&mut control).await;
    assert_eq!(control.stop().await, Exit::Normal);
    let told: Vec<u64> = dir
        .wait_for_lines("told", 2)
        .await
        .iter()
        .map(|time| time.parse().unwrap())
        .collect();
    let lasted = Duration::from_nanos(told[1] - told[0]);
    // The second began when it was started; a machine that is busy may be late with the end.
    let second = Duration::from_millis(700)..Duration::from_secs(4);
    assert!(second.contains(&lasted), "{lasted:?}");
}

/// Makes `control` run a configuration whose successors are tested by a shell script.
fn tested_by(control: &mut Control, dir: &TempDir, limit: Duration, text: &str) {
    let program = dir.file("tester", &format!("#!/bin/sh\n{text}\n"));
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).unwrap();
    control.host.tester = Tester { program, limit };
    let log_file = dir.path("found").display().to_string();
    control.plan.global.reload.check_config = Some(Some(log_file));
}

/// LVS facts: 16.13
#[tokio::test]
async fn a_file_that_does_not_pass_its_test_changes_nothing() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    let patient = Duration::from_secs(60);
    let new = "global_defs {\nrouter_id new\n}\n";
    for (limit, tester) in [
        (patient, "exit 5"),
        (patient, "kill -9 $$"),
        (Duration::from_millis(200), "exec sleep 1000"),
    ] {
        dir.file("found", "of the last test");
        dir.file("site.conf", new);
        tested_by(&mut control, &dir, limit, tester);
        reload(&mut control).await;
        assert_eq!(router_id(&control), Some("old"), "{tester}");
        assert_eq!(dir.lines("found"), [""; 0], "{tester}");
    }
    control.host.tester.program = dir.path("none");
    reload(&mut control).await;
    assert_eq!(router_id(&control), Some("old"), "nobody to test it");
    // What was tested is not what is read.
    let other = format!("echo '{}' >{}", "nonsense", dir.path("site.conf").display());
    tested_by(&mut control, &dir, patient, &other);
    reload(&mut control).await;
    assert_eq!(router_id(&control), Some("old"), "changed after the test");
    // A remark is no reason, and a mistake is one although the tester saw none.
    for (more, id) in [("nonsense\n", "old"), ("use_pid_dir\n", "new")] {
        dir.file("site.conf", &format!("{more}{new}"));
        tested_by(&mut control, &dir, patient, "exit 0");
        reload(&mut control).await;
        assert_eq!(router_id(&control), Some(id), "{more}");
    }
    assert_eq!(control.plan.global.reload.check_config, None, "the new one's");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_test() {
    let dir = TempDir::new();
    let mut control = control(&dir);
    let text = format!("echo $$ >{}; exec sleep 1000", dir.path("pid").display());
    tested_by(&mut control, &dir, Duration::from_secs(1000), &text);
    let begun = async {
        while dir.lines("pid").is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert_eq!(control.reload(begun).await, Reloaded::Stop);
    let process = std::path::PathBuf::from(format!("/proc/{}/exe", dir.lines("pid").concat()));
    while process.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(control.stop().await, Exit::Normal);
}

/// As fact VRRP 20.9 has it.
#[tokio::test]
async fn what_was_read_and_the_planes_are_saved_at_each_reload() {
    let dir = TempDir::new();
    let saved = dir.path("saved");
    let keyword = format!("config_save_dir {}\n", saved.display());
    let included = dir.file("more.conf", "# secret\n");
    let text = |id: &str| {
        let include = format!("include {}\n", included.display());
        SERVICE.replace("router_id new\n", &format!("router_id {id}\n{keyword}")) + &include
    };
    let mut control = control(&dir);
    control.host.ipvs = |_| Box::new(|| Ok(Box::<Imitation>::default()));
    dir.file("site.conf", &text("first"));
    reload(&mut control).await;
    dir.file("site.conf", &text("second"));
    reload(&mut control).await;
    // One that is refused is saved too: it may be the one that is looked for.
    dir.file("site.conf", &text("torn")[1..]);
    reload(&mut control).await;
    let process = std::process::id();
    let files = |number: u32, what: &[&str]| {
        let names = what.iter().map(|what| match *what {
            "conf" => format!("keepalived.conf.{process}.{number}"),
            when => format!("keepalived_check.{process}.{number}.{when}"),
        });
        names.map(|name| saved.join(name)).collect::<Vec<_>>()
    };
    let mut wanted = files(1, &["conf", "post"]);
    wanted.extend(files(2, &["conf", "post", "pre"]));
    wanted.extend(files(3, &["conf", "pre"]));
    wanted.sort();
    let mut found: Vec<_> = std::fs::read_dir(&saved)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    assert_eq!(found, wanted);
    for path in found {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    let main = dir.path("site.conf");
    let merged = format!(
        "# {}\n{}\n# {}\n# secret\n",
        main.display(),
        text("second").trim_end(),
        included.display()
    );
    assert_eq!(read(&files(2, &["conf"])[0]), merged);
    assert!(read(&files(2, &["pre"])[0]).contains(" Router ID = first\n"));
    assert!(read(&files(2, &["post"])[0]).contains(" Router ID = second\n"));
    // Where it cannot be, the reload is done all the same.
    dir.file("site.conf", &text("third").replace("/saved", "/none/saved"));
    reload(&mut control).await;
    assert_eq!(router_id(&control), Some("third"));
    control.stop().await;
}
