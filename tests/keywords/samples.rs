//! What right and wrong values of every keyword give: the tables `*.tsv` beside this file, walked.
//!
//! A line is `BLOCK<TAB>KEYWORD<TAB>KIND<TAB>SAMPLE<TAB>OUTCOME`; empty lines and those with `#` are comments.
//!
//! * BLOCK: of our table, by the names of `Block`. `Instance/2` means the third place of it in the file of `site`.
//! * KEYWORD: which one the line is a sample for.
//! * KIND: `valid`; `type`, a word of the wrong kind; `range`, one of the right kind that is too small, too large or
//!   not among those that there are.
//! * SAMPLE: what is put there; `\n` is the end of a line.
//! * OUTCOME: `ok`, nothing but remarks and "no effect yet"; or `TOPIC: TEXT`, a diagnostic with this topic whose message
//!   holds TEXT. Several are joined with ` & `, and there may be no others.

use crate::SERVICES;
use crate::hosts;
use crate::site::{load, places, site};
use std::collections::{BTreeMap, BTreeSet};
use steadfast::conf::diag::{Class, Diagnostic};
use steadfast::conf::keyword::{self, Args, Block};

const TABLES: &[(&str, &str)] = &[
    ("global.tsv", include_str!("global.tsv")),
    ("net.tsv", include_str!("net.tsv")),
    ("lvs.tsv", include_str!("lvs.tsv")),
    ("vrrp.tsv", include_str!("vrrp.tsv")),
    ("services.tsv", include_str!("services.tsv")),
];

/// Blocks of which every keyword has its samples.
const COVERED: &[Block] = &[
    Block::GlobalDefs,
    Block::SyncGroup,
    Block::Instance,
    Block::Authentication,
    Block::AuthHmac,
    Block::VrrpScript,
    Block::TrackProcess,
    Block::TrackFile,
    Block::TrackEntry,
    Block::TrackGroup,
    Block::GarpGroup,
    Block::BfdInstance,
    Block::AddressEntry,
    Block::RouteEntry,
    Block::RuleEntry,
    Block::Ssl,
    Block::VirtualServer,
    Block::RealServer,
    Block::HttpGet,
    Block::HttpUrl,
    Block::SslGet,
    Block::SslUrl,
    Block::UdpCheck,
    Block::SmtpCheck,
    Block::DnsCheck,
    Block::BfdCheck,
    Block::FileCheck,
    Block::MiscCheck,
    Block::Connect,
    Block::Timing,
    Block::FtpCheck,
    Block::ImapCheck,
    Block::LdapCheck,
    Block::NntpCheck,
    Block::Pop3Check,
    Block::StartTls,
    Block::MysqlCheck,
    Block::PgsqlCheck,
    Block::RedisCheck,
    Block::WebCheck,
    Block::GrpcCheck,
    Block::WebSocketCheck,
    Block::RadiusCheck,
    Block::SipCheck,
    Block::Sql,
    Block::Login,
    Block::ServiceTls,
];

struct Sample {
    at: String,
    block: &'static str,
    nth: usize,
    keyword: &'static str,
    kind: &'static str,
    text: String,
    outcome: &'static str,
}

fn samples() -> Vec<Sample> {
    let mut out = Vec::new();
    for (file, table) in TABLES {
        for (number, line) in (1..).zip(table.lines()) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let at = format!("{file}:{number}");
            let fields: Vec<&str> = line.split('\t').collect();
            let [block, keyword, kind, text, outcome] = fields[..] else {
                panic!("{at}: five fields, not {}", fields.len());
            };
            let (block, nth) = match block.split_once('/') {
                Some((block, nth)) => (block, nth.parse().unwrap()),
                None => (block, 0),
            };
            assert!(["valid", "type", "range"].contains(&kind), "{at}: {kind}");
            // What all checkers have, those of services have as TCP_CHECK has it; what all of these have stands once.
            let blocks = match block {
                "Service" if ["username", "password"].contains(&keyword) => hosts(Block::Login),
                "Service" => hosts(Block::ServiceTls),
                "Sql" => hosts(Block::Sql),
                "StartTls" => hosts(Block::StartTls),
                "TcpCheck" => [&["TcpCheck"][..], &SERVICES[..]].concat(),
                block => vec![block],
            };
            // What one of them cannot do stands among its own samples.
            let all = blocks.len() > 1;
            for block in blocks.into_iter().filter(|block| !all || can(block, keyword)) {
                out.push(Sample {
                    at: at.clone(),
                    block,
                    nth,
                    keyword,
                    kind,
                    text: text.replace("\\n", "\n"),
                    outcome,
                });
            }
        }
    }
    out
}

/// Whether a checker can do what those like it can.
pub(crate) fn can(block: &str, keyword: &str) -> bool {
    !matches!((block, keyword), ("WebCheck", "fwmark" | "bind_port"))
}

/// What counts of what is said.
fn counted(said: Vec<Diagnostic>) -> Vec<Diagnostic> {
    said.into_iter()
        .filter(|found| !matches!(found.class, Class::Note | Class::Unheeded))
        .collect()
}

fn judge(sample: &Sample, before: &[Diagnostic]) -> Result<(), String> {
    if !sample.text.contains(sample.keyword) {
        return Err(format!("`{}` is no sample of it", sample.text));
    }
    let (_, said) = load(&site(sample.block, sample.nth, &sample.text));
    let known = |found: &Diagnostic| {
        before
            .iter()
            .any(|other| (other.topic, &other.message) == (found.topic, &found.message))
    };
    let mut said = counted(said);
    said.retain(|found| !known(found));
    let wanted: Vec<&str> = match sample.outcome {
        "ok" => Vec::new(),
        outcome => outcome.split(" & ").collect(),
    };
    for wanted in &wanted {
        let (topic, text) = wanted
            .split_once(": ")
            .ok_or_else(|| format!("no `TOPIC: TEXT` in `{wanted}`"))?;
        let fits = |found: &Diagnostic| found.topic.name() == topic && found.message.contains(text);
        let Some(at) = said.iter().position(fits) else {
            return Err(format!("`{wanted}` is not among {}", shown(&said)));
        };
        said.remove(at);
    }
    if said.is_empty() {
        Ok(())
    } else {
        Err(format!("also said: {}", shown(&said)))
    }
}

fn shown(said: &[Diagnostic]) -> String {
    let lines: Vec<String> = said
        .iter()
        .map(|found| format!("\n    {}: {found}", found.topic.name()))
        .collect();
    lines.concat()
}

/// Block, place and text of every right sample.
pub(crate) fn valid() -> Vec<(&'static str, usize, String)> {
    let samples = samples().into_iter();
    samples
        .filter(|sample| sample.kind == "valid")
        .map(|sample| (sample.block, sample.nth, sample.text))
        .collect()
}

#[test]
fn samples_give_their_outcome() {
    let mut problems = Vec::new();
    let mut empty: BTreeMap<(&str, usize), Vec<Diagnostic>> = BTreeMap::new();
    for sample in samples() {
        if sample.nth >= places(sample.block) {
            problems.push(format!("{}: no place for {}", sample.at, sample.block));
            continue;
        }
        let before = empty
            .entry((sample.block, sample.nth))
            .or_insert_with(|| counted(load(&site(sample.block, sample.nth, "")).1));
        if let Err(problem) = judge(&sample, before) {
            problems.push(format!(
                "{}: {} {} {}: {problem}",
                sample.at, sample.block, sample.keyword, sample.kind
            ));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_keyword_has_its_samples() {
    let have: BTreeSet<(&str, &str, &str)> = samples()
        .iter()
        .map(|sample| (sample.block, sample.keyword, sample.kind))
        .collect();
    let mut missing = Vec::new();
    for keyword in keyword::all().filter(|keyword| COVERED.contains(&keyword.block)) {
        let mut kinds = vec!["valid"];
        match keyword.args {
            // What follows is ignored, or is judged line by line.
            Args::Nothing | Args::Block(_) | Args::Values(_) => {}
            Args::Free | Args::OneOrMore | Args::Word | Args::OptionalWord | Args::Script | Args::Bool => {
                kinds.push("type");
            }
            Args::Address
            | Args::Int(..)
            | Args::OptionalInt(..)
            | Args::Strict(..)
            | Args::OptionalStrict(..)
            | Args::Seconds(..)
            | Args::Millis(..) => kinds.extend(["type", "range"]),
        }
        for block in hosts(keyword.block) {
            if !can(block, keyword.name) {
                continue;
            }
            for kind in &kinds {
                if !have.contains(&(block, keyword.name, kind)) {
                    missing.push(format!("{block} {} {kind}", keyword.name));
                }
            }
        }
    }
    assert!(missing.is_empty(), "no samples:\n{}", missing.join("\n"));
}

#[test]
fn every_sample_is_of_a_keyword() {
    for sample in samples() {
        let known = keyword::all().any(|keyword| keyword.name == sample.keyword);
        assert!(known, "{}: {} {}", sample.at, sample.block, sample.keyword);
    }
}
