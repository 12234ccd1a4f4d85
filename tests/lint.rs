//! Lint: an example for each code (`tests/lint/CODE.conf`, of which `docs/lint.md` is made), quiet on good files, and
//! never a panic.
//!
//! In an example `### NAME` begins the file of another director. A `# also:` line names the codes that come with it.
//! `UPDATE_GOLDENS=1 cargo test --test lint` writes the page anew.

#![expect(clippy::unwrap_used, reason = "a test that fails here has found something")]

use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use steadfast::conf::{self, ReadOptions, SourceFile, Sources};
use steadfast::lint::{self, Code, Finding, Node, Severity, Surroundings, Writable};
use steadfast::net::{Cidr, IfIndex, IfName, InterfaceAddress, InterfaceStatus};

fn interface(index: u32, name: &str, address: &str) -> InterfaceStatus {
    InterfaceStatus {
        name: IfName::new(name).unwrap(),
        index: IfIndex(index),
        mac: None,
        mtu: 1500,
        up: true,
        multicast: true,
        noarp: false,
        loopback: name == "lo",
        addresses: vec![InterfaceAddress {
            cidr: Cidr::new(address.parse().unwrap(), 24).unwrap(),
            tentative: false,
        }],
        made: steadfast::net::LinkTraits::default(),
    }
}

/// lo, eth0 and eth1; anybody may write /opt/site/check.
fn surroundings() -> Surroundings {
    let mut eth0 = interface(2, "eth0", "192.0.2.1");
    eth0.addresses.push(InterfaceAddress {
        cidr: Cidr::new("2001:db8:0:1::1".parse().unwrap(), 64).unwrap(),
        tentative: false,
    });
    let check = Writable {
        path: "/opt/site/check".to_owned(),
        offences: "'/opt/site/check' has owner root (0), group 100, mode 0775: chmod g-w '/opt/site/check'"
            .to_owned(),
    };
    Surroundings {
        interfaces: vec![
            interface(1, "lo", "127.0.0.1"),
            eth0,
            interface(3, "eth1", "198.51.100.2"),
        ],
        writable: [("/opt/site/check".to_owned(), check)].into(),
    }
}

/// The directors of an example and the files to show.
fn site(text: &str) -> (Vec<Node>, Sources) {
    site_as(text, &ReadOptions::default())
}

fn site_as(text: &str, options: &ReadOptions) -> (Vec<Node>, Sources) {
    let mut sources = Sources::default();
    let mut nodes = Vec::new();
    let named = format!("### lb1.conf\n{text}");
    for part in named.split("### ").skip(1) {
        let (name, text) = part.split_once('\n').unwrap();
        let reading = conf::read_str(Path::new(name), text, options);
        assert!(
            reading
                .sources
                .files
                .iter()
                .any(|file: &SourceFile| file.text == text),
            "{name}"
        );
        sources.files.extend(reading.sources.files);
        nodes.push(Node::new(name, reading.config, surroundings()));
    }
    (nodes, sources)
}

fn look(nodes: &[Node]) -> Vec<Finding> {
    let nodes: Vec<&Node> = nodes.iter().collect();
    lint::all(&nodes)
}

fn codes(text: &str) -> BTreeSet<&'static str> {
    look(&site(text).0)
        .iter()
        .map(|finding| finding.code.name())
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn example(code: Code) -> String {
    let path = root().join(format!("tests/lint/{code}.conf"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is said of an example about its code.
fn shown(code: Code, text: &str) -> String {
    let (nodes, sources) = site(text);
    let own: Vec<Finding> = look(&nodes)
        .into_iter()
        .filter(|finding| finding.code == code)
        .collect();
    let mut out = Vec::new();
    lint::text(own.get(..1).unwrap_or_default(), &sources, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// What stands above the codes.
const HEAD: &str = include_str!("lint/head.md");

fn page() -> String {
    let mut out = HEAD.to_owned();
    for code in Code::ALL {
        let said = if code.is_tested_too() {
            ", `-t` says it too"
        } else {
            ""
        };
        let text = example(*code);
        let shown = shown(*code, &text);
        writeln!(
            out,
            "\n### {code}\n\n{}{said}.\n\n```\n{}\n```",
            match code.severity() {
                Severity::Error => "An error",
                Severity::Warning => "A warning",
                Severity::Note => "A note",
            },
            shown.trim_end()
        )
        .unwrap();
    }
    out
}

#[test]
fn every_code_has_an_example_that_gives_it_and_no_other() {
    let mut wrong = String::new();
    for code in Code::ALL {
        let text = example(*code);
        let mut wanted: BTreeSet<&str> = [code.name()].into();
        let also = text.lines().find_map(|line| line.strip_prefix("# also: "));
        wanted.extend(also.into_iter().flat_map(str::split_whitespace));
        let found = codes(&text);
        if found != wanted {
            writeln!(wrong, "{code}: {found:?}").unwrap();
        }
        for node in site(&text).0 {
            assert_eq!(node.unfit(), [], "{code}");
        }
    }
    assert_eq!(wrong, "");
    let examples = std::fs::read_dir(root().join("tests/lint")).unwrap();
    for entry in examples {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let known = Code::ALL.iter().any(|code| code.name() == stem);
        assert!(known || stem == "head", "{} is of no code", path.display());
    }
}

/// An instance for a table: its lines beside interface, VRID and address.
fn instance(lines: &str) -> String {
    format!(
        "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {{\n192.0.2.80/24\n}}\n{lines}\n}}\n"
    )
}

/// One that tracks a script.
fn tracking(weight: &str, lines: &str) -> String {
    let lines = format!("{lines}\ntrack_script {{\nweb\n}}");
    format!(
        "vrrp_script web {{\nscript /bin/true\n{weight}\n}}\n{}",
        instance(&lines)
    )
}

#[track_caller]
fn expect(files: &[String], wanted: &[&'static str]) {
    let text = files.join("### next.conf\n");
    let wanted: BTreeSet<&str> = wanted.iter().copied().collect();
    assert_eq!(codes(&text), wanted, "{text}");
}

/// What operators brought to keepalived's tracker and to others, in our words (the numbers are keepalived's).
#[test]
fn what_operators_ran_into() {
    let pair = |weight: &str, one: &str, other: &str| [tracking(weight, one), tracking(weight, other)];
    // 2108: a failure leaves 120, and the other has 100.
    expect(
        &pair("weight -30", "priority 150", "priority 100"),
        &["weight-never-decides"],
    );
    // 2485: 91 against 90.
    expect(
        &pair(
            "weight -10",
            "state MASTER\npriority 101",
            "state BACKUP\npriority 90",
        ),
        &["weight-never-decides"],
    );
    // 2599: too little, and nobody would take over anyway.
    let backup = "state BACKUP\nnopreempt\n";
    let (high, low) = (format!("{backup}priority 103"), format!("{backup}priority 100"));
    expect(
        &pair("weight 2", &high, &low),
        &[
            "weight-never-decides",
            "nopreempt-with-weight",
            "nopreempt-after-boot",
        ],
    );
    // 2379: the weight would do, but for nopreempt; seen in one file already.
    expect(&[tracking("weight 50", &high)], &["nopreempt-with-weight"]);
    // 942: the master's weight is large enough, its delay does nothing, and the backup waits.
    expect(
        &pair(
            "weight -200",
            "state MASTER\npriority 200\npreempt_delay 1",
            "state BACKUP\nnopreempt\npriority 100",
        ),
        &[
            "preempt-delay-with-state-master",
            "nopreempt-with-weight",
            "nopreempt-on-lower-only",
        ],
    );
    // 1515: three directors; the first one takes the addresses back, the others are equal (as in 2323).
    let third = instance(&low);
    expect(
        &[instance(&high), third.clone(), third],
        &["nopreempt-after-boot", "equal-priorities"],
    );
    // hetzneronline/community-content 977: a bonus that a failure takes away leaves 200 against 100.
    expect(
        &[tracking("weight 101", "priority 200"), instance("priority 100")],
        &["weight-clamped", "weight-never-decides"],
    );
    // tcomerma/ansible-keepalived 4: a bonus of 2 on both sides.
    expect(
        &pair("weight 2", "priority 100", "priority 50"),
        &["weight-never-decides"],
    );
    // 1197: the address of the network as virtual address.
    let text = instance("priority 100").replace("192.0.2.80/24", "192.0.2.0/24");
    expect(&[text], &["vip-is-network-address"]);
}

/// What looks like those and is right.
#[test]
fn what_is_meant_is_not_found() {
    let pair = |weight: &str, one: &str, other: &str| [tracking(weight, one), tracking(weight, other)];
    for (weight, high, low) in [
        ("", 150, 100),
        ("weight -60", 150, 100),
        ("weight -51", 150, 100),
        ("weight 2", 101, 100),
        ("weight 60", 150, 100),
        ("weight -254", 150, 100),
        ("weight 60 reverse", 100, 150),
    ] {
        expect(
            &pair(weight, &format!("priority {high}"), &format!("priority {low}")),
            &[],
        );
    }
    // Two failures together decide.
    let two = |priority: u8| {
        let more = "vrrp_script db {\nscript /bin/false\nweight -30\n}\n";
        let text = tracking("weight -30", &format!("priority {priority}"));
        format!("{more}{}", text.replace("web\n}", "web\ndb\n}"))
    };
    expect(&[two(150), two(100)], &[]);
    // A third director is within reach.
    let three = |priority: u8| tracking("weight -20", &format!("priority {priority}"));
    expect(&[three(110), three(60), three(100)], &[]);
    expect(&[three(110), three(60), three(70)], &["weight-never-decides"]);
    // Nobody is preferred, on purpose.
    expect(
        &[
            instance("nopreempt\npriority 100"),
            instance("nopreempt\npriority 100"),
        ],
        &[],
    );
    // Each is the other's peer; interfaces have the names of their hosts.
    let unicast = |own: u8, peer: u8, priority: u8| {
        instance(&format!(
            "priority {priority}\nunicast_src_ip 192.0.2.{own}\nunicast_peer {{\n192.0.2.{peer}\n}}"
        ))
    };
    let other = unicast(2, 1, 90).replace("eth0", "ens3").replace("VI_1", "web");
    expect(&[unicast(1, 2, 100), other], &[]);
    // The owner has its own address.
    let owner = unicast(1, 2, 255).replace("192.0.2.80", "192.0.2.1");
    expect(&[owner], &[]);
    // An interface that is not here says nothing of prefixes.
    let elsewhere = instance("priority 100")
        .replace("eth0", "eth7")
        .replace("192.0.2.80/24", "203.0.113.9");
    expect(&[elsewhere], &[]);
    // What a file holds may be any number, and a process counts as a script does.
    let process = |weight: i16, priority: u8| {
        let lines = format!("priority {priority}\ntrack_process {{\nweb weight {weight}\n}}");
        format!(
            "vrrp_track_process web {{\nprocess nginx\n}}\n{}",
            instance(&lines)
        )
    };
    expect(&[process(-20, 150), process(-20, 100)], &["weight-never-decides"]);
    expect(&[process(-60, 150), process(-60, 100)], &[]);
    let file = |priority: u8| {
        let text = process(-20, priority).replace(
            "track_process {\nweb",
            "track_file {\nnumber weight 1\n}\ntrack_process {\nweb",
        );
        format!("track_file number {{\nfile /tmp/number\n}}\n{text}")
    };
    expect(&[file(150), file(100)], &[]);
    // A router closes its addresses, and a key may be in a file.
    let strict = |lines: &str| {
        format!(
            "global_defs {{\nvrrp_strict\nvrrp_version 3\n}}\n{}",
            instance(lines)
        )
    };
    expect(&[strict("priority 100")], &[]);
    let web = "accept\npriority 100\ntrack_script {\nweb\n}";
    let script = "vrrp_script web {\nscript /bin/true\n}\n";
    expect(&[format!("{script}{}", strict(web))], &[]);
    expect(
        &[format!("{script}{}", strict(web).replace("accept\n", ""))],
        &["strict-closes-vip"],
    );
    let hmac = |key: &str, more: &str, priority: u8| {
        instance(&format!(
            "priority {priority}\nauth_hmac {{\nkey 1 {key}\nactive_key 1\n{more}\n}}"
        ))
    };
    let (red, blue) = ("r".repeat(32), "b".repeat(32));
    expect(&[hmac(&red, "", 150), hmac(&red, "", 100)], &[]);
    expect(&[hmac(&red, "", 150), hmac(&blue, "", 100)], &["auth-differs"]);
    expect(
        &[hmac(&red, "", 150), instance("priority 100")],
        &["auth-differs"],
    );
    expect(
        &[hmac(&red, "mode permissive", 150), instance("priority 100")],
        &[],
    );
    expect(
        &[hmac(&red, "", 150), hmac(&red, "mode receive-only", 100)],
        &["auth-differs"],
    );
    expect(
        &[
            hmac(&red, "mode permissive", 150),
            hmac(&red, "mode receive-only", 100),
        ],
        &[],
    );
    // IPv6 begins with an address of the link.
    let text = instance("priority 100").replace("192.0.2.80/24", "fe80::80/64\n2001:db8:0:1::80/64");
    expect(&[text], &[]);
    // A quorum without consequences is never missed.
    let text = example(Code::QuorumNeverRegained).replace("sorry_server 198.51.100.99 80", "");
    expect(
        &[text.replace("quorum 2", "quorum 1").replace("hysteresis 1", "")],
        &[],
    );
    expect(&[text], &["sorry-server-missing"]);
    // Two masters that swap are two instances.
    let two = |one: u8, other: u8| {
        let second = instance(&format!("priority {other}"))
            .replace("VI_1", "VI_2")
            .replace("51", "52")
            .replace(".80", ".81");
        format!("{}{second}", instance(&format!("priority {one}")))
    };
    expect(&[two(150, 100), two(100, 150)], &[]);
}

#[test]
fn every_finding_says_all_that_it_should() {
    for code in Code::ALL {
        for finding in look(&site(&example(*code)).0) {
            for text in [&finding.about, &finding.message, &finding.effect, &finding.fix] {
                assert!(!text.is_empty(), "{finding:?}");
                assert!(!text.ends_with('.') && !text.contains('\n'), "{text}");
            }
            assert!(finding.place.is_some(), "{finding:?}");
        }
    }
}

#[test]
fn the_page_shows_what_is_said() {
    let path = root().join("docs/lint.md");
    let actual = page();
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(&path, &actual).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        wanted == actual,
        "UPDATE_GOLDENS=1 writes {} anew",
        path.display()
    );
}

#[test]
fn what_two_files_differ_in_has_a_place_in_both() {
    for code in Code::ALL {
        let text = example(*code);
        let (nodes, _) = site(&text);
        let [a, b] = nodes.as_slice() else { continue };
        let between = lint::pair(a, b);
        for finding in between.iter().filter(|finding| finding.code == *code) {
            let files: BTreeSet<PathBuf> = finding
                .place
                .iter()
                .chain(finding.related.iter().map(|(place, _)| place))
                .map(|place| place.file.as_ref().clone())
                .collect();
            assert_eq!(files.len(), 2, "{finding:?}");
        }
    }
}

#[test]
fn passwords_are_not_shown() {
    for code in [Code::AuthDiffers, Code::AuthPassTooLong, Code::AuthWithVersion3] {
        let shown = shown(code, &example(code)).to_lowercase();
        assert!(!shown.contains("sesame"), "{shown}");
    }
}

#[test]
fn the_shipped_examples_are_quiet() {
    for name in ["keepalived.conf.example", "pair.conf.example"] {
        let text = std::fs::read_to_string(root().join("etc").join(name)).unwrap();
        assert_eq!(codes(&text), [].into(), "{name}");
    }
    // The pair as the second file's comment asks for it, and the two identities of the first.
    let pair = std::fs::read_to_string(root().join("etc/pair.conf.example")).unwrap();
    let other = pair.replace("priority 100", "priority 90");
    assert_eq!(codes(&format!("{pair}### lb2.conf\n{other}")), [].into());
    let text = std::fs::read_to_string(root().join("etc/keepalived.conf.example")).unwrap();
    let nodes: Vec<Node> = ["lb1", "lb2"]
        .into_iter()
        .map(|id| {
            let options = ReadOptions {
                config_id: id.to_owned(),
                ..ReadOptions::default()
            };
            site_as(&text, &options).0.remove(0)
        })
        .collect();
    assert_eq!(look(&nodes), []);
}

/// Lines that may stand in an instance.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        (0u16..300).prop_map(|n| format!("priority {n}")),
        (0u16..300).prop_map(|n| format!("virtual_router_id {n}")),
        Just("state MASTER".to_owned()),
        Just("nopreempt".to_owned()),
        (0u32..100_000).prop_map(|n| format!("advert_int {}.{}", n / 100, n % 100)),
        Just("version 3".to_owned()),
        Just("authentication {\nauth_type PASS\nauth_pass abcdefghij\n}".to_owned()),
        (-300i32..300).prop_map(|n| format!("track_script {{\nweb weight {n} reverse\n}}")),
        (-300i32..300).prop_map(|n| format!("track_interface {{\neth1 weight {n}\n}}")),
        (0u8..3).prop_map(|n| format!("unicast_src_ip 192.0.2.{n}")),
        (0u8..3).prop_map(|n| format!("unicast_peer {{\n192.0.2.{n}\n}}")),
        (0u8..=255, 0u8..33).prop_map(|(n, p)| format!("virtual_ipaddress {{\n192.0.2.{n}/{p}\n}}")),
        (0u8..130).prop_map(|p| format!("virtual_ipaddress_excluded {{\n2001:db8::{p}/{p}\n}}")),
    ]
}

fn file() -> impl Strategy<Value = String> {
    let instance = (0u8..3, proptest::collection::vec(line(), 0..9)).prop_map(|(n, lines)| {
        format!(
            "vrrp_instance VI_{n} {{\ninterface eth{n}\n{}\n}}\n",
            lines.join("\n")
        )
    });
    let server = (0u8..3, 0u32..9, 0u32..9, 0u32..4).prop_map(|(n, quorum, hysteresis, weight)| {
        format!(
            "virtual_server 192.0.2.{n} 80 {{\nquorum {quorum}\nhysteresis {hysteresis}\nprotocol TCP\n\
             real_server 10.0.0.{n} 80 {{\nweight {weight}\n}}\n}}\n"
        )
    });
    let block = prop_oneof![4 => instance, 1 => server];
    (proptest::collection::vec(block, 0..5), any::<bool>()).prop_map(|(blocks, group)| {
        let group = if group {
            "vrrp_sync_group G {\ngroup {\nVI_0\nVI_1\n}\nsync_group_tracking_weight\n}\n"
        } else {
            ""
        };
        format!(
            "vrrp_script web {{\nscript /bin/true\nweight 9\n}}\n{group}{}",
            blocks.join("")
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_two_of_a_file_differ_in_nothing_but_priorities(a in file(), b in file(), c in file()) {
        let (nodes, sources) = site(&format!("{a}### lb2.conf\n{b}### lb3.conf\n{c}"));
        let found = look(&nodes);
        let mut out = Vec::new();
        lint::text(&found, &sources, &mut out).unwrap();
        let parsed: serde_json::Value = serde_json::from_str(&lint::json(&found, 1)).unwrap();
        prop_assert_eq!(parsed["findings"].as_array().unwrap().len(), found.len());

        let twins = site(&format!("{a}### lb2.conf\n{a}")).0;
        let [one, other] = twins.as_slice() else { unreachable!() };
        for finding in lint::pair(one, other) {
            prop_assert!(
                matches!(
                    finding.code,
                    Code::EqualPriorities | Code::TwoOwners | Code::SourceSame | Code::UnicastAsymmetric
                        | Code::NopreemptWithWeight | Code::VipIsPeerAddress
                ),
                "{finding:?}"
            );
        }
    }
}

/// The program on files of these texts.
fn program(files: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String, String) {
    let number = std::process::id();
    let dir = std::env::temp_dir().join(format!(
        "steadfast-lint-{number}-{}",
        args.join("").replace('/', "")
    ));
    std::fs::create_dir_all(&dir).unwrap();
    for (name, text) in files {
        std::fs::write(dir.join(name), text).unwrap();
    }
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_steadfast"))
        .args(["config", "lint"])
        .args(args)
        .current_dir(&dir)
        .output()
        .unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (run.status.code(), text(run.stdout), text(run.stderr))
}

const PLAIN: &str = "vrrp_instance VI_1 {\n interface nowhere0\n virtual_router_id 51\n priority 100\n \
                     virtual_ipaddress {\n  192.0.2.80/24\n }\n}\n";

#[test]
fn the_status_tells_whether_there_is_anything() {
    let other = PLAIN.replace("priority 100", "priority 90");
    let files = [("a", PLAIN), ("b", other.as_str())];
    assert_eq!(program(&files, &["a"]), (Some(0), String::new(), String::new()));
    assert_eq!(
        program(&files, &["a", "b"]),
        (Some(0), String::new(), String::new())
    );

    let wrong = PLAIN.replace("51", "52");
    let (code, out, err) = program(&[("a", PLAIN), ("b", &wrong)], &["a", "b"]);
    assert_eq!((code, err.as_str()), (Some(1), ""));
    assert!(out.contains("error[vrid-differs]: VI_1"), "{out}");
    assert!(out.contains("--> a:3:20") && out.contains("--> b:3:20"), "{out}");

    for (text, args, said) in [
        ("", ["a", "nowhere"], "nowhere cannot be read"),
        ("vrrp_instance X {\n", ["a", "a"], "'}'"),
        (
            "vrrp_instance X {\n interface eth0\n}\n",
            ["a", "a"],
            "virtual router id must be set",
        ),
    ] {
        let (code, out, err) = program(&[("a", text)], &args);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{text}");
        assert!(err.contains(said), "{err}");
    }
}

#[test]
fn tools_get_one_document() {
    let wrong = PLAIN.replace("51", "52");
    let (code, out, _) = program(&[("a", PLAIN), ("b", &wrong)], &["--format", "json", "a", "b"]);
    let read: serde_json::Value = serde_json::from_str(&out).unwrap();
    let first = |member: &str| read["findings"][0][member].clone();
    assert_eq!((code, read["exit"].as_i64()), (Some(1), Some(1)));
    assert_eq!(
        (first("code"), first("severity")),
        ("vrid-differs".into(), "error".into())
    );
    assert_eq!(
        (first("file"), first("line"), first("column")),
        ("a".into(), 3.into(), 20.into())
    );
    assert_eq!(first("related")[0]["file"], "b");
    assert_eq!(first("about"), "vrrp_instance VI_1");
    let (code, out, _) = program(&[("a", PLAIN)], &["--format", "json", "a"]);
    let read: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, read["findings"].as_array().unwrap().len()), (Some(0), 0));
}

#[test]
fn a_strict_test_has_the_findings_of_its_file() {
    let text = example(Code::QuorumNeverRegained);
    let path = std::env::temp_dir().join(format!("steadfast-strict-{}.conf", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let test = |more: &[&str]| {
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_steadfast"))
            .args(["-t", "-f"])
            .arg(&path)
            .args(more)
            .output()
            .unwrap();
        (run.status.code(), String::from_utf8(run.stderr).unwrap())
    };
    assert_eq!(test(&[]), (Some(0), String::new()));
    let (code, said) = test(&["--strict"]);
    assert_eq!(code, Some(5));
    assert!(said.contains("note[quorum-never-regained]"), "{said}");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn directors_may_share_a_file() {
    let shared = PLAIN.replace(
        " priority 100\n",
        "@lb1 priority 150\n@lb2 priority 150\n@lb3 priority 90\n",
    );
    let (code, out, _) = program(&[("a", &shared)], &["-i", "lb1", "-i", "lb2", "a"]);
    assert_eq!(code, Some(1));
    assert!(out.contains("equal-priorities"), "{out}");
    assert!(out.contains("a as lb2"), "{out}");
    assert_eq!(
        program(&[("a", &shared)], &["-i", "lb1", "-i", "lb3", "a"]).0,
        Some(0)
    );
    // One for each file.
    let files = [("a", shared.as_str()), ("b", shared.as_str())];
    assert_eq!(program(&files, &["-i", "lb1", "-i", "lb3", "a", "b"]).0, Some(0));
    assert_eq!(program(&files, &["-i", "lb1", "a", "b"]).0, Some(1));
    let (code, _, err) = program(&files, &["-i", "lb1", "-i", "lb2", "-i", "lb3", "a", "b"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("3 identities for 2 files"), "{err}");
}
