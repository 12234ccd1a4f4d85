//! Configurations and what is made of them: `tests/conf/NAME.conf` → `NAME.diag` (every diagnostic as a user sees it,
//! and the exit status of `-t`) and, where there is one, `NAME.out` (the effective configuration). What is printed
//! must mean the same plan again, always.
//!
//! `UPDATE_GOLDENS=1 cargo test --test conf` writes the expectations anew: read the difference before it is
//! committed. A new NAME.out begins as an empty file.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails here has found something"
)]

#[path = "conf/trees.rs"]
mod trees;

use proptest::prelude::*;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use steadfast::conf::keyword::{self, Block, Status};
use steadfast::conf::{self, ReadOptions, Reading, diag::Diagnostic};
use steadfast::net::{Cidr, IfIndex, IfName, InterfaceAddress, InterfaceStatus};
use steadfast::plan::{self, Host, Plan, ScriptRefusal};

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

/// lo, eth0 and eth1; the scripts in /usr/bin and /usr/local/libexec exist, no others.
fn host(reading: &Reading) -> Host {
    let commands = plan::commands(&reading.config).into_iter();
    let missing = commands.filter(|command| {
        let program = command.program();
        !program.starts_with("/usr/bin/") && !program.starts_with("/usr/local/libexec/")
    });
    Host {
        interfaces: vec![
            interface(1, "lo", "127.0.0.1"),
            interface(2, "eth0", "192.0.2.1"),
            interface(3, "eth1", "198.51.100.2"),
        ],
        refused: missing
            .map(|command| (command, ScriptRefusal::NotFound))
            .collect(),
        reasons: Default::default(),
        unknown_accounts: Vec::new(),
        mail_server_unknown: false,
        ..Host::default()
    }
}

fn options() -> ReadOptions {
    ReadOptions {
        config_id: "lb1".to_owned(),
        test: true,
        ..ReadOptions::default()
    }
}

fn load(name: &Path, text: &str) -> (Reading, Plan, Vec<Diagnostic>) {
    let reading = conf::read_str(name, text, &options());
    let (plan, more) = plan::build(&reading.config, &host(&reading));
    let mut all: Vec<Diagnostic> = reading.diagnostics.iter().cloned().chain(more).collect();
    conf::diag::sort(&mut all, &reading.sources);
    conf::diag::name_once(&mut all);
    conf::hint::add(&mut all, &reading.sources);
    (reading, plan, all)
}

/// One line a diagnostic, and the exit status.
fn describe(diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        writeln!(out, "{:?} {diagnostic}", diagnostic.class).unwrap();
        if let Some(help) = &diagnostic.help {
            writeln!(out, "    help: {help}").unwrap();
        }
    }
    writeln!(out, "exit {}", plan::exit_code(diagnostics)).unwrap();
    out
}

fn check_golden(path: &Path, actual: &str) {
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(path, actual).unwrap();
    }
    let wanted = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        wanted,
        actual,
        "{} differs; UPDATE_GOLDENS=1 writes it anew",
        path.display()
    );
}

/// What is printed means the same plan, prints the same, and would change nothing.
fn check_print(plan: &Plan) -> String {
    let printed = plan::print::print(plan, true);
    let (_, again, diagnostics) = load(Path::new("printed.conf"), &printed);
    assert_eq!(*plan, again, "{printed}\n{}", describe(&diagnostics));
    assert_eq!(plan::print::print(&again, true), printed);
    let diff = plan::diff::diff(plan, &again);
    assert!(diff.is_empty(), "{}", diff.text());
    printed
}

/// The table of keywords for users.
fn keywords() -> String {
    let mut blocks: Vec<Block> = keyword::all().map(|keyword| keyword.block).collect();
    blocks.sort();
    blocks.dedup();
    let own: Vec<_> = keyword::own()
        .map(|keyword| (keyword.block, keyword.name))
        .collect();
    let list = |block: Block, status: Status| {
        let words: Vec<String> = keyword::all()
            .filter(|keyword| (keyword.block, keyword.status) == (block, status))
            .filter(|keyword| !own.contains(&(keyword.block, keyword.name)))
            .map(|keyword| format!("`{}`", keyword.name))
            .collect();
        words.join(" ")
    };
    let theirs = |keyword: &&keyword::Keyword| !own.contains(&(keyword.block, keyword.name));
    let count = |status| {
        keyword::all()
            .filter(theirs)
            .filter(|keyword| keyword.status == status)
            .count()
    };
    let mut out = format!(
        "# Keywords\n\n\
         Every keyword of keepalived 2.4.3's language is known: {} have their effect, {} have none yet, and are named with\n\
         their place by `-t` and in the log. In a block that has no effect, nothing has. The list is made from the \
         program's table\n(`UPDATE_GOLDENS=1 cargo test --test conf`), and a test keeps it true.\n",
        count(Status::Acted),
        count(Status::NotYet)
    );
    for block in blocks {
        writeln!(out, "\n## {}\n", block.name()).unwrap();
        if !block.includes().is_empty() {
            let names: Vec<_> = block.includes().iter().map(|block| block.name()).collect();
            writeln!(out, "All of {}, and:\n", names.join(", ")).unwrap();
        }
        let names = own
            .iter()
            .filter(|(of, _)| *of == block)
            .map(|(_, name)| format!("`{name}`"));
        let names: Vec<String> = names.collect();
        if !names.is_empty() {
            writeln!(
                out,
                "- steadfast's own, unknown to keepalived: {}",
                names.join(" ")
            )
            .unwrap();
        }
        for (status, title) in [(Status::Acted, "effective"), (Status::NotYet, "not yet")] {
            let words = list(block, status);
            if !words.is_empty() {
                writeln!(out, "- {title}: {words}").unwrap();
            }
        }
    }
    out
}

/// Those without effect, for the page of differences.
fn not_yet() -> String {
    let mut out = String::new();
    for block in keyword::help::blocks() {
        let words: Vec<String> = keyword::all()
            .filter(|keyword| (keyword.block, keyword.status) == (block, Status::NotYet))
            .map(|keyword| format!("`{}`", keyword.name))
            .collect();
        if !words.is_empty() {
            writeln!(out, "- {}: {}", block.name(), words.join(" ")).unwrap();
        }
    }
    out
}

#[test]
fn what_has_no_effect_yet_is_a_known_difference() {
    const BEGIN: &str = "<!-- made from the table of keywords -->\n";
    const END: &str = "<!-- until here -->";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    check_golden(&path, &format!("{before}{BEGIN}{}{END}{after}", not_yet()));
}

#[test]
fn the_keywords_are_documented() {
    check_golden(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keywords.md"),
        &keywords(),
    );
}

#[test]
fn goldens() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conf");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
    files.sort();
    assert!(files.len() >= 60, "{files:?}");
    for path in files {
        let name = Path::new(path.file_name().unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        let (reading, plan, diagnostics) = load(name, &text);
        let mut shown = Vec::new();
        conf::diag::render_terminal(&diagnostics, &reading.sources, &mut shown).unwrap();
        let shown = String::from_utf8(shown).unwrap();
        for place in diagnostics
            .iter()
            .filter_map(|diagnostic| diagnostic.place.as_ref())
        {
            let place = format!("{}:{}:{}", place.file.display(), place.line, place.column);
            assert!(shown.contains(&place), "{place} is not shown in\n{shown}");
        }
        let exit = plan::exit_code(&diagnostics);
        check_golden(&path.with_extension("diag"), &format!("{shown}exit {exit}\n"));
        let printed = check_print(&plan);
        if path.with_extension("out").exists() {
            check_golden(&path.with_extension("out"), &printed);
        }
    }
}

/// As found in the wild: keepalived 2.2.7 ends with 6 on it where eth0, eth1 and /usr/bin/killall exist.
#[test]
fn the_wild_sample_is_understood() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conf/wild.conf");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, plan, diagnostics) = load(Path::new("wild.conf"), &text);
    let unknown = |d: &&Diagnostic| d.class == conf::diag::Class::UnknownKeyword;
    assert_eq!(diagnostics.iter().find(unknown), None);
    assert_eq!(plan::exit_code(&diagnostics), 6);
    assert_eq!(plan.vrrp.routers.len(), 1);
    assert_eq!(plan.vrrp.routers[0].vips.len(), 2);
    assert_eq!(plan.vrrp.groups[0].members, ["VI_1"]);
    assert_eq!(plan.check.services[0].real_servers.len(), 2);
}

#[test]
fn the_least_example_is_a_clean_pair() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("etc/pair.conf.example");
    let reading = conf::read(&path, &options());
    let (plan, more) = plan::build(&reading.config, &host(&reading));
    let all: Vec<Diagnostic> = reading.diagnostics.iter().cloned().chain(more).collect();
    assert_eq!(describe(&all), "exit 0\n");
    assert_eq!(plan.vrrp.routers.len(), 1);
    assert_eq!(plan.vrrp.routers[0].vips.len(), 1);
}

#[test]
fn the_example_is_complete_and_clean() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("etc/keepalived.conf.example");
    for id in ["lb1", "lb2", "any"] {
        let options = ReadOptions {
            config_id: id.to_owned(),
            ..options()
        };
        let reading = conf::read(&path, &options);
        assert!(reading.found);
        let (plan, more) = plan::build(&reading.config, &host(&reading));
        let all: Vec<Diagnostic> = reading.diagnostics.iter().cloned().chain(more).collect();
        assert_eq!(describe(&all), "exit 0\n");
        assert_eq!((plan.vrrp.routers.len(), plan.check.services.len()), (2, 2));
        assert_eq!(
            plan.vrrp.routers[0].priority.0,
            if id == "lb1" { 150 } else { 100 }
        );
        let keywords: Vec<&str> = plan
            .check
            .services
            .iter()
            .flat_map(|server| &server.real_servers)
            .flat_map(|real| &real.checkers)
            .map(|checker| checker.probe.keyword())
            .collect();
        for checker in ["TCP_CHECK", "HTTP_GET", "SSL_GET", "MISC_CHECK"] {
            assert!(keywords.contains(&checker), "{checker}");
        }
        check_print(&plan);
    }
}

#[test]
fn secrets_are_masked() {
    let text = "vrrp_instance A {\n interface eth0\n virtual_router_id 1\n authentication {\n auth_type PASS\n \
                auth_pass hunter22\n }\n virtual_ipaddress {\n 192.0.2.9\n }\n}\n";
    let (_, plan, _) = load(Path::new("t"), text);
    assert!(plan::print::print(&plan, true).contains("hunter22"));
    assert!(!plan::print::print(&plan, false).contains("hunter22"));
    assert!(!format!("{plan:?}").contains("hunter22"));
}

#[test]
fn passwords_of_checkers_are_masked() {
    for checker in [
        "FTP_CHECK",
        "LDAP_CHECK",
        "NNTP_CHECK",
        "POP3_CHECK",
        "IMAP_CHECK",
        "MYSQL_CHECK",
        "PGSQL_CHECK",
        "REDIS_CHECK",
        "WEB_CHECK",
    ] {
        let text = format!(
            "virtual_server 192.0.2.1 80 {{\n protocol TCP\n lb_kind DR\n real_server 192.0.2.2 80 {{\n {checker} {{\n \
             username probe\n password hunter22\n }}\n }}\n}}\n"
        );
        let (reading, plan, _) = load(Path::new("t"), &text);
        assert!(plan::print::print(&plan, true).contains("hunter22"));
        assert!(!plan::print::print(&plan, false).contains("hunter22"));
        assert!(!format!("{plan:?} {:?}", reading.config).contains("hunter22"));
    }
}

#[test]
fn secrets_of_requests_are_masked() {
    for checker in [
        "WEB_CHECK {\n header Authorization hunter22",
        "WEBSOCKET_CHECK {\n header Authorization hunter22",
        "RADIUS_CHECK {\n secret hunter22",
        "RADIUS_CHECK {\n secret s\n username probe\n password hunter22",
    ] {
        let text = format!(
            "virtual_server 192.0.2.1 80 {{\n protocol TCP\n lb_kind DR\n real_server 192.0.2.2 80 {{\n {checker}\n }}\n }}\n}}\n"
        );
        let (reading, plan, _) = load(Path::new("t"), &text);
        assert!(plan::print::print(&plan, true).contains("hunter22"), "{checker}");
        assert!(
            !plan::print::print(&plan, false).contains("hunter22"),
            "{checker}"
        );
        assert!(!format!("{plan:?} {:?}", reading.config).contains("hunter22"));
    }
}

/// Words that make many kinds of lines, some right, most wrong.
fn words() -> impl Strategy<Value = String> {
    let known = keyword::all().map(|keyword| keyword.name).collect::<Vec<_>>();
    prop_oneof![
        6 => prop::sample::select(known).prop_map(str::to_owned),
        3 => prop::sample::select(vec!["{", "}", "\n", "\n", "\n", "\"", "'", "#", "!", "\\", "@lb1", "$A=", "$A", "${A}", "${", "~SEQ(I, 3)", "~LST(B, x, y)", "$"])
            .prop_map(str::to_owned),
        3 => prop::sample::select(vec!["A", "eth0", "192.0.2.5", "192.0.2.5/24", "fe80::1", "80", "0", "255", "-1", "1.5", "99999999999", "MASTER", "PASS", "NAT", "rr", "weight", "dev", "true", "/usr/bin/true"])
            .prop_map(str::to_owned),
        1 => "\\PC{0,12}",
    ]
}

/// The files of `tests/conf` and the example.
fn samples() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = std::fs::read_dir(root.join("tests/conf")).unwrap();
    let files = dir.map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "conf"));
    let mut out: Vec<String> = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    out.push(std::fs::read_to_string(root.join("etc/keepalived.conf.example")).unwrap());
    out.sort();
    out
}

fn damage(text: &mut Vec<u8>, kind: u8, at: prop::sample::Index, byte: u8) {
    if text.is_empty() {
        return;
    }
    let at = at.index(text.len());
    let end = text[at..]
        .iter()
        .position(|c| *c == b'\n')
        .map_or(text.len(), |more| at + more + 1);
    match kind {
        0 => text.truncate(at),
        1 => text[at] = byte,
        2 => text.insert(at, byte),
        // The rest of a line goes, or comes twice, or many times.
        3 => drop(text.drain(at..end)),
        4 => drop(text.splice(at..at, text[at..end].to_vec())),
        5 => drop(text.splice(at..at, text[at..end].repeat(50))),
        // A brace goes.
        _ => {
            if let Some(brace) = text[at..].iter().position(|c| matches!(c, b'{' | b'}')) {
                text.remove(at + brace);
            }
        }
    }
}

/// Formatting refuses, or means the same to every identity and is final.
fn check_format(text: &str) {
    let Ok(formatted) = conf::fmt::format(text) else {
        return;
    };
    assert_eq!(
        conf::fmt::format(&formatted).as_ref(),
        Ok(&formatted),
        "twice is once"
    );
    for id in ["lb1", "lb2"] {
        let options = ReadOptions {
            config_id: id.to_owned(),
            ..options()
        };
        let plan = |text: &str| {
            let reading = conf::read_str(Path::new("t.conf"), text, &options);
            let (plan, more) = plan::build(&reading.config, &host(&reading));
            let mut classes: Vec<_> = reading
                .diagnostics
                .iter()
                .chain(&more)
                .map(|found| found.class)
                .collect();
            classes.sort();
            (plan, classes)
        };
        assert_eq!(
            plan(text),
            plan(&formatted),
            "for {id}:\n{text}\n=> \n{formatted}"
        );
    }
}

/// The same text as another hand would have typed it.
fn reshape(text: &str, shapes: &[(prop::sample::Index, u8)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (at, shape) in shapes {
        if lines.is_empty() {
            break;
        }
        let at = at.index(lines.len());
        let line = lines[at].clone();
        match shape {
            0 => lines[at] = format!("\t {line}  \r"),
            1 => lines[at] = line.replace(" {", "{"),
            2 => lines[at] = line.replace(" {", "\n\n{"),
            3 => lines[at] = line.replace(' ', "  "),
            4 => lines[at] = format!("{line} # {{ }} \""),
            5 => lines.insert(at, String::new()),
            6 => lines.insert(at, "! a comment".to_owned()),
            7 => lines[at] = format!("@lb1 {line}"),
            // Two lines become one where a brace ends or begins one.
            _ if at + 1 < lines.len()
                && !line.contains('#')
                && (line.ends_with('{') || lines[at + 1].trim() == "}") =>
            {
                let next = lines.remove(at + 1);
                lines[at] = format!("{line} {}", next.trim());
            }
            _ => {}
        }
    }
    lines.join("\n")
}

#[test]
fn samples_stay_what_they_are_when_formatted() {
    let mut formatted = 0;
    for text in samples() {
        check_format(&text);
        formatted += usize::from(conf::fmt::format(&text).is_ok());
    }
    assert!(formatted >= 5, "only {formatted} could be formatted");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("etc");
    for name in ["keepalived.conf.example", "pair.conf.example"] {
        let text = std::fs::read_to_string(example.join(name)).unwrap();
        assert_eq!(
            conf::fmt::format(&text).unwrap(),
            text,
            "{name} is in its usual form"
        );
    }
}

/// The property below is about something: most trees can be formatted, and change when they are.
#[test]
fn generated_trees_are_formatted() {
    let texts: Vec<String> = (0..200).map(|seed| trees::text(seed * 7_919 + 3)).collect();
    let formatted: Vec<_> = texts
        .iter()
        .filter_map(|text| Some((text, conf::fmt::format(text).ok()?)))
        .collect();
    let changed = formatted
        .iter()
        .filter(|(text, formatted)| *text != formatted)
        .count();
    assert!(
        formatted.len() > 150 && changed > 140,
        "{} of 200, {changed} changed",
        formatted.len()
    );
    let planned = texts
        .iter()
        .filter(|text| load(Path::new("t"), text).1 != Plan::default())
        .count();
    assert!(planned > 100, "{planned} make a plan");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_or_hangs(parts in prop::collection::vec(words(), 0..80)) {
        let text = parts.join(" ");
        let (reading, plan, diagnostics) = load(Path::new("t.conf"), &text);
        let mut out = Vec::new();
        conf::diag::render_terminal(&diagnostics, &reading.sources, &mut out).unwrap();
        check_print(&plan);
    }

    #[test]
    fn formatting_generated_trees_changes_no_plan(seed in any::<u64>()) {
        let text = trees::text(seed);
        check_format(&text);
    }

    #[test]
    fn formatting_soup_changes_no_plan(parts in prop::collection::vec(words(), 0..80)) {
        check_format(&parts.join(" "));
    }

    #[test]
    fn formatting_what_people_type_changes_no_plan(
        which in any::<prop::sample::Index>(),
        damages in prop::collection::vec((0..7_u8, any::<prop::sample::Index>(), any::<u8>()), 0..3),
        shapes in prop::collection::vec((any::<prop::sample::Index>(), 0..9_u8), 0..30),
    ) {
        let texts = samples();
        let mut text = which.get(&texts).clone().into_bytes();
        for (kind, at, byte) in damages {
            damage(&mut text, kind, at, byte);
        }
        check_format(&reshape(&String::from_utf8_lossy(&text), &shapes));
    }

    /// What people have typed, damaged: nothing of it may stop the reading, and what is left must mean what it prints.
    #[test]
    fn no_damage_panics_or_hangs(
        which in any::<prop::sample::Index>(),
        damages in prop::collection::vec((0..7_u8, any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let texts = samples();
        let mut text = which.get(&texts).clone().into_bytes();
        for (kind, at, byte) in damages {
            damage(&mut text, kind, at, byte);
        }
        let text = String::from_utf8_lossy(&text);
        let (reading, plan, diagnostics) = load(Path::new("t.conf"), &text);
        let mut out = Vec::new();
        conf::diag::render_terminal(&diagnostics, &reading.sources, &mut out).unwrap();
        check_print(&plan);
    }

    #[test]
    fn no_bytes_panic_or_hang(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        load(Path::new("t.conf"), &String::from_utf8_lossy(&bytes));
    }
}
