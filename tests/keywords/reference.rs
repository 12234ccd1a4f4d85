//! The names of keepalived 2.4.3's keywords, by block, as its manual and its behaviour give them, against our table.

use std::collections::BTreeSet;
use steadfast::conf::keyword::{self, Args, Block};

/// `BLOCK<TAB>KEYWORD`, blocks by the names of [`Block`].
const REFERENCE: &str = include_str!("reference.tsv");

/// Named there and not in our table, and why.
const WITHOUT: &[(&str, &str, &str)] = &[
    ("GlobalDefs", "set_supplementary_groups", NEWER),
    ("HttpGet", "sni_name", NEWER),
    ("SslGet", "sni_name", NEWER),
];
const NEWER: &str = "newer than 2.4.3, to which it is an unknown keyword";

fn reference() -> Vec<(&'static str, &'static str)> {
    REFERENCE
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .collect()
}

#[test]
fn the_table_has_every_keyword_of_the_reference_and_no_other() {
    let blocks: BTreeSet<Block> = keyword::all()
        .flat_map(|keyword| match keyword.args {
            // Some have no keywords but those that they share.
            Args::Block(inner) => vec![keyword.block, inner],
            _ => vec![keyword.block],
        })
        .collect();
    let named = |block: &str| blocks.iter().copied().find(|known| format!("{known:?}") == block);
    let own: BTreeSet<(Block, &str)> = keyword::all()
        .map(|keyword| (keyword.block, keyword.name))
        .collect();
    // Where each keyword of the table was found to be meant.
    let mut meant: BTreeSet<(Block, &str)> = BTreeSet::new();
    let mut problems = Vec::new();
    for (block, name) in reference() {
        let wanted = !WITHOUT
            .iter()
            .any(|(without, keyword, _)| (*without, *keyword) == (block, name));
        let found = named(block).and_then(|block| {
            std::iter::once(block)
                .chain(block.includes().iter().copied())
                .find(|block| own.contains(&(*block, name)))
        });
        match found {
            Some(block) if wanted => drop(meant.insert((block, name))),
            None if !wanted => {}
            Some(_) => problems.push(format!("{block} {name} is in the table after all")),
            None => problems.push(format!("{block} {name} is not in the table")),
        }
    }
    let ours: BTreeSet<(Block, &str)> = keyword::own()
        .map(|keyword| (keyword.block, keyword.name))
        .collect();
    for (block, name) in own.difference(&meant).filter(|keyword| !ours.contains(*keyword)) {
        problems.push(format!("{block:?} {name} is not in the reference"));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(meant.len() > 500);
}
