//! IPVS in one network namespace of the host and the daemon in another: traffic goes through the first, checks through the
//! second.

use std::fs;
use std::net::{IpAddr, SocketAddr};

use nix::sys::signal::Signal;

use super::expect::SOON;
use crate::site::{Daemon, Director, Mode, Plan, Site, Talk, Transport, answer, v4};
use crate::timeline::{Stamp, wait_for};

const PORT: u16 = 7000;
/// The namespace beside the node's own one. It has the second segment to itself.
const OTHER: &str = "front";

/// `net_namespace_ipvs` with a name, while the daemon is where it was started.
/// LVS facts: 2.20, 16.12
pub fn named() {
    Field::new(1).play(&format!("net_namespace_ipvs {OTHER}\n"));
}

/// `net_namespace_ipvs` alone: where the daemon was started, while it is elsewhere.
/// LVS facts: 2.20, 16.12
pub fn of_the_start() {
    let mut field = Field::new(0);
    let root = format!("net_namespace {OTHER}\nnet_namespace_ipvs\n");
    if field.director.daemon == Daemon::Keepalived {
        // 2.2.7 does not do what its manual says: its table is in the namespace of process 1.
        field.director.run_with(&field.config(&root));
        let place = wait_for("the table", 2 * SOON, || {
            let first = fs::read_to_string("/proc/1/net/ip_vs").unwrap_or_default();
            let tables = [
                ("process 1", first.lines().count() == 6),
                ("the daemon", field.table(false).len() == 3),
                ("the start", field.table(true).len() == 3),
            ];
            tables
                .into_iter()
                .find_map(|(place, there)| there.then_some(place))
        });
        assert_eq!(place, "process 1");
        return;
    }
    field.play(&root);
}

/// The virtual address of a segment.
fn vip(segment: u8) -> IpAddr {
    v4(segment, 100)
}

struct Field {
    site: Site,
    director: Director,
    /// The segment of the namespace with IPVS.
    ipvs: u8,
}

impl Field {
    fn new(ipvs: u8) -> Self {
        let mut site = Site::new(Plan {
            directors: 1,
            servers: 2,
            segments: 2,
        });
        let mut director = site.directors.pop().expect("a director");
        director.options = &["--check"];
        director.run(&["ip", "netns", "add", OTHER]);
        director.ip(&format!(
            "link set eth1 netns {OTHER}\naddress add {}/32 dev eth0\n",
            vip(0)
        ));
        let [own, virtual_one] = [v4(1, 1), vip(1)];
        for line in [
            "link set lo up",
            "link set eth1 up",
            &format!("address add {own}/24 dev eth1"),
            &format!("address add {virtual_one}/32 dev eth1"),
        ] {
            let words = ["ip", "-n", OTHER].into_iter().chain(line.split(' '));
            director.run(&words.collect::<Vec<_>>());
        }
        for server in &site.servers {
            [0, 1].into_iter().for_each(|segment| server.serve(vip(segment)));
            answer(server, PORT, &[]);
        }
        Self { site, director, ipvs }
    }

    fn play(&mut self, root: &str) {
        let config = self.config(root);
        self.director.run_with(&config);
        self.wait_servers(&["r1", "r2"]);
        let table = self.table(true);
        assert_eq!(table.len(), 3, "{table:?}");
        assert_eq!(self.table(false), [""; 0], "where the daemon is");
        // What is set beside the table may come after it.
        let mcast = format!("master sync daemon (mcast=eth{}", self.ipvs);
        for (what, has) in [("--timeout", ": 100 "), ("--daemon", &mcast)] {
            wait_for(format!("{what} to have {has:?}"), SOON, || {
                let shown = self.within(true, &["ipvsadm", "-l", what]);
                shown.contains(has).then_some(())
            });
        }
        if self.director.daemon == Daemon::Steadfast {
            wait_for("the setting of connections", SOON, || {
                (self.expiry(true) == "1").then_some(())
            });
        }
        // Nobody has given it a table, and so no settings, or they are as they were.
        assert_ne!(self.expiry(false), "1", "where the daemon is");

        self.site.servers[0].set(Mode::Refuse);
        self.wait_servers(&["r2"]);
        self.site.servers[0].set(Mode::Fine);
        self.wait_servers(&["r1", "r2"]);

        let since = Stamp::now();
        let (first, _) = root.split_once("net_namespace_ipvs").expect("the keyword");
        self.director.configure(&config.replace(root, first));
        self.director.signal(Signal::SIGHUP);
        let refusal = "Cannot change IPVS network namespace at a reload - please restart keepalived";
        self.director.log.wait(refusal, since, 2 * SOON);
        self.wait_servers(&["r1", "r2"]);
        assert_eq!(self.table(true), table, "after a reload that is refused");

        assert_eq!(self.director.stop(), Some(0), "exit code");
        for ipvs in [true, false] {
            assert_eq!(self.table(ipvs), [""; 0], "left by a stop");
        }
        self.is_nowhere(&config.replace(root, &format!("{first}net_namespace_ipvs nowhere\n")));
    }

    /// A namespace that is not there ends a start.
    fn is_nowhere(&mut self, config: &str) {
        let since = Stamp::now();
        self.director.run_with(config);
        self.director.log.wait("Can't initialize ipvs", since, 2 * SOON);
        let exit = self.director.ended(2 * SOON);
        if self.director.daemon == Daemon::Steadfast {
            assert_eq!(exit, Some(1), "exit code");
        }
        for ipvs in [true, false] {
            assert_eq!(self.table(ipvs), [""; 0]);
        }
    }

    /// The commands that would make the table of the namespace for IPVS, or of the other one.
    fn table(&self, ipvs: bool) -> Vec<String> {
        let text = self.within(ipvs, &["ipvsadm", "--save", "--numeric"]);
        let mut lines: Vec<_> = text.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.sort();
        lines
    }

    /// Whether connections of a server that is gone expire there.
    fn expiry(&self, ipvs: bool) -> String {
        let setting = "cat /proc/sys/net/ipv4/vs/expire_nodest_conn || true";
        self.within(ipvs, &["sh", "-c", setting]).trim().to_owned()
    }

    fn within(&self, ipvs: bool, words: &[&str]) -> String {
        let through: &[&str] = if ipvs == (self.ipvs == 1) {
            &["ip", "netns", "exec", OTHER]
        } else {
            &[]
        };
        self.director.run(&[through, words].concat())
    }

    fn config(&self, root: &str) -> String {
        let real = |number: u8| {
            format!(
                "    real_server {} {PORT} {{
        TCP_CHECK {{
            connect_ip {}
            connect_port 80
            connect_timeout 10
            retry 0
            warmup 0
        }}
    }}
",
                v4(self.ipvs, 10 + number),
                v4(1 - self.ipvs, 10 + number)
            )
        };
        format!(
            "{root}global_defs {{
    lvs_timeouts tcp 100
    lvs_sync_daemon eth{}
    lvs_expire_nodest_conn
}}
virtual_server {} {PORT} {{
    delay_loop 1
    lb_algo rr
    lb_kind DR
    protocol TCP
{}{}}}
",
            self.ipvs,
            vip(self.ipvs),
            real(1),
            real(2)
        )
    }

    /// Waits until these answer the client, and nobody else.
    #[track_caller]
    fn wait_servers(&self, wanted: &[&str]) {
        let service = SocketAddr::new(vip(self.ipvs), PORT);
        wait_for(format!("{wanted:?} to answer"), 3 * SOON, || {
            let mut answers: Vec<String> = (0..4)
                .filter_map(|_| {
                    let mut talk = Talk::open(&self.site.client, Transport::Tcp, service).ok()?;
                    talk.say().ok()
                })
                .collect();
            answers.sort();
            answers.dedup();
            (answers == wanted).then_some(())
        });
    }
}
