//! Starting: pid files, exit codes, the background, privileges, the service manager, and the options that change what
//! runs or what is left.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getsid};

use super::conf::{GLOBAL, Instance, TCP_CHECK, vip, virtual_server};
use super::expect::{self, SOON};
use crate::site::{self, CONFIG, Daemon, Director, PID_FILES, Site, v4};
use crate::timeline::{Stamp, for_the_next, note, wait_for};

/// Long enough for any start, and for anything that should have ended.
const PATIENCE: u32 = 20;

/// All the pid files that a daemon started by [`Director::start`] has.
fn pid_files() -> Vec<&'static str> {
    let rest = ["/run/bfd.pid"];
    PID_FILES.into_iter().chain(rest).collect()
}

fn contents(d1: &Director) -> Vec<String> {
    pid_files().into_iter().map(|file| d1.read(file)).collect()
}

/// A virtual router alone.
fn vrrp() -> String {
    format!("{GLOBAL}{}", Instance::default())
}

/// A virtual router and a virtual service on its address.
fn both(site: &Site) -> String {
    let servers = expect::addresses(site);
    vrrp() + &virtual_server(vip(), 80, &servers, TCP_CHECK, "")
}

/// Waits until a service of `both` is in the IPVS table.
fn wait_balances(d1: &Director) {
    wait_for("a service in the IPVS table", 2 * SOON, || {
        (!d1.ipvs().services.is_empty()).then_some(())
    });
}

/// A second start says so and leaves the first alone, whoever of the two is keepalived; pid files come and go.
pub fn once() {
    let (site, mut d1) = site::single(1);
    let (ours, theirs) = (Daemon::Steadfast, Daemon::Keepalived);
    for (first, second) in [(ours, ours), (ours, theirs), (theirs, ours)] {
        d1.daemon = first;
        let began = Stamp::now();
        d1.run_with(&both(&site));
        d1.wait_holds(vip(), 2 * SOON);
        // keepalived's processes come up in no order.
        wait_balances(&d1);
        wait_for("pid files", SOON, || {
            let whole = PID_FILES.iter().all(|file| d1.read(file).ends_with('\n'));
            whole.then_some(())
        });
        let before = contents(&d1);
        if first == ours {
            let own = format!("{}\n", d1.main());
            assert_eq!(
                before,
                vec![own; pid_files().len()],
                "every pid file names the process"
            );
            for file in pid_files() {
                let mode = fs::metadata(d1.path(file)).expect(file).permissions().mode();
                assert_eq!(mode & 0o777, 0o644, "mode of {file}");
            }
        }
        d1.daemon = second;
        let again = d1.attempt(PATIENCE, &d1.command());
        note("d1", format!("{second:?} beside {first:?}: {:?}", again.status));
        assert_eq!(again.status, Some(0), "{again:?}");
        assert!(again.stderr.contains("daemon is already running"), "{again:?}");
        d1.daemon = first;
        let since = Stamp::now();
        site.wire.next_advert("d1", since, SOON);
        assert_eq!(contents(&d1), before, "pid files after the second start");
        assert!(d1.holds(vip()) && !d1.ipvs().services.is_empty());
        let adverts = site.wire.adverts_after("d1", began);
        assert!(
            adverts.iter().all(|(_, advert)| advert.priority == 100),
            "the first goes on: {adverts:?}"
        );
        assert_eq!(d1.stop(), Some(0), "exit code");
        for file in pid_files() {
            assert!(!d1.path(file).exists(), "{file} is left over");
        }
    }

    note("d1", "one of its pid files belongs to another daemon");
    d1.daemon = ours;
    let command: Vec<&str> = d1.command();
    d1.start();
    d1.wait_holds(vip(), 2 * SOON);
    let other = command
        .iter()
        .map(|word| {
            if *word == PID_FILES[0] {
                "/run/other.pid"
            } else {
                word
            }
        })
        .collect::<Vec<_>>();
    let again = d1.attempt(PATIENCE, &other);
    assert_eq!(again.status, Some(0), "{again:?}");
    assert!(again.stderr.contains("daemon is already running"), "{again:?}");
    assert!(
        !d1.path("/run/other.pid").exists(),
        "no pid file of a daemon that does not run"
    );
    assert_eq!(d1.read(PID_FILES[1]), format!("{}\n", d1.main()));
}

/// A start that cannot be gives keepalived's exit code.
pub fn exit_codes() {
    let (_site, mut d1) = site::single(0);
    let plain = vrrp();
    let without = |line: &str| {
        plain
            .lines()
            .filter(|have| !have.trim_start().starts_with(line))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let cases = [
        ("missing file", None, 6),
        (
            "file without virtual_router_id",
            Some(without("virtual_router_id")),
            2,
        ),
        (
            "file with an unknown interface",
            Some(plain.replace("eth0", "eth7")),
            2,
        ),
        (
            "file with a missing argument",
            Some(plain.replace("priority 100", "priority")),
            2,
        ),
    ];
    for (name, text, wanted) in cases {
        match text {
            Some(text) => d1.configure(&text),
            None => assert!(!d1.path(CONFIG).exists(), "no file yet"),
        }
        for daemon in [Daemon::Keepalived, Daemon::Steadfast] {
            d1.daemon = daemon;
            let end = d1.attempt(PATIENCE, &d1.command());
            note("d1", format!("{name}: {daemon:?} exits with {:?}", end.status));
            assert_eq!(end.status, Some(wanted), "{daemon:?} on a {name}: {}", end.stderr);
            for file in pid_files() {
                assert!(!d1.path(file).exists(), "{daemon:?} leaves {file} on a {name}");
            }
        }
    }
    for daemon in [Daemon::Keepalived, Daemon::Steadfast] {
        let end = d1.attempt(PATIENCE, &[daemon.program(), "--dont-fork", "-Z"]);
        assert_eq!(
            (end.status, end.stderr.as_str()),
            (Some(1), "Unknown option -Z\n")
        );
    }
}

/// Without -n the starter returns, and the daemon goes on in a session of its own.
pub fn background() {
    let (site, d1) = site::single(1);
    d1.configure(&both(&site));
    let command = [Daemon::Steadfast.program(), "--no-syslog", "--use-file", CONFIG];
    let started = d1.attempt(PATIENCE, &command);
    assert_eq!(started.status, Some(0), "the starter: {started:?}");
    let pid = wait_for("a pid file with a pid", SOON, || {
        let text = d1.read("/run/keepalived.pid");
        text.strip_suffix('\n')?.parse().ok().map(Pid::from_raw)
    });
    d1.wait_holds(vip(), SOON);
    wait_balances(&d1);
    note("d1", format!("runs as {pid}"));
    assert_eq!(getsid(Some(pid)), Ok(pid), "it leads a session of its own");
    let place = fs::read_link(format!("/proc/{pid}/cwd")).expect("a working directory");
    assert_eq!(place.to_string_lossy(), "/", "it holds on to no directory");
    for file in ["keepalived", "vrrp", "checkers", "bfd"] {
        assert_eq!(
            d1.read(&format!("/run/{file}.pid")),
            format!("{pid}\n"),
            "{file}.pid"
        );
    }
    let again = d1.attempt(PATIENCE, &command);
    assert_eq!(again.status, Some(0), "a second start: {again:?}");
    assert_eq!(d1.read("/run/keepalived.pid"), format!("{pid}\n"));

    kill(pid, Signal::SIGTERM).expect("a running daemon");
    wait_for("its end", 2 * SOON, || {
        (kill(pid, None) == Err(Errno::ESRCH)).then_some(())
    });
    assert!(!d1.holds(vip()), "it removes what it added");
    assert!(d1.ipvs().services.is_empty(), "left over: {:?}", d1.ipvs());
    assert!(
        !d1.path("/run/keepalived.pid").exists(),
        "its pid file is left over"
    );

    note("d1", "what cannot run is known before the starter returns");
    d1.configure(&vrrp().replace("eth0", "eth7"));
    let refused = d1.attempt(PATIENCE, &command);
    assert_eq!(refused.status, Some(2), "{refused:?}");
}

/// A missing capability is named, with what it is needed for, and nothing else is.
pub fn privileges() {
    let (site, mut d1) = site::single(1);
    d1.daemon = Daemon::Steadfast;
    let adverts =
        "CAP_NET_RAW is missing: it is needed to send and receive VRRP adverts and announce addresses";
    let addresses = "CAP_NET_ADMIN is missing: it is needed to add and remove virtual addresses";
    let balancing = "CAP_NET_ADMIN is missing: it is needed to program IPVS";
    let checks = format!(
        "{GLOBAL}{}",
        virtual_server(vip(), 80, &expect::addresses(&site), TCP_CHECK, "")
    );
    let cases: [(&str, &str, &[&str]); 4] = [
        ("-net_raw", &vrrp(), &[adverts]),
        ("-net_admin", &vrrp(), &[addresses]),
        (
            "-net_raw,-net_admin",
            &both(&site),
            &[adverts, addresses, balancing],
        ),
        ("-net_admin", &checks, &[balancing]),
    ];
    for (lost, text, wanted) in cases {
        d1.configure(text);
        let set = [format!("--bounding-set={lost}"), format!("--inh-caps={lost}")];
        let through = ["setpriv", &set[0], &set[1]];
        let end = d1.attempt(PATIENCE, &[&through[..], &d1.command()].concat());
        note("d1", format!("{lost}: exits with {:?}", end.status));
        assert_eq!(end.status, Some(4), "{end:?}");
        let named: Vec<&str> = end
            .stderr
            .lines()
            .filter_map(|line| Some(&line[line.find("CAP_")?..]))
            .collect();
        assert_eq!(named, wanted, "what {lost} takes away: {}", end.stderr);
        for file in pid_files() {
            assert!(!d1.path(file).exists(), "{file} is left over");
        }
        let behind = [&through[..], &[Daemon::Steadfast.program(), "-G", "-f", CONFIG]].concat();
        assert_eq!(
            d1.attempt(PATIENCE, &behind).status,
            Some(4),
            "the starter of a background daemon is told too"
        );
    }

    note("d1", "health checks need no raw sockets");
    d1.configure(&checks);
    d1.start_as(
        &["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"],
        &[],
    );
    wait_balances(&d1);
    assert_eq!(d1.stop(), Some(0), "exit code");
}

/// The service manager hears of start, reload (also of one that is refused) and stop.
/// Facts: 18.11
pub fn service_manager() {
    let (site, mut d1) = site::single(1);
    d1.daemon = Daemon::Steadfast;
    let socket = d1
        .within(|| UnixDatagram::bind("/run/manager"))
        .expect("a notify socket");
    socket
        .set_read_timeout(Some(Duration::from_secs(PATIENCE.into())))
        .expect("a time limit");
    let next = || {
        let mut text = [0; 512];
        let length = socket.recv(&mut text).expect("word from the daemon");
        let text = String::from_utf8_lossy(&text[..length]).into_owned();
        note("d1", format!("tells {text:?}"));
        text.lines().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    d1.configure(&both(&site));
    d1.start_as(&["env", "NOTIFY_SOCKET=/run/manager"], &[]);
    let main = format!("MAINPID={}", d1.main());
    assert_eq!(next(), ["READY=1", &main]);
    d1.wait_holds(vip(), SOON);
    for text in [both(&site), vrrp().replace("eth0", "eth7")] {
        d1.configure(&text);
        d1.signal(Signal::SIGHUP);
        let reloading = next();
        assert_eq!(reloading[0], "RELOADING=1");
        let since_boot: u64 = reloading[1]
            .strip_prefix("MONOTONIC_USEC=")
            .expect("when, as Type=notify-reload wants it")
            .parse()
            .expect("a number");
        assert!(since_boot > 0);
        let done = next();
        assert_eq!(done[0], "READY=1", "{done:?}");
    }
    d1.signal(Signal::SIGTERM);
    assert_eq!(next(), ["STOPPING=1"]);
    assert_eq!(d1.ended(SOON), Some(0), "exit code");
}

/// -P and -C run one half; -V (over -X) and -I leave what their half has made; -a tells of addresses of others.
pub fn halves() {
    let (site, mut d1) = site::single(1);
    d1.daemon = Daemon::Steadfast;
    d1.configure(&both(&site));

    let began = Stamp::now();
    let leave = ["--dont-release-vrrp", "--release-vips", "--address-monitoring"];
    d1.start_as(&[], &[&["--vrrp", "--no_bfd"], &leave[..]].concat());
    d1.wait_holds(vip(), SOON);
    d1.ip("address add 198.51.100.7/32 dev eth0\naddress delete 198.51.100.7/32 dev eth0\n");
    for what in ["added to", "removed from"] {
        let line = format!("Netlink reflector reports IP 198.51.100.7 {what} eth0");
        d1.log.wait(&line, began, SOON);
    }
    let own = format!("reports IP {} ", vip());
    assert_eq!(
        d1.log.count_since(&own, began),
        0,
        "its own are VRRP's to tell of"
    );
    assert!(d1.ipvs().services.is_empty(), "VRRP alone: {:?}", d1.ipvs());
    assert!(d1.path("/run/vrrp.pid").exists());
    for file in ["/run/checkers.pid", "/run/bfd.pid"] {
        assert!(!d1.path(file).exists(), "{file} of a half that does not run");
    }
    assert_eq!(d1.stop(), Some(0), "exit code");
    assert!(d1.holds(vip()), "-V leaves the address");
    let (_, last) = site.wire.last_advert("d1");
    assert_eq!(last.priority, 100, "and nothing is handed over");
    d1.ip(&format!("address delete {}/24 dev eth0\n", vip()));

    let began = Stamp::now();
    d1.start_as(&[], &["--check", "--dont-release-ipvs"]);
    wait_balances(&d1);
    assert!(d1.path("/run/checkers.pid").exists() && !d1.path("/run/vrrp.pid").exists());
    for_the_next(Instance::default().down_time(), "no address, no advert", || {
        !d1.holds(vip()) && site.wire.adverts_after("d1", began).is_empty()
    });
    expect::weights(&d1, (vip(), 80).into(), &[(v4(0, 11), 1)]);
    let before = d1.ipvs();
    assert_eq!(d1.stop(), Some(0), "exit code");
    assert_eq!(d1.ipvs(), before, "-I leaves the table");
}

/// -d puts the labelled configuration into the log and runs on; with -t the effective configuration is printed, and
/// is one itself.
pub fn dump_conf() {
    let (site, mut d1) = site::single(2);
    d1.daemon = Daemon::Steadfast;
    let secret = Instance {
        version: 2,
        interval: 1000,
        more: "authentication {\n        auth_type PASS\n        auth_pass s3cr3t\n    }",
        ..Instance::default()
    };
    let servers = expect::addresses(&site);
    let service = virtual_server(vip(), 80, &servers, TCP_CHECK, "quorum 2");
    d1.configure(&format!("{GLOBAL}{secret}{service}"));
    let began = Stamp::now();
    d1.start_as(&[], &["--dump-conf"]);
    for line in [
        "------< Global definitions >------",
        " Router ID = lab",
        "------< VRRP Topology >------",
        " VRRP Instance = VI_1",
        "   Password = ********",
        "------< LVS Topology >------",
        " VS VIP = 192.0.2.100, VPORT = 80",
        "   RIP = 192.0.2.12, RPORT = 80, WEIGHT = 1 EFF WEIGHT = 1",
        "------< Health checkers >------",
        "   Keepalive method = TCP_CHECK",
    ] {
        d1.log.wait(line, began, SOON);
    }
    d1.wait_holds(vip(), SOON);
    wait_balances(&d1);
    assert_eq!(d1.stop(), Some(0), "exit code");
    assert!(!d1.log.text().contains("s3cr3t"), "the password is in the log");

    let print = |file: &str| {
        let end = d1.attempt(PATIENCE, &[d1.daemon.program(), "-t", "--dump-conf", "-f", file]);
        assert_eq!(end.status, Some(0), "{}", end.stderr);
        assert_eq!(end.stderr, "", "nothing to say about {file}");
        assert!(!end.stdout.contains("s3cr3t"), "the password is printed");
        end.stdout
    };
    let printed = print(CONFIG);
    d1.write("/run/printed.conf", &printed);
    assert_eq!(
        print("/run/printed.conf"),
        printed,
        "what it prints of what it printed"
    );
    let judged = d1.attempt(
        PATIENCE,
        &[Daemon::Keepalived.program(), "-t", "-f", "/run/printed.conf"],
    );
    assert_eq!(
        judged.status,
        Some(0),
        "keepalived on what is printed: {}\n{printed}",
        judged.stderr
    );
}
