//! The layers of `src/lib.rs`, enforced: who may import whom, what deciding code may not name, and the form of files.
//!
//! The source is read as text: comments, literals and test code are removed, then every path that starts at `crate`, `super`,
//! `self`, `std` or another crate is looked up in [`ROOMS`]. Test modules (`tests.rs`, `testing.rs`, folders of those
//! names, `#[cfg(test)]`) may import what they like.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on"
)]

use std::fmt::Write;
use std::path::Path;

/// A room, by its module path; the longest one that fits a module counts.
struct Room {
    path: &'static str,
    kind: Kind,
    /// Whom it may import besides itself, by module path.
    may: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Decides: no sockets, files, processes, clocks, runtime.
    Pure,
    /// Does.
    Edge,
    /// Brings both together.
    Top,
}

const fn room(path: &'static str, kind: Kind, may: &'static [&'static str]) -> Room {
    Room { path, kind, may }
}

/// The table of `src/lib.rs`. A room may always import itself (a pure one: its own pure part) and layer 0.
const ROOMS: &[Room] = &[
    // layer 0
    room("change", Kind::Pure, &[]),
    room("clock", Kind::Pure, &[]),
    room("masters", Kind::Pure, &[]),
    room("net", Kind::Pure, &[]),
    room("random", Kind::Pure, &[]),
    // layer 1
    room("script::config", Kind::Pure, &[]),
    room("track::config", Kind::Pure, &["script::config"]),
    room("notify::config", Kind::Pure, &["script::config"]),
    room("ipvs", Kind::Pure, &[]),
    room("vrrp", Kind::Pure, &["script::config"]),
    room("bfd", Kind::Pure, &[]),
    room("netlink", Kind::Pure, &[]),
    room("netfilter", Kind::Pure, &[]),
    // layer 2
    room(
        "check",
        Kind::Pure,
        &["ipvs::config", "ipvs::model", "script::config"],
    ),
    // layer 3
    room("conf", Kind::Pure, CONFIGS),
    room("conf::source", Kind::Edge, &["conf"]),
    room("conf::glob", Kind::Edge, &["conf"]),
    // layer 4
    room(
        "plan",
        Kind::Pure,
        &[
            "script::config",
            "track::config",
            "notify::config",
            "ipvs",
            "vrrp",
            "netlink",
            "check",
            "bfd",
            "conf",
        ],
    ),
    // layer 5
    room(
        "lint",
        Kind::Pure,
        &[
            "script::config",
            "track::config",
            "notify::config",
            "ipvs",
            "vrrp",
            "netlink",
            "check",
            "bfd",
            "conf",
            "plan",
        ],
    ),
    // edges
    room("sys", Kind::Edge, &[]),
    room("script", Kind::Edge, &["sys"]),
    room("vrrp::io", Kind::Edge, &["vrrp", "sys", "script"]),
    room("bfd::io", Kind::Edge, &["bfd", "sys", "script"]),
    room("ipvs::io", Kind::Edge, &["ipvs", "sys", "script"]),
    room("ipvs::keeper", Kind::Edge, &["ipvs", "sys", "script"]),
    room("ipvs::steward", Kind::Edge, &["ipvs", "sys", "script"]),
    room("netlink::monitor", Kind::Edge, &["netlink", "sys", "script"]),
    room("netlink::sysctl", Kind::Edge, &["netlink", "sys", "script"]),
    room("netlink::apply", Kind::Edge, &["netlink", "sys", "script"]),
    room("netfilter::io", Kind::Edge, &["netfilter", "sys", "script"]),
    room("check::probe", Kind::Edge, &["check", "sys", "script"]),
    room("track", Kind::Edge, &["sys", "script"]),
    room("notify", Kind::Edge, &["vrrp::event", "sys", "script"]),
    // top
    room("daemon", Kind::Top, &[]),
    room("cli", Kind::Top, &[]),
    room("main", Kind::Top, &[]),
    room("lib", Kind::Top, &[]),
];

/// What `conf` lowers into.
const CONFIGS: &[&str] = &[
    "script::config",
    "track::config",
    "notify::config",
    "ipvs::config",
    "ipvs::model",
    "vrrp::config",
    "vrrp::id",
    "vrrp::VrrpConfig",
    "vrrp::Priority",
    "vrrp::Vrid",
    "check::config",
    "check::CheckConfig",
];

/// What pure code never names.
const FORBIDDEN: &[&str] = &[
    "tokio",
    "tokio_openssl",
    "openssl",
    "socket2",
    "rtnetlink",
    "reqwest",
    "h2",
    "nix",
    "libc",
    "tracing",
    "std::fs",
    "std::process",
    "std::thread",
    "std::env",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::os::unix::net",
    "std::time::Instant",
    "std::time::SystemTime",
];

/// And where it may all the same: module, name.
const PERMITTED: &[(&str, &str)] = &[
    // The structures of messages, without a socket.
    ("netlink", "rtnetlink::packet_route"),
    ("netlink", "rtnetlink::packet_core"),
    // `${_ENV NAME}` is a part of the text like an included file.
    ("conf::expand", "std::env::var"),
];

/// The longest file, in lines.
const LONGEST: usize = 800;

#[test]
fn the_house_keeps_its_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 20, "the source was found");
    let mut complaints = String::new();
    for file in files {
        let path = file
            .strip_prefix(&root)
            .expect("below src")
            .to_str()
            .expect("text")
            .to_owned();
        let source = std::fs::read_to_string(&file).expect("readable");
        for complaint in examine(&path, &source) {
            // Writing to a String cannot fail.
            let _ = writeln!(complaints, "src/{path}: {complaint}");
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

fn collect(dir: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Everything that is wrong with a file; `path` is relative to `src`.
fn examine(path: &str, source: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let lines = source.lines().count();
    if lines > LONGEST {
        complaints.push(format!("{lines} lines; {LONGEST} is the limit"));
    }
    let module = module_of(path);
    if module.iter().any(|part| part == "tests" || part == "testing") {
        return complaints;
    }
    if !source.starts_with("//!") {
        complaints.push("the first line does not say what the module is (`//! …`)".to_owned());
    }
    let Some(own) = room_of(&module.join("::")) else {
        complaints.push("belongs to no room of the table in tests/architecture.rs".to_owned());
        return complaints;
    };
    let tokens = without_tests(lex(source));
    let unsafe_home = module.first().is_some_and(|room| room == "sys");
    if !unsafe_home
        && tokens
            .iter()
            .any(|token| token == "unsafe" || token == "unsafe_code")
    {
        complaints.push("`unsafe` outside `sys`".to_owned());
    }
    for used in paths(&tokens, &module) {
        match used.strip_prefix("crate::") {
            Some(target) => complaints.extend(import(own, target)),
            None => {
                let named = FORBIDDEN.iter().any(|name| below(&used, name));
                let permitted = PERMITTED
                    .iter()
                    .any(|(user, name)| below(&module.join("::"), user) && below(&used, name));
                if own.kind == Kind::Pure && named && !permitted {
                    complaints.push(format!("deciding code names `{used}`"));
                }
            }
        }
    }
    complaints.sort();
    complaints.dedup();
    complaints
}

/// `vrrp/io/rx.rs` → `vrrp`, `io`, `rx`.
fn module_of(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    path.split('/').map(str::to_owned).collect()
}

/// Whether `path` is `prefix` or below it.
fn below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn room_of(path: &str) -> Option<&'static Room> {
    ROOMS
        .iter()
        .filter(|room| below(path, room.path))
        .max_by_key(|room| room.path.len())
}

fn import(own: &Room, target: &str) -> Option<String> {
    if own.kind == Kind::Top {
        return None;
    }
    let Some(theirs) = room_of(target) else {
        return Some(format!("imports `{target}`, which is no room"));
    };
    // Reading files is all that makes `conf::source` an edge.
    let reader = own.path == "conf" && below(target, "conf");
    if own.kind == Kind::Pure && theirs.kind != Kind::Pure && !reader {
        return Some(format!(
            "deciding code of `{}` imports the edge `{target}`",
            own.path
        ));
    }
    let layer_0 = ["change", "clock", "masters", "net", "random"]
        .iter()
        .any(|room| below(target, room));
    let allowed = layer_0 || below(target, own.path) || own.may.iter().any(|may| below(target, may));
    (!allowed).then(|| format!("`{}` imports `{target}`", own.path))
}

/// Words, `::` and single signs; comments, literals and lifetimes left out.
fn lex(source: &str) -> Vec<String> {
    let chars: Vec<char> = source.chars().collect();
    let at = |n: usize| chars.get(n).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut n = 0;
    while n < chars.len() {
        let c = at(n);
        if c == '/' && at(n + 1) == '/' {
            while n < chars.len() && at(n) != '\n' {
                n += 1;
            }
        } else if c == '/' && at(n + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(n), at(n + 1)) {
                    ('/', '*') => (depth, n) = (depth + 1, n + 2),
                    ('*', '/') => (depth, n) = (depth - 1, n + 2),
                    _ => n += 1,
                }
                if depth == 0 || n >= chars.len() {
                    break;
                }
            }
        } else if c == 'r' && (at(n + 1) == '"' || at(n + 1) == '#') && raw_string(&chars, n).is_some() {
            n = raw_string(&chars, n).expect("just seen");
        } else if c == '"' {
            n += 1;
            while n < chars.len() && at(n) != '"' {
                n += if at(n) == '\\' { 2 } else { 1 };
            }
            n += 1;
        } else if c == '\'' {
            // A lifetime is a quote and a word without a closing quote.
            if at(n + 1) == '\\' {
                n += 3;
                while n < chars.len() && at(n) != '\'' {
                    n += 1;
                }
                n += 1;
            } else if at(n + 2) == '\'' {
                n += 3;
            } else {
                n += 1;
            }
        } else if c.is_alphanumeric() || c == '_' {
            let start = n;
            while at(n).is_alphanumeric() || at(n) == '_' {
                n += 1;
            }
            tokens.push(chars[start..n].iter().collect());
        } else if c == ':' && at(n + 1) == ':' {
            tokens.push("::".to_owned());
            n += 2;
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            n += 1;
        }
    }
    tokens
}

/// The place after a raw string that begins at `n`.
fn raw_string(chars: &[char], n: usize) -> Option<usize> {
    let hashes = chars[n + 1..].iter().take_while(|&&c| c == '#').count();
    let mut end = n + 1 + hashes;
    if chars.get(end) != Some(&'"') {
        return None;
    }
    loop {
        end += 1;
        match chars.get(end) {
            None => return Some(end),
            Some('"')
                if chars[end + 1..]
                    .iter()
                    .take(hashes)
                    .filter(|&&c| c == '#')
                    .count()
                    == hashes =>
            {
                return Some(end + 1 + hashes);
            }
            Some(_) => {}
        }
    }
}

/// Removes every item under `#[cfg(test)]`.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    let mark = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut n = 0;
    while n < tokens.len() {
        if !tokens[n..].iter().map(String::as_str).take(mark.len()).eq(mark) {
            kept.push(tokens[n].clone());
            n += 1;
            continue;
        }
        n += mark.len();
        let mut depth = 0;
        while n < tokens.len() {
            let token = tokens[n].as_str();
            n += 1;
            match token {
                "{" => depth += 1,
                "}" if depth == 1 => break,
                "}" => depth -= 1,
                ";" if depth == 0 => break,
                _ => {}
            }
        }
    }
    kept
}

/// All paths, as `crate::a::b` or `other_crate::a::b`, with the trees of `use` spelled out.
fn paths(tokens: &[String], module: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut n = 0;
    while n < tokens.len() {
        // `use<>` in a type captures lifetimes; it imports nothing.
        if tokens[n] == "use" && tokens.get(n + 1).is_none_or(|next| next != "<") {
            n += 1;
            tree(tokens, &mut n, &[], &mut found);
        } else if is_word(&tokens[n]) && (n == 0 || tokens[n - 1] != "::") {
            let mut path = vec![tokens[n].clone()];
            n += 1;
            while n + 1 < tokens.len() && tokens[n] == "::" && is_word(&tokens[n + 1]) {
                path.push(tokens[n + 1].clone());
                n += 2;
            }
            if path.len() > 1 {
                found.push(path);
            }
        } else {
            n += 1;
        }
    }
    found.into_iter().map(|path| resolve(path, module)).collect()
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// One branch of a `use`: `a::b`, `a::{b, c::d}`, `a::*`, `a as b`.
fn tree(tokens: &[String], n: &mut usize, stem: &[String], found: &mut Vec<Vec<String>>) {
    let mut path = stem.to_vec();
    while *n < tokens.len() {
        match tokens[*n].as_str() {
            "::" | "*" => *n += 1,
            "as" => *n += 2,
            "{" => {
                *n += 1;
                while *n < tokens.len() && tokens[*n] != "}" {
                    let before = *n;
                    tree(tokens, n, &path, found);
                    if *n < tokens.len() && tokens[*n] == "," {
                        *n += 1;
                    }
                    assert!(*n > before, "not a tree of imports: {:?}", &tokens[*n]);
                }
                *n += 1;
                return;
            }
            "," | "}" | ";" => break,
            word => {
                path.push(word.to_owned());
                *n += 1;
            }
        }
    }
    found.push(path);
}

/// `super` and `self` at the beginning become `crate::…`.
fn resolve(path: Vec<String>, module: &[String]) -> String {
    let mut parts = path.into_iter().peekable();
    let mut whole: Vec<String> = Vec::new();
    if parts
        .peek()
        .is_some_and(|first| first == "super" || first == "self")
    {
        whole.push("crate".to_owned());
        whole.extend(module.iter().cloned());
        while let Some(relative) = parts.next_if(|part| part == "super" || part == "self") {
            if relative == "super" && whole.len() > 1 {
                whole.pop();
            }
        }
    }
    whole.extend(parts);
    whole.join("::")
}

/// The checker finds what it is there to find.
#[test]
fn violations_are_found() {
    let one = |path: &str, body: &str| examine(path, &format!("//! Doc.\n{body}"));
    let bad = [
        (
            "vrrp/engine.rs",
            "use tokio::time::sleep;",
            "deciding code names `tokio::time::sleep`",
        ),
        (
            "vrrp/engine.rs",
            "use std::{fmt, fs::File};",
            "deciding code names `std::fs::File`",
        ),
        (
            "vrrp/engine.rs",
            "fn f() { std::process::exit(1) }",
            "deciding code names `std::process::exit`",
        ),
        (
            "vrrp/engine.rs",
            "use std::net::{IpAddr, UdpSocket};",
            "deciding code names `std::net::UdpSocket`",
        ),
        (
            "check/engine.rs",
            "use std::time::{Duration, Instant};",
            "deciding code names `std::time::Instant`",
        ),
        (
            "check/engine.rs",
            "use crate::vrrp::Priority;",
            "`check` imports `vrrp::Priority`",
        ),
        (
            "check/engine.rs",
            "use super::super::vrrp;",
            "`check` imports `vrrp`",
        ),
        ("vrrp/mod.rs", "use crate::check;", "`vrrp` imports `check`"),
        (
            "vrrp/router/mod.rs",
            "use crate::conf::config::Global;",
            "`vrrp` imports `conf::config::Global`",
        ),
        (
            "vrrp/engine.rs",
            "use super::io::rx;",
            "deciding code of `vrrp` imports the edge `vrrp::io::rx`",
        ),
        (
            "vrrp/io/rx.rs",
            "use crate::plan::Plan;",
            "`vrrp::io` imports `plan::Plan`",
        ),
        (
            "vrrp/io/rx.rs",
            "use crate::netlink::monitor::M;",
            "`vrrp::io` imports `netlink::monitor::M`",
        ),
        (
            "netlink/apply.rs",
            "use crate::vrrp::{event::Action};",
            "`netlink::apply` imports `vrrp::event::Action`",
        ),
        (
            "conf/lower/vrrp.rs",
            "use crate::vrrp::event::Action;",
            "`conf` imports `vrrp::event::Action`",
        ),
        (
            "net/cidr.rs",
            "use crate::sys::clock;",
            "deciding code of `net` imports the edge `sys::clock`",
        ),
        (
            "sys/clock.rs",
            "use crate::daemon::log;",
            "`sys` imports `daemon::log`",
        ),
        (
            "script/config.rs",
            "use super::run::run;",
            "deciding code of `script::config` imports the edge `script::run::run`",
        ),
        (
            "plan/mod.rs",
            "use crate::check::probe::x;",
            "deciding code of `plan` imports the edge `check::probe::x`",
        ),
        (
            "daemon/mod.rs",
            "fn f() { unsafe { g() } }",
            "`unsafe` outside `sys`",
        ),
        (
            "daemon/mod.rs",
            "#![allow(unsafe_code)]",
            "`unsafe` outside `sys`",
        ),
        (
            "attic/mod.rs",
            "",
            "belongs to no room of the table in tests/architecture.rs",
        ),
    ];
    for (path, body, complaint) in bad {
        assert_eq!(one(path, body), [complaint], "{path}: {body}");
    }
    assert_eq!(examine("net/x.rs", "fn f() {}").len(), 1, "no doc");
    let long = format!("//! Doc.\n{}", "\n".repeat(LONGEST));
    assert_eq!(examine("net/x.rs", &long).len(), 1, "too long");
}

/// And nothing else.
#[test]
fn what_is_allowed_passes() {
    let good = [
        (
            "netlink/message.rs",
            "use rtnetlink::packet_route::link::LinkMessage;",
        ),
        (
            "vrrp/engine.rs",
            "use crate::{clock::Instant, net::{Cidr, IfName as Name}};",
        ),
        (
            "vrrp/router/mod.rs",
            "use super::event::*; use crate::script::config::Command;",
        ),
        (
            "vrrp/engine.rs",
            "// use tokio::x;\n/* std::fs */ const A: &str = \"tokio::fs\"; const B: &str = r#\"std::fs\"#;",
        ),
        (
            "vrrp/engine.rs",
            "#[cfg(test)]\nmod tests { use tokio::time; fn f() { unsafe {} } }",
        ),
        (
            "vrrp/engine.rs",
            "#[cfg(test)]\nmod tests;\nfn f<'a>(x: &'a str) -> char { '\\'' }",
        ),
        ("vrrp/engine/tests.rs", "use crate::check;"),
        (
            "vrrp/io/rx.rs",
            "use super::super::event::Datagram; use crate::sys::watch; use tokio::io;",
        ),
        (
            "check/engine.rs",
            "use crate::ipvs::model::Table; use std::time::Duration; fn f(i: IpAddr) { i.x::<u8>() }",
        ),
        (
            "check/checker.rs",
            "fn f() -> impl Future<Output = u8> + use<> { async { 1 } }",
        ),
        (
            "conf/mod.rs",
            "use crate::vrrp::{VrrpConfig, config::RouterConfig}; use self::source::Sources;",
        ),
        ("conf/source.rs", "use super::diag::Place; use std::fs;"),
        (
            "plan/mod.rs",
            "use crate::conf::config::Global; use crate::check::CheckConfig;",
        ),
        ("sys/watch.rs", "fn f() { unsafe { g() } }"),
        (
            "daemon/mod.rs",
            "use crate::{check::probe, vrrp::io}; use tokio::sync;",
        ),
    ];
    for (path, body) in good {
        assert_eq!(
            examine(path, &format!("//! Doc.\n{body}\n")),
            Vec::<String>::new(),
            "{path}: {body}"
        );
    }
}
