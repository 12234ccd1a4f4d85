//! Health: each checker takes a real server out and brings it back, and the pool reacts as the configuration says.

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::Duration;

use openssl::hash::{MessageDigest, hash};

use super::conf::{GLOBAL, Instance, PATIENT_CHECK, virtual_server};
use super::expect::{SOON, addresses, weights};
use crate::site::{self, Daemon, Director, Mode, Node, Server, v4};
use crate::timeline::{Stamp, for_the_next, ms, note, wait_for};

/// A failure is noticed within two attempts. A handshake may take long where many are made at once.
const TIMES: &str = "connect_timeout 3
            retry 1
            delay_before_retry 1";

/// All four checkers at once, each on a service of its own.
pub fn checkers() {
    let (site, mut d1) = site::single(3);
    site.servers.iter().for_each(Server::with_tls);
    let servers = addresses(&site);
    let [r1, r2, r3] = site.servers.as_slice() else {
        panic!("three servers")
    };
    let tcp = SocketAddr::new(v4(0, 101), 80);
    let http = SocketAddr::new(v4(0, 102), 80);
    let ssl = SocketAddr::new(v4(0, 103), 443);
    let misc = SocketAddr::new(v4(0, 104), 80);
    // Each server has a page of its own, hence a digest of its own; all have the page of status 204.
    let service = |at: SocketAddr, check: &dyn Fn(&Server) -> String| {
        let one = |(server, address): (&Server, &IpAddr)| {
            format!(
                "    real_server {address} {} {{\n        {}\n    }}\n",
                at.port(),
                check(server)
            )
        };
        let servers: String = site.servers.iter().zip(&servers).map(one).collect();
        let (ip, port) = (at.ip(), at.port());
        format!(
            "virtual_server {ip} {port} {{\n    delay_loop 1\n    lb_algo rr\n    lb_kind DR\n    protocol TCP\n{servers}}}\n"
        )
    };
    let digest = |server: &Server| {
        let sum = hash(MessageDigest::md5(), server.name.as_bytes()).expect("a digest");
        sum.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let conf = [
        service(tcp, &|_| PATIENT_CHECK.into()),
        service(http, &|server| {
            let digest = digest(server);
            format!(
                "HTTP_GET {{\n url {{\n path /\n digest {digest}\n status_code 200\n virtualhost www.example.com\n }}\n {TIMES}\n }}"
            )
        }),
        service(ssl, &|_| {
            format!("SSL_GET {{\n url {{\n path /\n status_code 200\n }}\n {TIMES}\n }}")
        }),
        service(misc, &|server| {
            let script = format!("/etc/keepalived/misc {}", server.name);
            format!(
                "MISC_CHECK {{\n misc_path \"{script}\"\n misc_timeout 10\n misc_dynamic\n retry 1\n delay_before_retry 1\n }}"
            )
        }),
    ];
    d1.script("/etc/keepalived/misc", "exit $(cat /run/misc.$1)");
    for server in &site.servers {
        d1.write(&format!("/run/misc.{}", server.name), "0");
    }
    d1.run_with(&format!("{GLOBAL}{}", conf.concat()));

    let all: Vec<_> = servers.iter().map(|server| (*server, 1)).collect();
    let without = |gone: usize| -> Vec<_> {
        let rest = all.iter().enumerate().filter(|(index, _)| *index != gone);
        rest.map(|(_, entry)| *entry).collect()
    };
    [tcp, http, ssl, misc]
        .iter()
        .for_each(|service| weights(&d1, *service, &all));

    r1.set(Mode::Refuse);
    [tcp, http, ssl]
        .iter()
        .for_each(|service| weights(&d1, *service, &without(0)));
    r1.set(Mode::Fine);
    [tcp, http, ssl]
        .iter()
        .for_each(|service| weights(&d1, *service, &all));

    r2.set(Mode::Status(500));
    [http, ssl]
        .iter()
        .for_each(|service| weights(&d1, *service, &without(1)));
    r2.set(Mode::Body("somebody else".into()));
    weights(&d1, ssl, &all);
    weights(&d1, http, &without(1));
    r2.set(Mode::Fine);
    weights(&d1, http, &all);

    r3.set(Mode::Slow(Duration::from_secs(8)));
    [http, ssl]
        .iter()
        .for_each(|service| weights(&d1, *service, &without(2)));
    weights(&d1, tcp, &all);
    r3.set(Mode::Fine);
    [http, ssl]
        .iter()
        .for_each(|service| weights(&d1, *service, &all));

    // A dynamic check's exit status above 1 is the weight plus two.
    exit_status(&d1, r1, 1);
    weights(&d1, misc, &without(0));
    exit_status(&d1, r1, 9);
    weights(&d1, misc, &[(servers[0], 7), (servers[1], 1), (servers[2], 1)]);
    exit_status(&d1, r1, 0);
    weights(&d1, misc, &all);
}

/// What a pool does: sorry server, quorum, inhibition, alpha mode, marks, and the scripts it runs.
pub fn pool() {
    let (site, mut d1) = site::single(3);
    let servers = addresses(&site);
    let [r1, r2, _] = site.servers.as_slice() else {
        panic!("three servers")
    };
    let both = &servers[..2];
    let quorum = SocketAddr::new(v4(0, 101), 80);
    let inhibit = SocketAddr::new(v4(0, 102), 80);
    let alpha = SocketAddr::new(v4(0, 103), 80);
    d1.script("/etc/keepalived/tell", "echo \"$@\" >>/run/told");
    let told = |words: &str| format!("\"/etc/keepalived/tell {words}\"");
    let pooled = format!(
        "quorum 2\n    sorry_server {} 80\n    quorum_up {}\n    quorum_down {}",
        servers[2],
        told("quorum up"),
        told("quorum down")
    );
    let announced = format!(
        "notify_up {}\n        notify_down {}\n        {PATIENT_CHECK}",
        told("server up"),
        told("server down")
    );
    let marked =
        virtual_server(v4(0, 104), 80, both, PATIENT_CHECK, "").replace("192.0.2.104 80 {", "fwmark 7 {");
    let conf = [
        virtual_server(quorum.ip(), 80, both, &announced, &pooled),
        virtual_server(
            inhibit.ip(),
            80,
            both,
            &format!("inhibit_on_failure\n        {PATIENT_CHECK}"),
            "persistence_timeout 50",
        ),
        virtual_server(alpha.ip(), 80, both, PATIENT_CHECK, "alpha"),
        marked,
    ];
    r2.set(Mode::Refuse);
    let began = Stamp::now();
    d1.run_with(&format!("{GLOBAL}{}", conf.concat()));
    let (first, second, sorry) = ((servers[0], 1), (servers[1], 1), (servers[2], 1));

    // Non-alpha servers count until they fail, alpha ones only after they succeeded.
    weights(&d1, alpha, &[first]);
    weights(&d1, quorum, &[sorry]);
    weights(&d1, inhibit, &[first, (servers[1], 0)]);
    // What scripts say at the start depends on keepalived's version; from here on it does not.
    let words = |wanted: &[&str]| {
        let mut latest = (Stamp::now(), String::new());
        wait_for(format!("scripts to say {wanted:?}"), 2 * SOON, || {
            let told = d1.read("/run/told");
            if told != latest.1 {
                latest = (Stamp::now(), told);
            }
            let said = |words: &&str| latest.1.lines().any(|line| line == *words);
            // One of the start may be late.
            let calm = latest.0.elapsed() > Duration::from_secs(2);
            (calm && wanted.iter().all(said)).then_some(())
        });
        d1.write("/run/told", "");
    };
    words(&["quorum down", "server down"]);
    r2.set(Mode::Fine);
    for service in [alpha, quorum, inhibit] {
        weights(&d1, service, &[first, second]);
    }
    let mark = d1
        .ipvs()
        .services
        .into_iter()
        .find(|service| service.mark == Some(7))
        .expect("the marked service");
    assert_eq!(mark.scheduler, "rr");
    let saved = d1.run(&["ipvsadm", "--save", "--numeric"]);
    assert!(
        saved.contains("-A -t 192.0.2.102:80 -s rr -p 50\n"),
        "persistence for 50 seconds: {saved}"
    );

    words(&["quorum up", "server up"]);
    r1.set(Mode::Refuse);
    weights(&d1, quorum, &[sorry]);
    weights(&d1, inhibit, &[(servers[0], 0), second]);
    weights(&d1, alpha, &[second]);
    for_the_next(Duration::from_secs(1), "the sorry server serves alone", || {
        d1.ipvs().weights(quorum) == [sorry]
    });
    r1.set(Mode::Fine);
    weights(&d1, quorum, &[first, second]);
    weights(&d1, inhibit, &[first, second]);
    let mut told = Vec::new();
    wait_for("the scripts' words", 2 * SOON, || {
        told = d1.read("/run/told").lines().map(ToOwned::to_owned).collect();
        (told.len() >= 4).then_some(())
    });
    note("d1", format!("scripts said {}", told.join(", ")));
    told.sort();
    assert_eq!(told, ["quorum down", "quorum up", "server down", "server up"]);
    assert!(d1.log.count_since("Lost quorum 2-0=2 > 1", began) >= 2);
    assert_eq!(d1.stop(), Some(0), "exit code");
    assert!(d1.ipvs().services.is_empty(), "left over: {:?}", d1.ipvs());
}

/// Two thousand servers that are silent, more than a shell's limit of open files, and one that lives.
pub fn dead_rack() {
    const DEAD: usize = 2000;
    const PER_SERVICE: usize = 100;
    let node = Node::new("d1");
    // What is sent into a dummy interface never comes back.
    node.ip("link set lo up
link add rack type dummy
address add 198.18.0.1/15 dev rack
link set rack up
");
    let mut d1 = Director::new(node);
    d1.options = &["--check"];
    let listener = d1
        .within(|| TcpListener::bind("127.0.0.1:80"))
        .expect("a listener");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let times = asked.clone();
    thread::spawn(move || {
        for _stream in listener.incoming().flatten() {
            times.lock().expect("times").push(Stamp::now());
        }
    });
    let check = |timeout: u8| format!("TCP_CHECK {{\n connect_timeout {timeout}\n retry 0\n warmup 0\n }}");
    let rack: Vec<_> = (0..DEAD)
        .map(|n| IpAddr::from([198, 18, 1 + (n / 250) as u8, (n % 250) as u8]))
        .collect();
    let service =
        |(servers, port): (&[IpAddr], u16)| virtual_server(v4(0, 101), port, servers, &check(5), "");
    let dead: String = rack.chunks(PER_SERVICE).zip(1000..).map(service).collect();
    let live = ["127.0.0.1".parse().expect("an address")];
    let live = virtual_server(v4(0, 102), 80, &live, &check(1), "");
    d1.run_with(&format!("{GLOBAL}{dead}{live}"));
    let began = Stamp::now();
    wait_for("the rack to be down", Duration::from_secs(60), || {
        (d1.log.count_since("Removing service [198.18.", began) == DEAD).then_some(())
    });
    note(
        "d1",
        format!("{DEAD} servers are down {} after the start", ms(began.elapsed())),
    );
    // The checks go on: each second the live server is asked, whatever the rack does.
    sleep(Duration::from_secs(8));
    let asked = asked.lock().expect("times").clone();
    let gaps: Vec<_> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let longest = gaps.iter().max().expect("checks of the live one");
    note(
        "d1",
        format!(
            "{} checks of the live one, {} between them at most",
            asked.len(),
            ms(*longest)
        ),
    );
    assert!(
        *longest < Duration::from_secs(4),
        "the live server waited: {gaps:?}"
    );
    assert_eq!(
        d1.log.count_since("Rescheduling", began),
        0,
        "no socket for a check"
    );
    assert_eq!(d1.stop(), Some(0), "exit code");
}

fn exit_status(director: &Director, server: &Server, status: u8) {
    note(&server.name, format!("its MISC_CHECK shall exit with {status}"));
    let file = format!("/run/misc.{}", server.name);
    director.write(&format!("{file}.new"), &status.to_string());
    // In one step: an empty file would be another status.
    fs::rename(director.path(&format!("{file}.new")), director.path(&file)).expect("a status");
}

/// A script that runs too long, of a check and of a router, is ended with all that it has started: those that do not heed
/// SIGTERM by SIGKILL two seconds later. keepalived does the same.
///
/// Facts: 14.4
/// LVS facts: 11.4
pub fn overdue() {
    for daemon in [Daemon::Keepalived, Daemon::under_test()] {
        let (_site, mut d1) = site::single(0);
        d1.daemon = daemon;
        // The leader, its child and its grandchild.
        d1.script(
            "/etc/keepalived/slow",
            "trap '' TERM
(echo $(exec sh -c 'echo $PPID') >>/run/$1.pids; sleep 1000 & echo $! >>/run/$1.pids; wait; sleep 1000) &
echo $$ >>/run/$1.pids
wait
sleep 1000",
        );
        let router = Instance {
            more: "track_script {\n        slow\n    }",
            ..Instance::default()
        };
        let began = Stamp::now();
        d1.run_with(&format!(
            "{GLOBAL}vrrp_script slow {{\n    script \"/etc/keepalived/slow track\"\n    interval 60\n    timeout 5\n}}\n\
             {router}virtual_server 192.0.2.101 80 {{
    delay_loop 60
    lb_algo rr
    lb_kind DR
    protocol TCP
    real_server 192.0.2.9 80 {{
        MISC_CHECK {{
            misc_path \"/etc/keepalived/slow check\"
            misc_timeout 5
            warmup 0
        }}
    }}
}}
"
        ));
        for name in ["track", "check"] {
            let pids: Vec<String> = wait_for(format!("three processes of {name}"), SOON, || {
                let file = d1.path(&format!("/run/{name}.pids"));
                let text = fs::read_to_string(file).unwrap_or_default();
                let pids: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
                (pids.len() == 3).then_some(pids)
            });
            let alive = |pid: &String| fs::exists(format!("/proc/{pid}")).unwrap_or(true);
            wait_for(format!("their end: {pids:?}"), 2 * SOON, || {
                pids.iter().all(|pid| !alive(pid)).then_some(())
            });
            let took = began.elapsed();
            note("d1", format!("{name}: {pids:?} are dead after {}", ms(took)));
            assert!(took >= Duration::from_secs(7), "killed before its time");
        }
        d1.log.wait("timed out", began, 2 * SOON);
        weights(&d1, SocketAddr::new(v4(0, 101), 80), &[]);
        assert_eq!(d1.stop(), Some(0));
    }
}
