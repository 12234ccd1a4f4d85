//! What the outside world is told, by every way there is, beside what keepalived tells of the same acts.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::conf::Instance;
use super::expect::SOON;
use crate::site::{self, Daemon, Director, Relay, Site, v4};
use crate::timeline::{Stamp, note, wait_for, wait_quiet};

const TELL: &str = r#"line=; for word in "$@"; do line="$line [$word]"; done; echo "$line" >>/run/told"#;
const READER: &str = r#"echo "$@" >/run/reader; exec cat "$2" >>/run/vrrp.lines"#;

const FILES: [&str; 4] = ["/run/all.lines", "/run/vrrp.lines", "/run/told", "/run/reader"];

fn global(more: &str) -> String {
    format!(
        "global_defs {{
    router_id lab
    script_user root
    enable_script_security
    notify_fifo /run/all.fifo
    vrrp_notify_fifo /run/vrrp.fifo
    vrrp_notify_fifo_script \"/etc/keepalived/reader one\"
    vrrp_notify_priority_changes
    startup_script \"/etc/keepalived/tell startup\"
    shutdown_script \"/etc/keepalived/tell shutdown\"
    notification_email {{
        one@example.com
        two@example.com
    }}
    smtp_helo_name d1.example.com
    notification_email_from lab@example.com
    smtp_server 127.0.0.1 2525
    smtp_connect_timeout 5
    smtp_alert_vrrp
    {more}
}}
"
    )
}

fn scripts(who: &str, more: &str) -> String {
    let mut out = String::new();
    for state in ["master", "backup", "fault", "stop"] {
        out += &format!("notify_{state} \"/etc/keepalived/tell {who} {state}\"\n    ");
    }
    out + &format!("notify \"/etc/keepalived/tell {who} 'two words'\"\n    {more}")
}

/// Everything that was told up to now.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    all: Vec<String>,
    vrrp: Vec<String>,
    scripts: Vec<String>,
    reader: Vec<String>,
    mails: Vec<(Vec<String>, Vec<String>)>,
}

impl Told {
    fn forget_lower_adverts(&mut self) {
        for lines in [&mut self.all, &mut self.vrrp] {
            lines.retain(|line| !line.contains("MASTER_RX_LOWER_PRI"));
        }
        self.scripts.retain(|line| !line.contains("[two] [lower]"));
    }
}

struct Stage {
    site: Site,
    d1: Director,
    d2: Director,
    relay: Relay,
    taken: usize,
}

/// The acts, told by keepalived and by the daemon.
///
/// Facts: 12.1, 12.2, 12.3, 12.4, 12.7, 12.8, 12.9, 12.10, 12.11, 17.2, 17.3, 17.4, 17.5
pub fn compare() {
    let mut theirs = play(Daemon::Keepalived);
    let mut ours = play(Daemon::under_test());
    // What keepalived gets wrong, or leaves to chance.
    for (told, is_ours) in [(&mut theirs, false), (&mut ours, true)] {
        let is_ours = is_ours && Daemon::under_test() == Daemon::Steadfast;
        let of = |told: &mut Vec<(&'static str, Told)>, name| {
            told.iter_mut()
                .find(|(act, _)| *act == name)
                .map(|(_, told)| std::mem::take(told))
                .expect("an act")
        };
        let mut stop = of(told, "stop");
        if is_ours {
            assert_eq!(stop.vrrp, stop.all, "readers hear of the stop too");
            let subject =
                |(_, text): &(Vec<String>, Vec<String>)| text.iter().any(|line| line.ends_with("- Stopping"));
            assert_eq!(
                stop.mails.iter().filter(|mail| subject(mail)).count(),
                3,
                "mails of the stop: {:#?}",
                stop.mails
            );
        }
        // Its readers are killed and its mails not sent.
        (stop.vrrp, stop.mails) = Default::default();
        let mut reload = of(told, "reload");
        let gone = |line: &String| line.contains("VI_3") || line.contains("VI_4");
        let (left, same): (Vec<_>, Vec<_>) = std::mem::take(&mut reload.all).into_iter().partition(gone);
        reload.all = left;
        reload.vrrp.retain(gone);
        if is_ours {
            assert_eq!(reload.reader, [""; 0], "the reader goes on");
            let all = [
                "GROUP \"G\" MASTER 0",
                "INSTANCE \"VI_1\" MASTER 130",
                "INSTANCE \"VI_2\" MASTER 130",
            ];
            assert_eq!(same, all);
        } else {
            assert_eq!(reload.reader, ["one /run/vrrp.fifo"]);
            assert_eq!(same, ["GROUP \"G\" MASTER 0"], "2.2.7 repeats groups only");
        }
        reload.reader.clear();
        told.push(("stop", stop));
        told.push(("reload", reload));
    }
    for ((name, theirs), (_, ours)) in theirs.iter().zip(&ours) {
        assert_eq!(ours, theirs, "{name}");
    }
}

fn play(daemon: Daemon) -> Vec<(&'static str, Told)> {
    let (site, d1, d2) = site::pair(0);
    let relay = Relay::listen(&d1, 2525);
    let mut stage = Stage {
        site,
        d1,
        d2,
        relay,
        taken: 0,
    };
    stage.d1.daemon = daemon;
    stage.acts()
}

impl Stage {
    fn acts(&mut self) -> Vec<(&'static str, Told)> {
        // A busy machine may need more than the interval, which is the usual limit, to run it.
        let script = "vrrp_script good {\n    script \"/usr/bin/test -e /run/good\"\n    interval 1\n    timeout 10\n    weight -20\n}\n";
        let d1 = &mut self.d1;
        d1.script("/etc/keepalived/tell", TELL);
        d1.script("/etc/keepalived/reader", READER);
        d1.write("/run/good", "");
        d1.run(&["mkfifo", "/run/all.fifo"]);
        let mut reader = d1.spawn(&["sh", "-c", "exec cat <>/run/all.fifo >>/run/all.lines"]);
        let tracked = scripts(
            "two",
            "notify_master_rx_lower_pri \"/etc/keepalived/tell two lower\"\n    track_script {\n        good\n    }",
        );
        let one = scripts("one", "");
        let three = scripts("three", "notify_deleted \"/etc/keepalived/tell three deleted\"");
        let four = scripts("four", "");
        let pair = |priority: u8, one: &str, two: &str| {
            let one = Instance {
                priority,
                ..instance("VI_1", 51, &["192.0.2.100/24"], one)
            };
            let two = Instance {
                priority,
                ..instance("VI_2", 52, &["192.0.2.101/24"], two)
            };
            format!("{one}{two}")
        };
        let group = format!(
            "vrrp_sync_group G {{\n    group {{\n        VI_1\n    }}\n    {}\n}}\n",
            scripts("group", "")
        );
        let alone = format!(
            "{}{}",
            instance("VI_3", 53, &["192.0.2.103/24"], &three),
            instance("VI_4", 54, &["192.0.2.104/24"], &four)
        );
        let rest = format!("{script}{group}{}", pair(130, &one, &tracked));
        self.d2.run_with(&format!(
            "global_defs {{\n    router_id other\n}}\n{}",
            pair(120, "", "")
        ));
        let (vip1, vip2) = (v4(0, 100), v4(0, 101));
        self.d2.wait_holds(vip1, 2 * SOON);
        self.d2.wait_holds(vip2, 2 * SOON);
        let mut told = Vec::new();
        self.d1.run_with(&format!("{}{rest}{alone}", global("")));
        for vip in [vip1, vip2, v4(0, 103), v4(0, 104)] {
            self.d1.wait_holds(vip, 2 * SOON);
        }
        let mode = self.d1.run(&["stat", "-c", "%F %a %U", "/run/vrrp.fifo"]);
        assert_eq!(mode.trim(), "fifo 600 root");
        wait_for("a reader that reads", 2 * SOON, || {
            (!self.d1.read("/run/vrrp.lines").is_empty()).then_some(())
        });
        told.push(("start", self.told()));

        self.d1.run(&["rm", "/run/good"]);
        self.d1.wait_lacks(vip2, 2 * SOON);
        told.push(("priority lost", self.told()));
        self.d1.write("/run/good", "");
        self.d1.wait_holds(vip2, 2 * SOON);
        told.push(("priority regained", self.told()));

        self.site.switch.deafen("d2");
        self.d2.wait_holds(vip1, 2 * SOON);
        self.d2.wait_holds(vip2, 2 * SOON);
        self.site.switch.heal("d2");
        self.d2.wait_lacks(vip1, 2 * SOON);
        self.d2.wait_lacks(vip2, 2 * SOON);
        let mut lower = self.told();
        lower.all.dedup();
        lower.vrrp.dedup();
        lower.scripts.dedup();
        told.push(("lower priority heard", lower));

        self.site.switch.unplug("d1");
        self.d1.wait_lacks(vip1, SOON);
        told.push(("fault", self.told()));
        self.site.switch.replug("d1");
        for vip in [vip1, vip2, v4(0, 103), v4(0, 104)] {
            self.d1.wait_holds(vip, 2 * SOON);
        }
        told.push(("repaired", self.told()));

        let before = Stamp::now();
        self.d1
            .configure(&format!("{}{rest}", global("fifo_write_vrrp_states_on_reload")));
        self.d1.signal(Signal::SIGHUP);
        self.d1.log.wait("Reload complete", before, 2 * SOON);
        self.d1.wait_lacks(v4(0, 103), SOON);
        self.d1.wait_lacks(v4(0, 104), SOON);
        told.push(("reload", self.told()));

        self.d1.stop();
        told.push(("stop", self.told()));
        let made = self.d1.attempt(5, &["test", "-e", "/run/vrrp.fifo"]).status;
        assert_eq!(made, Some(1), "the FIFO that the daemon made is gone");
        self.d1.run(&["test", "-p", "/run/all.fifo"]);
        let _ = reader.kill();
        let _ = reader.wait();
        for (act, told) in &mut told {
            // Whether the other's last advert comes before it has heard of its superior is chance.
            if *act != "lower priority heard" {
                told.forget_lower_adverts();
            }
        }
        told
    }

    /// What came since the last time, when nothing more comes.
    fn told(&mut self) -> Told {
        wait_quiet(Duration::from_secs(3), 6 * SOON, || {
            let mut now: Vec<String> = FILES.iter().map(|file| self.d1.read(file)).collect();
            now.push(self.relay.letters().len().to_string());
            now
        });
        let letters = self.relay.letters();
        note("lab", format!("{} letters came", letters.len() - self.taken));
        let mut mails: Vec<_> = letters
            .into_iter()
            .skip(self.taken)
            .map(|letter| {
                let mut text = letter.text;
                text.retain(|line| !line.starts_with("Date: "));
                let mut envelope = letter.envelope;
                // The modern form of the same greeting.
                for line in &mut envelope {
                    *line = line.replace("EHLO ", "HELO ");
                }
                (envelope, text)
            })
            .collect();
        self.taken += mails.len();
        mails.sort();
        let lines = |file: &str| -> Vec<String> {
            let lines = self.d1.read(file).lines().map(ToOwned::to_owned).collect();
            self.d1.write(file, "");
            lines
        };
        let mut scripts = lines("/run/told");
        scripts.sort();
        let reader = lines("/run/reader");
        // Which of two instances that wait for the same moment comes first is chance.
        let by_subject = |file| {
            let mut lines = lines(file);
            lines.sort_by_key(|line: &String| line.split(' ').nth(1).map(ToOwned::to_owned));
            lines
        };
        Told {
            all: by_subject("/run/all.lines"),
            vrrp: by_subject("/run/vrrp.lines"),
            scripts,
            reader,
            mails,
        }
    }
}

fn instance<'a>(name: &'a str, vrid: u8, address: &'a [&'a str], more: &'a str) -> Instance<'a> {
    Instance {
        name,
        vrid,
        // A busy machine's master may be silent for more than a second.
        interval: 1000,
        addresses: address,
        more,
        ..Instance::default()
    }
}
