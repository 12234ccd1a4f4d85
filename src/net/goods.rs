//! What a virtual router brings to the host while it is MASTER: addresses, routes and rules as one value.

use super::{AddressSpec, IfName, Route, Rule};
use std::fmt;

/// Everything that a router holds. Installed in the order of the fields and removed in the reverse (facts 2.11, 16.7);
/// addresses are removed in their order of installation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Goods {
    /// `virtual_ipaddress`, then `virtual_ipaddress_excluded`.
    pub addresses: Vec<AddressSpec>,
    /// `virtual_routes`
    pub routes: Vec<Route>,
    /// `virtual_rules`
    pub rules: Vec<Rule>,
}

/// One of the [`Goods`], to be named where something became of it alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Good {
    /// An address.
    Address(AddressSpec),
    /// A route.
    Route(Box<Route>),
    /// A rule.
    Rule(Box<Rule>),
}

impl From<AddressSpec> for Good {
    fn from(address: AddressSpec) -> Self {
        Self::Address(address)
    }
}

impl From<Route> for Good {
    fn from(route: Route) -> Self {
        Self::Route(Box::new(route))
    }
}

impl From<Rule> for Good {
    fn from(rule: Rule) -> Self {
        Self::Rule(Box::new(rule))
    }
}

impl From<Good> for Goods {
    fn from(good: Good) -> Self {
        let mut goods = Self::default();
        goods.add(good);
        goods
    }
}

impl fmt::Display for Good {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Route(route) => write!(f, "route {route}"),
            Self::Rule(rule) => write!(f, "rule {rule}"),
        }
    }
}

impl Goods {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        let Self {
            addresses,
            routes,
            rules,
        } = self;
        addresses.is_empty() && routes.is_empty() && rules.is_empty()
    }

    /// Adds all of `more`.
    pub fn extend(&mut self, more: Self) {
        let Self {
            addresses,
            routes,
            rules,
        } = more;
        self.addresses.extend(addresses);
        self.routes.extend(routes);
        self.rules.extend(rules);
    }

    /// What of it `others` has in a form that is the same to the kernel, and what it has not.
    pub fn split(self, others: &Self) -> (Self, Self) {
        let (addresses, more_addresses) = split(self.addresses, &others.addresses, AddressSpec::is);
        let (routes, more_routes) = split(self.routes, &others.routes, Route::is);
        let (rules, more_rules) = split(self.rules, &others.rules, Rule::is);
        let same = Self {
            addresses,
            routes,
            rules,
        };
        let rest = Self {
            addresses: more_addresses,
            routes: more_routes,
            rules: more_rules,
        };
        (same, rest)
    }

    /// Whether an address of it has the place of `address` in the kernel, whatever its label, scope and options.
    pub fn names_address(&self, address: &AddressSpec) -> bool {
        let mut addresses = self.addresses.iter();
        addresses.any(|other| other.cidr == address.cidr && other.interface == address.interface)
    }

    /// Whether a route of it is `route` to the kernel.
    pub fn names_route(&self, route: &Route) -> bool {
        self.routes.iter().any(|other| other.is(route))
    }

    /// Whether a rule of it is `rule` to the kernel.
    pub fn names_rule(&self, rule: &Rule) -> bool {
        self.rules.iter().any(|other| other.is(rule))
    }

    /// Adds `address` in place of what has its place in the kernel.
    pub fn replace_address(&mut self, address: &AddressSpec) {
        let same = |known: &AddressSpec| known.cidr == address.cidr && known.interface == address.interface;
        self.addresses.retain(|known| !same(known));
        self.addresses.push(address.clone());
    }

    /// Takes away everything that `others` names.
    pub fn without(&mut self, others: &Self) {
        self.addresses.retain(|address| !others.names_address(address));
        self.routes.retain(|route| !others.names_route(route));
        self.rules.retain(|rule| !others.names_rule(rule));
    }

    /// What of it `others` has in another form, be it the same to the kernel.
    pub fn reworded(&self, others: &Self) -> Self {
        fn differing<T: Clone + PartialEq>(all: &[T], others: &[T]) -> Vec<T> {
            all.iter().filter(|one| !others.contains(one)).cloned().collect()
        }
        Self {
            addresses: differing(&self.addresses, &others.addresses),
            routes: differing(&self.routes, &others.routes),
            rules: differing(&self.rules, &others.rules),
        }
    }

    /// Adds `good`.
    pub fn add(&mut self, good: Good) {
        match good {
            Good::Address(address) => self.addresses.push(address),
            Good::Route(route) => self.routes.push(*route),
            Good::Rule(rule) => self.rules.push(*rule),
        }
    }

    /// Takes `good` away.
    pub fn remove(&mut self, good: &Good) {
        match good {
            Good::Address(address) => self.addresses.retain(|known| known != address),
            Good::Route(route) => self.routes.retain(|known| known != &**route),
            Good::Rule(rule) => self.rules.retain(|known| known != &**rule),
        }
    }

    /// The interfaces that it names, each with the `track_group` of the entry.
    pub fn interfaces(&self) -> impl Iterator<Item = (Option<&str>, &IfName)> {
        let addresses = self.addresses.iter();
        let addresses = addresses.map(|one| (one.options.track_group.as_deref(), &one.interface));
        let routes = self.routes.iter().flat_map(|one| {
            let ways = one.nexthops.iter().filter_map(|way| way.interface.as_ref());
            let all = one.interface.iter().chain(ways);
            all.map(|interface| (one.track_group.as_deref(), interface))
        });
        let rules = self.rules.iter().flat_map(|one| {
            let all = one.iif.iter().chain(&one.oif);
            all.map(|interface| (one.track_group.as_deref(), interface))
        });
        addresses.chain(routes).chain(rules)
    }

    /// What of it is on `interface` or leads there.
    pub fn on(&self, interface: &IfName) -> Self {
        let leads = |route: &&Route| {
            let mut ways = route.nexthops.iter().map(|way| &way.interface);
            // A route that names no interface may need any.
            let named = route.interface.is_some() || !route.nexthops.is_empty();
            !named
                || route.interface.as_ref() == Some(interface)
                || ways.any(|way| way.as_ref() == Some(interface))
        };
        let addresses = self.addresses.iter().filter(|one| one.interface == *interface);
        Self {
            addresses: addresses.cloned().collect(),
            routes: self.routes.iter().filter(leads).cloned().collect(),
            rules: Vec::new(),
        }
    }

    /// Whether `good` is among it.
    pub fn contains(&self, good: &Good) -> bool {
        match good {
            Good::Address(address) => self.addresses.contains(address),
            Good::Route(route) => self.routes.contains(route),
            Good::Rule(rule) => self.rules.contains(rule),
        }
    }
}

fn split<T>(all: Vec<T>, others: &[T], is: fn(&T, &T) -> bool) -> (Vec<T>, Vec<T>) {
    all.into_iter()
        .partition(|one| others.iter().any(|other| is(one, other)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Cidr, Family, RouteKind, RuleAction};

    /// A reload that changes whether a loss matters, or for whom, removes nothing.
    #[test]
    fn what_the_kernel_is_not_told_makes_no_difference_to_it() {
        let cidr = Cidr::host("192.0.2.1".parse().unwrap());
        let goods = |watched: bool, group: Option<&str>| {
            let mut address = AddressSpec::new(cidr, IfName::new("eth0").unwrap());
            address.options.watched = watched;
            address.options.track_group = group.map(str::to_owned);
            let mut route = Route::to(RouteKind::UNICAST, cidr);
            (route.watched, route.track_group) = (watched, group.map(str::to_owned));
            let mut rule = Rule::new(Family::V4, RuleAction::Table(7), 9);
            (rule.watched, rule.track_group) = (watched, group.map(str::to_owned));
            Goods {
                addresses: vec![address],
                routes: vec![route],
                rules: vec![rule],
            }
        };
        let (old, new) = (goods(true, None), goods(false, Some("T")));
        assert_eq!(old.clone().split(&new), (old.clone(), Goods::default()));
        assert_eq!(new.reworded(&old), new);
        assert_eq!(new.reworded(&new), Goods::default());
        let mut left = old.clone();
        left.without(&new);
        assert_eq!(left, Goods::default(), "one is removed as the other");

        let mut other = new.clone();
        other.addresses[0].label = Some("eth0:1".into());
        other.routes[0].metric = Some(5);
        other.rules[0].preference = 10;
        assert_eq!(old.clone().split(&other), (Goods::default(), old));
    }
}
