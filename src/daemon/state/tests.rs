//! Written and read again; and files that are not to be believed.

use super::*;
use crate::check::verdict::Verdict;
use crate::daemon::vrrp_plane::{Register, Seat};
use crate::net::{Family, IfName};
use crate::sys::clock;
use crate::sys::testing::TempDir;
use crate::vrrp::claim::{Estate, Manner};
use crate::vrrp::config::InstanceKey;
use crate::vrrp::{RouterId, Vrid};
use serde_json::json;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;

const MANNER: Manner = Manner {
    ah_sequence: u32::MAX,
    old_checksum: true,
};

fn name(text: &str) -> IfName {
    IfName::new(text).unwrap()
}

fn estate(endpoint: Option<&str>, family: Family) -> Estate {
    Estate {
        router: RouterId(1),
        name: "VI_1".into(),
        key: InstanceKey {
            vrid: Vrid::new(51).unwrap(),
            family,
            interface: name("eth0"),
            endpoint: endpoint.map(|text| text.parse().unwrap()),
            unicast: endpoint.is_none(),
        },
        patience: Duration::from_secs(3),
        advert_int: Duration::from_secs(1),
        holds: vec![
            (name("eth0"), "10.0.0.1".parse().unwrap()),
            (name("eth1.7"), "2001:db8::1".parse().unwrap()),
        ],
    }
}

fn verdicts(at: Instant) -> Vec<ServiceVerdicts> {
    let verdict = |identity, up, exit_status| Verdict {
        identity,
        up,
        failures: 2,
        url: 3,
        url_failed: !up,
        exit_status,
        at,
    };
    vec![ServiceVerdicts {
        id: "[10.0.0.1]:tcp:80".into(),
        quorum_up: true,
        servers: vec![
            (
                "10.0.0.2:80".parse().unwrap(),
                vec![verdict(u64::MAX, true, Some(7)), verdict(0, false, None)],
            ),
            ("[2001:db8::2]:443".parse().unwrap(), vec![verdict(5, true, None)]),
        ],
    }]
}

struct Files {
    dir: TempDir,
    paths: Paths,
}

impl Files {
    fn new() -> Self {
        let dir = TempDir::new();
        let paths = Paths::beside(&dir.path("keepalived_blue.pid"));
        Self { dir, paths }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.paths.routers).unwrap()
    }

    fn put(&self, text: &str) {
        std::fs::write(&self.paths.routers, text).unwrap();
        std::fs::set_permissions(&self.paths.routers, PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// A good one, of a master that said something 100 ms ago.
    fn good(&self) -> Instant {
        let clocks = Clocks::now();
        let at = clocks.now - Duration::from_millis(100);
        let router = routers::write(&estate(Some("224.0.0.18"), Family::V4), at, MANNER, clocks);
        file::write(
            &self.paths.routers,
            clocks.write(clocks.now),
            "routers",
            vec![router],
        )
        .unwrap();
        at
    }

    fn claims(&self) -> usize {
        Left::read(&self.paths).claims.len()
    }
}

#[test]
fn what_is_written_is_read() {
    let files = Files::new();
    assert_eq!(Left::read(&files.paths).claims, [], "there is none");
    let clocks = Clocks::now();
    let at = clocks.now - Duration::from_millis(1_500);
    let estates = [estate(Some("224.0.0.18"), Family::V4), estate(None, Family::V6)];
    let list = estates
        .iter()
        .map(|estate| routers::write(estate, at, MANNER, clocks));
    file::write(&files.paths.routers, 0, "routers", list.collect()).unwrap();
    let list = verdicts(at)
        .iter()
        .map(|service| checks::write(service, clocks))
        .collect();
    file::write(&files.paths.checks, 0, "virtual_servers", list).unwrap();

    let left = Left::read(&files.paths);
    // The clocks are read one after the other.
    let same = |found: Instant| found.since(at).max(at.since(found)) < Duration::from_millis(50);
    for (claim, estate) in left.claims.iter().zip(&estates) {
        assert_eq!(claim.key, estate.key);
        assert_eq!((claim.patience, &claim.held), (estate.patience, &estate.holds));
        assert_eq!(claim.manner, MANNER);
        assert!(same(claim.advert_at));
    }
    assert_eq!(left.claims.len(), 2);
    let mut found = left.verdicts;
    for (_, list) in &mut found[0].servers {
        for verdict in list {
            assert!(same(verdict.at));
            verdict.at = at;
        }
    }
    assert_eq!(found, verdicts(at));
    assert_eq!(
        files.dir.names(),
        ["keepalived_blue.checks", "keepalived_blue.state"]
    );
    let mode = std::fs::metadata(&files.paths.routers)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o600);
}

/// The worst that a file does is that nothing is taken over.
#[test]
fn nothing_else_is_believed() {
    let files = Files::new();
    files.good();
    let good = files.text();
    assert_eq!(files.claims(), 1);
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from), "{from} in {good}");
        good.replace(from, to)
    };
    let ahead = u64::try_from((clock::since_boot() + Duration::from_secs(60)).as_micros()).unwrap();
    let advert = good
        .split("\"advert\":")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    for text in [
        String::new(),
        "null".into(),
        "[]".into(),
        "\u{0}\u{1}".into(),
        "{".repeat(100_000),
        "[".repeat(100_000),
        "9".repeat(100_000),
        good[..good.len() / 2].to_owned(),
        changed(boot.trim(), "00000000-0000-0000-0000-000000000000"),
        changed("\"format\":1", "\"format\":2"),
        changed("\"vrid\":51", "\"vrid\":0"),
        changed("\"vrid\":51", "\"vrid\":256"),
        changed("\"vrid\":51", "\"vrid\":-1"),
        changed("\"eth0\"", "\"../../etc\""),
        changed("\"ipv4\"", "\"ipv5\""),
        changed("\"MASTER\"", "\"BACKUP\""),
        changed("224.0.0.18", "nonsense"),
        changed("\"unicast\":false", "\"unicast\":0"),
        changed("10.0.0.1", "10.0.0"),
        changed("\"held\"", "\"hold\""),
        changed("\"ah_sequence\":4294967295", "\"ah_sequence\":4294967296"),
        changed("\"old_checksum\":true", "\"old_checksum\":1"),
        changed(&format!("\"advert\":{advert}"), &format!("\"advert\":{ahead}")),
        changed(&format!("\"advert\":{advert}"), "\"advert\":1e300"),
    ] {
        files.put(&text);
        assert_eq!(files.claims(), 0, "{}", &text[..text.len().min(200)]);
    }
    // What a later version adds is skipped.
    files.put(&changed("\"format\":1", "\"format\":1,\"overlays\":[{}]"));
    assert_eq!(files.claims(), 1);

    let path = &files.paths.routers;
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o622)).unwrap();
    assert_eq!(files.claims(), 0, "others may write to it");
    std::fs::rename(path, files.dir.path("target")).unwrap();
    symlink(files.dir.path("target"), path).unwrap();
    assert_eq!(files.claims(), 0, "a link");
    files.good();
    assert_eq!(files.claims(), 1, "the link was replaced");
    std::fs::remove_file(path).unwrap();
    std::fs::create_dir(path).unwrap();
    assert_eq!(files.claims(), 0, "a directory");
    std::fs::remove_dir(path).unwrap();
    nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(files.claims(), 0, "a pipe");
    std::fs::remove_file(path).unwrap();
    let large = std::fs::File::create(path).unwrap();
    large.set_len(1 << 40).unwrap();
    assert_eq!(files.claims(), 0, "a terabyte of nothing");
}

/// Any single octet of a file may be another one.
#[test]
fn damage_is_no_panic() {
    let clocks = Clocks::now();
    let list: Vec<_> = verdicts(clocks.now)
        .iter()
        .map(|one| checks::write(one, clocks))
        .collect();
    let checks = json!({ "virtual_servers": list }).to_string();
    let router = routers::write(&estate(None, Family::V4), clocks.now, MANNER, clocks);
    let routers = json!({ "routers": [router] }).to_string();
    for text in [checks, routers] {
        for at in 0..text.len() {
            for octet in [b'0', b'"', b'-', b'{', b'n', 0xff] {
                let mut damaged = text.clone().into_bytes();
                damaged[at] = octet;
                if let Ok(body) = serde_json::from_slice(&damaged) {
                    let _ = (routers::read(&body, clocks), checks::read(&body, clocks));
                }
            }
        }
    }
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let limit = clock::now() + Duration::from_secs(20);
    while !done() {
        assert!(clock::now() < limit, "{what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

#[test]
fn the_thread_writes_what_is_new_and_leaves_what_it_shall() {
    for leave in [true, false] {
        let files = Files::new();
        files.good();
        let register = Arc::new(Register::default());
        let writer = Writer::spawn(files.paths.clone(), Arc::clone(&register)).unwrap();
        writer.slot().put(verdicts(clock::now()));
        wait_for("the verdicts", || Left::read(&files.paths).verdicts.len() == 1);
        assert_eq!(
            files.claims(),
            1,
            "an earlier run's word stands until there are routers"
        );
        let seat = Seat::new(estate(Some("224.0.0.18"), Family::V4));
        seat.sent(clock::now(), MANNER);
        register.publish(vec![Arc::new(seat)]);
        wait_for("the master", || {
            files.text().contains("VI_1") && files.claims() == 1
        });
        writer.slot().put(verdicts(clock::now()));
        writer.finish(Leave {
            routers: leave,
            checks: leave,
        });
        let left = Left::read(&files.paths);
        assert_eq!(
            (left.claims.len(), left.verdicts.len()),
            if leave { (1, 1) } else { (0, 0) }
        );
        assert_eq!(files.dir.names().len(), if leave { 2 } else { 0 });
    }
}
