//! What every keyword is for, in words: the table that manual, documentation and schema are made from.
//!
//! `help.tsv` has one line for every keyword of the table and, with `-` for the keyword, one for every block; a test
//! keeps both tables the same. What the program itself must know of a keyword (what it takes, whether it has an effect)
//! is not here but in [`super::Keyword`].

use super::{Args, Block, Keyword, all};
use std::collections::HashMap;
use std::sync::LazyLock;

/// The text about a keyword or a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Help {
    /// What follows the keyword, empty when nothing does; of a block of entries: what a line of it is.
    pub arguments: &'static str,
    /// What is in force without it; empty when that goes without saying.
    pub default: &'static str,
    /// What is accepted; empty when anything is.
    pub range: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

impl Help {
    /// The words of which the argument is one, if it is: `inet|inet6`, but not `ADDRESS|+|-`.
    pub fn choices(&self) -> Option<Vec<&'static str>> {
        let words = self.arguments;
        let words = words
            .strip_prefix('[')
            .and_then(|words| words.strip_suffix(']'))
            .unwrap_or(words);
        let words: Vec<&str> = words.split('|').collect();
        let is_word = |word: &&str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
            word.chars().all(plain)
                && (CAPITALS.contains(word)
                    || word.contains(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()))
        };
        (words.len() > 1 && words.iter().all(is_word)).then_some(words)
    }

    /// Whether capitals and small letters are the same to the argument.
    pub fn any_case(&self) -> bool {
        self.range.contains("case-insensitive")
    }

    /// Whether its block is nothing without it.
    pub fn required(&self) -> bool {
        let says = |text: &str| text.split([',', ';']).any(|part| part.trim() == "required");
        says(self.default) || says(self.range)
    }
}

/// Words that are typed in capitals; others in capitals stand for something.
const CAPITALS: &[&str] = &[
    "MASTER", "BACKUP", "PASS", "AH", "TCP", "UDP", "SCTP", "A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA",
    "RRSIG", "DNSKEY",
];

/// The text about `keyword`.
pub fn of(keyword: &Keyword) -> Option<&'static Help> {
    HELP.get(&(code(keyword.block), keyword.name))
}

/// The text about `block`.
pub fn of_block(block: Block) -> Option<&'static Help> {
    HELP.get(&(code(block), NOTHING))
}

/// Every block that there is, in the order of the documentation.
pub fn blocks() -> Vec<Block> {
    let mut blocks = vec![Block::Root];
    for keyword in all() {
        blocks.push(keyword.block);
        if let Args::Block(inner) | Args::Values(inner) = keyword.args {
            blocks.push(inner);
        }
    }
    blocks.sort_unstable();
    blocks.dedup();
    blocks
}

/// Stands for an empty field.
const NOTHING: &str = "-";

static TEXT: &str = include_str!("help.tsv");

static HELP: LazyLock<HashMap<(String, &'static str), Help>> = LazyLock::new(|| rows().collect());

/// The rows of the table: block, keyword, text.
fn rows() -> impl Iterator<Item = ((String, &'static str), Help)> {
    TEXT.lines().skip(1).filter_map(|line| {
        let mut fields = line.split('\t');
        let (block, keyword) = (fields.next()?, fields.next()?);
        let mut field = || fields.next().filter(|text| *text != NOTHING).unwrap_or_default();
        let help = Help {
            arguments: field(),
            default: field(),
            range: field(),
            meaning: field(),
        };
        Some(((block.to_owned(), keyword), help))
    })
}

/// How the table spells a block.
fn code(block: Block) -> String {
    format!("{block:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn it_has_a_line_for_every_keyword_and_block_and_no_other() {
        let wanted: BTreeSet<(String, &str)> = all()
            .map(|keyword| (code(keyword.block), keyword.name))
            .chain(blocks().into_iter().map(|block| (code(block), NOTHING)))
            .collect();
        let have: Vec<(String, &str)> = rows().map(|(key, _)| key).collect();
        let once: BTreeSet<(String, &str)> = have.iter().cloned().collect();
        let missing: Vec<_> = wanted.difference(&once).collect();
        let strange: Vec<_> = once.difference(&wanted).collect();
        assert!(
            missing.is_empty() && strange.is_empty(),
            "src/conf/keyword/help.tsv: lines are missing for {missing:?}, and there are no keywords {strange:?}"
        );
        assert_eq!(have.len(), once.len(), "a line is there twice");
        assert_eq!(TEXT.lines().next().unwrap().split('\t').count(), 6);
    }

    #[test]
    fn every_line_says_something_in_plain_text() {
        for line in TEXT.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 6, "{line}");
            for field in fields {
                assert!(!field.is_empty() && field.trim() == field, "{line}");
                assert!(field.chars().all(|c| (' '..='~').contains(&c)), "{line}");
            }
        }
        for (key, help) in rows() {
            assert!(!help.meaning.is_empty(), "{key:?}");
        }
    }

    #[test]
    fn choices_are_told_from_what_words_stand_for() {
        let choices = |block, name: &str| {
            let keyword = all().find(|k| (k.block, k.name) == (block, name)).unwrap();
            of(keyword).unwrap().choices()
        };
        assert_eq!(choices(Block::Instance, "state"), Some(vec!["MASTER", "BACKUP"]));
        assert_eq!(
            choices(Block::TrackProcess, "param_match"),
            Some(vec!["initial", "partial"])
        );
        assert_eq!(choices(Block::DnsCheck, "type").unwrap().len(), 9);
        for (block, name) in [
            (Block::GlobalDefs, "vrrp_rx_bufs_policy"),
            (Block::GlobalDefs, "smtp_server"),
            (Block::AddressEntry, "brd"),
            (Block::RouteEntry, "pref"),
            (Block::VirtualServer, "lb_kind"),
            (Block::Instance, "priority"),
        ] {
            assert_eq!(choices(block, name), None, "{name}");
        }
    }

    /// Where the words name bounds, they are those that the program keeps.
    #[test]
    fn the_bounds_are_those_of_the_table() {
        let number = |text: &str, scale: f64| text.trim().parse::<f64>().ok().map(|n| n * scale);
        let mut compared = 0;
        for keyword in all() {
            let (least, most, scale) = match keyword.args {
                Args::Int(a, b)
                | Args::OptionalInt(a, b)
                | Args::Strict(a, b)
                | Args::OptionalStrict(a, b) => (a, b, 1.0),
                Args::Seconds(a, b) => (a, b, 1e6),
                Args::Millis(a, b) => (a, b, 1.0),
                _ => continue,
            };
            let range = of(keyword).unwrap().range;
            let end = range.find([' ', ',', ';']).unwrap_or(range.len());
            let Some((low, high)) = range[..end].split_once("..") else {
                continue;
            };
            let (Some(low), Some(high)) = (number(low, scale), number(high, scale)) else {
                continue;
            };
            #[expect(clippy::cast_precision_loss, reason = "bounds are far smaller")]
            let (least, most) = (least as f64, most as f64);
            assert!(
                (low - least).abs() < 0.5 && (high - most).abs() < 0.5,
                "{:?} {}: {range} is said, {least}..{most} is kept",
                keyword.block,
                keyword.name
            );
            compared += 1;
        }
        assert!(compared > 80, "{compared}");
    }
}
