//! What the generator makes: every keyword of the language, but for those that are named here.

use crate::catalogue::block_of;
use crate::edits::edit;
use crate::making::configuration;
use crate::rng::Rng;
use crate::tree::Node;
use crate::world::plan_of;
use std::collections::BTreeSet;
use steadfast::conf::keyword::{self, Block, Status};

/// What is never made, and why.
const NEVER: &[(&str, &[&str])] = &[
    (
        "a reload that changes it is refused",
        &["Root instance", "Root net_namespace", "Root net_namespace_ipvs"],
    ),
    (
        "a reload that changes it is refused; marks are handed out by control",
        &[
            "GlobalDefs nftables_ipvs",
            "GlobalDefs nftables_ipvs_priority",
            "GlobalDefs nftables_ipvs_start_fwmark",
        ],
    ),
    (
        "the time of these histories jumps, and a master would fall back",
        &["Instance thread_timer_expired", "Instance timer_expired_backup"],
    ),
    ("nothing comes of it, which is remarked", &["RouteEntry as"]),
];

/// Every keyword that has an effect is in some configuration that runs.
#[test]
fn every_keyword_is_generated() {
    let mut seen = BTreeSet::new();
    let mut rng = Rng::new(0xc0_7e12);
    for _ in 0..4_000 {
        let mut all = configuration(&mut rng);
        (0..3).for_each(|_| drop(edit(&mut all, &mut rng)));
        if plan_of(&all).is_some() {
            all.iter().for_each(|node| note(node, "Root", &mut seen));
        }
    }
    let missing: Vec<String> = keyword::all()
        .filter(|keyword| keyword.status == Status::Acted)
        .filter(|keyword| !keyword.name.starts_with("include"))
        .map(|keyword| (place(keyword.block), keyword.name))
        .filter(|(place, name)| !seen.contains(&(place.clone(), (*name).to_owned())))
        .map(|(place, name)| format!("{place} {name}"))
        .collect();
    let never: Vec<String> = NEVER
        .iter()
        .flat_map(|(_, all)| all.iter().map(|one| (*one).to_owned()))
        .collect();
    let new: Vec<_> = missing.iter().filter(|one| !never.contains(one)).collect();
    let made: Vec<_> = never.iter().filter(|one| !missing.contains(one)).collect();
    assert!(
        new.is_empty() && made.is_empty(),
        "never made: {new:#?}; made after all: {made:?}"
    );
}

/// The block of a keyword; what several checkers have is of any.
fn place(block: Block) -> String {
    match block {
        Block::Connect | Block::Timing | Block::Login | Block::StartTls | Block::ServiceTls | Block::Sql => {
            "a checker".to_owned()
        }
        other => format!("{other:?}"),
    }
}

fn note(node: &Node, within: &str, seen: &mut BTreeSet<(String, String)>) {
    let word = node.keyword().to_owned();
    if within.ends_with("Entry") {
        for word in &node.words {
            seen.insert((within.to_owned(), word.clone()));
        }
    }
    let block = block_of(&word, within);
    seen.insert((within.to_owned(), word));
    if within.ends_with("Check") || within.ends_with("Get") || within == "SmtpHost" {
        seen.insert(("a checker".to_owned(), node.keyword().to_owned()));
    }
    for inner in node.inner.iter().flatten() {
        note(inner, block.unwrap_or("nothing"), seen);
    }
}
