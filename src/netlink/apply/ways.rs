//! Which of some routes and rules the kernel has.

use super::{NetlinkError, Requests};
use crate::net::Goods;
use crate::netlink::message::{self, Way};
use crate::netlink::{Inventory, route, rule};
use crate::sys::sockopt::set_netlink_strict;
use std::io::ErrorKind;

/// Those of the routes and rules in `goods` that there are, whoever has made them.
///
/// Asked for are the tables and protocols in question alone: a router of the Internet has a million routes.
///
/// # Errors
/// When the kernel cannot be asked, or is too old to be asked for so little (before 4.20).
pub fn ways_there(goods: &Goods, links: &Inventory) -> Result<Goods, NetlinkError> {
    let mut requests = Requests::open()?;
    set_netlink_strict(&requests.socket).map_err(NetlinkError::Socket)?;
    let mut questions = Vec::new();
    let routes = goods
        .routes
        .iter()
        .filter_map(|one| route::question(one, links).ok());
    for question in routes.chain(goods.rules.iter().map(rule::question)) {
        if !questions.contains(&question) {
            questions.push(question);
        }
    }
    let mut told = Vec::new();
    for question in &questions {
        match requests.dump_one(question, message::there) {
            Ok(ways) => told.extend(ways),
            // There is no such table yet.
            Err(NetlinkError::Dump(error)) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let mut there = goods.clone();
    there.addresses.clear();
    there.routes.retain(|one| {
        told.iter()
            .any(|told| matches!(told, Way::Route(told) if route::is(one, told, links)))
    });
    there.rules.retain(|one| {
        told.iter()
            .any(|told| matches!(told, Way::Rule(told) if rule::is(one, told)))
    });
    Ok(there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Family, Rule, RuleAction};

    /// The kernel's own rule is there on every host, and nobody needs a privilege to see it.
    #[test]
    fn what_is_there_is_found_and_nothing_else() {
        let rule = |preference, table| {
            let mut rule = Rule::new(Family::V4, RuleAction::Table(table), preference);
            // The kernel's.
            rule.protocol = Some(2);
            rule
        };
        let goods = Goods {
            rules: vec![rule(32766, 254), rule(32766, 77), rule(7777, 254)],
            ..Goods::default()
        };
        let there = ways_there(&goods, &Inventory::default()).unwrap();
        assert_eq!(there.rules, [rule(32766, 254)]);
    }
}
