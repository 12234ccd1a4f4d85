//! Packet filters: nftables, iptables and ipsets.

use super::Cx;
use crate::conf::config::{FirewallSettings, IptablesChains, LaterFirewall};
use crate::conf::diag::Topic;
use crate::conf::keyword::Block;
use crate::conf::tree::Statement;

/// The longest names, in octets.
const MAX_CHAIN: usize = 27;
const MAX_SET: usize = 30;
const MAX_TABLE: usize = 254;
/// How many ipsets there are.
const SETS: usize = 6;

/// `false`: `statement` is none of these.
pub(super) fn keyword(cx: &mut Cx<'_>, firewall: &mut FirewallSettings, statement: &Statement) -> bool {
    let block = Block::GlobalDefs;
    match statement.keyword() {
        "vrrp_iptables" => firewall.iptables = chains(cx, statement).or_else(|| firewall.iptables.take()),
        "nftables" => {
            firewall.nftables = table(cx, statement, "keepalived").or_else(|| firewall.nftables.take());
        }
        "nftables_priority" => {
            firewall.nftables_priority = cx.unsigned(block, statement).or(firewall.nftables_priority);
        }
        "nftables_ifindex" => firewall.nftables_ifindex = true,
        "nftables_counters" => firewall.nftables_counters = true,
        "nftables_ipvs" => {
            let table = table(cx, statement, "keepalived_ipvs");
            firewall.nftables_ipvs = table.or_else(|| firewall.nftables_ipvs.take());
        }
        "nftables_ipvs_priority" => {
            firewall.nftables_ipvs_priority =
                cx.unsigned(block, statement).or(firewall.nftables_ipvs_priority);
        }
        "nftables_ipvs_start_fwmark" => {
            firewall.nftables_ipvs_start_fwmark = cx
                .unsigned(block, statement)
                .or(firewall.nftables_ipvs_start_fwmark);
        }
        _ => return false,
    }
    true
}

/// Those that nothing comes of yet. `false`: `statement` is none of these.
pub(super) fn later(cx: &mut Cx<'_>, firewall: &mut LaterFirewall, statement: &Statement) -> bool {
    match statement.keyword() {
        "vrrp_ipsets" => firewall.ipsets = sets(cx, statement).or_else(|| firewall.ipsets.take()),
        _ => return false,
    }
    true
}

/// A table's name, or `default`.
fn table(cx: &mut Cx<'_>, statement: &Statement, default: &str) -> Option<String> {
    let Some(word) = statement.arg() else {
        return Some(default.to_owned());
    };
    if word.text.is_empty() || word.text.len() > MAX_TABLE {
        let message = format!(
            "{} table name must have 1 to {MAX_TABLE} characters",
            statement.keyword()
        );
        cx.word_error_about(Topic::NameTooLong, statement, word, message);
        return None;
    }
    Some(word.text.clone())
}

fn chains(cx: &mut Cx<'_>, statement: &Statement) -> Option<IptablesChains> {
    let (input, output) = match names(cx, statement, 2, MAX_CHAIN)?.as_slice() {
        [] => ("INPUT".to_owned(), Some("OUTPUT".to_owned())),
        [input] => (input.clone(), None),
        [input, output, ..] => (input.clone(), Some(output.clone())),
    };
    Some(IptablesChains { input, output })
}

fn sets(cx: &mut Cx<'_>, statement: &Statement) -> Option<Vec<String>> {
    names(cx, statement, SETS, MAX_SET)
}

/// The first `most` words: not empty, not too long, all different.
fn names(cx: &mut Cx<'_>, statement: &Statement, most: usize, longest: usize) -> Option<Vec<String>> {
    let mut out: Vec<String> = Vec::new();
    for word in statement.args().iter().take(most) {
        let keyword = statement.keyword();
        let (topic, message) = if word.text.is_empty() || word.text.len() > longest {
            let message = format!("{keyword}: '{}' must have 1 to {longest} characters", word.text);
            (Topic::NameTooLong, message)
        } else if out.contains(&word.text) {
            let message = format!("{keyword}: '{}' is given twice", word.text);
            (Topic::DuplicateDefinition, message)
        } else {
            out.push(word.text.clone());
            continue;
        };
        cx.word_error_about(topic, statement, word, message);
        return None;
    }
    Some(out)
}
