//! Addresses, routes and rules of two configurations, one by one.
//!
//! The kernel knows each by everything it was given (`is`): an entry that is wanted in another form is removed and added again.

use super::{AddressSpec, Goods, Route, Rule};
use crate::change::{Changed, Changes, Effect, Parted, Show, What, part};
use std::borrow::Cow;

/// Why an entry in another form is interrupted.
pub const REMADE: &str = "is removed and added again";

/// The keywords of a kind of [`Goods`].
#[derive(Clone, Copy, Debug)]
pub struct Keywords {
    /// Of addresses.
    pub addresses: &'static str,
    /// Of routes.
    pub routes: &'static str,
    /// Of rules.
    pub rules: &'static str,
}

impl Goods {
    /// What changes of all of it.
    pub fn absorb(&self, new: &Self, keywords: Keywords) -> Changes {
        let Self {
            addresses,
            routes,
            rules,
        } = self;
        let Self {
            addresses: new_addresses,
            routes: new_routes,
            rules: new_rules,
        } = new;
        let mut changes = Changes::default();
        entries(
            &mut changes,
            keywords.addresses,
            addresses,
            new_addresses,
            AddressSpec::same_address,
            AddressSpec::is,
        );
        ways(&mut changes, keywords, (routes, new_routes), (rules, new_rules));
        changes
    }
}

/// Routes and rules.
pub fn ways(
    changes: &mut Changes,
    keywords: Keywords,
    (old_routes, new_routes): (&[Route], &[Route]),
    (old_rules, new_rules): (&[Rule], &[Rule]),
) {
    let (routes, rules) = (keywords.routes, keywords.rules);
    entries(
        changes,
        routes,
        old_routes,
        new_routes,
        Route::same_way,
        Route::is,
    );
    entries(changes, rules, old_rules, new_rules, Rule::same_matches, Rule::is);
}

/// The entries of a list that come and go; what is the `same` to who uses it and another to the kernel (not `is`) is
/// interrupted.
pub fn entries<T: PartialEq + Show>(
    changes: &mut Changes,
    keyword: &'static str,
    old: &[T],
    new: &[T],
    same: impl Fn(&T, &T) -> bool,
    is: impl Fn(&T, &T) -> bool,
) {
    let Parted {
        gone,
        mut come,
        reordered,
    } = part(old, new, |a, b| a == b);
    for entry in gone {
        let remade = come.iter().position(|other| same(entry, other));
        let (what, effect) = match remade.map(|at| come.remove(at)) {
            None => (What::Removed(entry.show()), Effect::Live),
            Some(new) => {
                let (from, to) = (entry.show(), new.show());
                let to = if from == to {
                    format!("{to}, with other options")
                } else {
                    to
                };
                let stays = is(entry, new);
                (
                    What::Value { from, to },
                    if stays { Effect::Live } else { Effect::Flaps },
                )
            }
        };
        let why = (effect == Effect::Flaps).then_some(Cow::Borrowed(REMADE));
        changes.add(Changed {
            keyword,
            what,
            effect,
            why,
        });
    }
    for entry in come {
        changes.push(keyword, What::Added(entry.show()), Effect::Live);
    }
    if reordered {
        changes.push(keyword, What::Reordered, Effect::Live);
    }
}

impl AddressSpec {
    /// Whether `other` is the same address to who uses it.
    pub fn same_address(&self, other: &Self) -> bool {
        self.cidr.addr == other.cidr.addr
    }
}

impl Route {
    /// Whether `other` is for the same packets.
    pub fn same_way(&self, other: &Self) -> bool {
        (self.destination, self.from, self.table, self.tos)
            == (other.destination, other.from, other.table, other.tos)
    }
}

impl Rule {
    /// Whether `other` is for the same packets.
    pub fn same_matches(&self, other: &Self) -> bool {
        let mut alike = other.clone();
        (alike.action, alike.preference) = (self.action, self.preference);
        (alike.protocol, alike.watched) = (self.protocol, self.watched);
        alike.track_group.clone_from(&self.track_group);
        alike == *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Cidr, Family, IfName, RouteKind, RuleAction};

    const KEYWORDS: Keywords = Keywords {
        addresses: "a",
        routes: "r",
        rules: "u",
    };

    fn goods(addresses: &[&str], interface: &str, table: u32) -> Goods {
        let eth = IfName::new(interface).unwrap();
        let host = |text: &&str| AddressSpec::new(Cidr::host(text.parse().unwrap()), eth.clone());
        Goods {
            addresses: addresses.iter().map(host).collect(),
            routes: vec![Route {
                interface: Some(eth.clone()),
                ..Route::to(RouteKind::UNICAST, Cidr::host("192.0.2.9".parse().unwrap()))
            }],
            rules: vec![Rule::new(Family::V4, RuleAction::Table(table), 100)],
        }
    }

    #[test]
    fn another_form_is_an_interruption_and_what_comes_and_goes_is_none() {
        let a = goods(&["10.0.0.1", "10.0.0.2"], "eth0", 5);
        assert!(a.absorb(&a, KEYWORDS).is_empty());
        let effects = |new: &Goods| -> Vec<(&str, Effect)> {
            let changes = a.absorb(new, KEYWORDS);
            changes.iter().map(|one| (one.keyword, one.effect)).collect()
        };
        let live = |keyword| (keyword, Effect::Live);
        let flaps = |keyword| (keyword, Effect::Flaps);
        assert_eq!(effects(&goods(&["10.0.0.2"], "eth0", 5)), [live("a")]);
        let another = goods(&["10.0.0.1", "10.0.0.3"], "eth0", 5);
        assert_eq!(effects(&another), [live("a"), live("a")]);
        assert_eq!(effects(&goods(&["10.0.0.2", "10.0.0.1"], "eth0", 5)), [live("a")]);
        let moved = goods(&["10.0.0.1", "10.0.0.2"], "eth1", 6);
        assert_eq!(effects(&moved), [flaps("a"), flaps("a"), flaps("r"), flaps("u")]);
        let mut quiet = a.clone();
        quiet.addresses[0].options.watched = false;
        let changes = a.absorb(&quiet, KEYWORDS);
        let text = changes.iter().next().unwrap().to_string();
        assert!(text.ends_with("with other options"), "{text}");
        assert_eq!(
            changes.effect(),
            Some(Effect::Live),
            "the kernel is not told of no_track"
        );
        quiet.addresses[0].label = Some("eth0:1".into());
        assert_eq!(a.absorb(&quiet, KEYWORDS).effect(), Some(Effect::Flaps));
    }
}
