//! What a reload changes of a virtual router, and what each change means: what `Engine::reload` does with it.
//!
//! Both sides are taken apart completely, so that nobody adds a setting without saying here what its change means.

mod packets;
mod parts;

use super::*;
use crate::change::{Changes, Effect, Show, What, shown_as_displayed};
use crate::net;

/// The keywords of what a router holds.
pub const VIRTUAL: net::Keywords = net::Keywords {
    addresses: "virtual_ipaddress",
    routes: "virtual_routes",
    rules: "virtual_rules",
};
/// The keyword of addresses that are in no advert.
pub const EXCLUDED: &str = "virtual_ipaddress_excluded";

impl RouterConfig {
    /// What changes of a router that is the same before and after ([`match_routers`]): it keeps its state.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            name,
            // Of its key.
            vrid: _,
            family: _,
            interface: _,
            version,
            link,
            initial,
            priority,
            advert_int,
            down_timer_adverts,
            drift_repair,
            nopreempt,
            preempt_delay,
            auth,
            source,
            transport,
            garp,
            lower_prio_no_advert,
            higher_prio_send_advert,
            vips,
            excluded,
            routes,
            rules,
            track_interfaces,
            track_scripts,
            objects,
            dont_track_primary,
            election,
            notices,
            check_unicast_src,
            no_accept,
            packets,
            config_fault,
        } = self;
        let Self {
            name: new_name,
            vrid: _,
            family: _,
            interface: _,
            version: new_version,
            link: new_link,
            initial: new_initial,
            priority: new_priority,
            advert_int: new_advert_int,
            down_timer_adverts: new_down_timer_adverts,
            drift_repair: new_drift_repair,
            nopreempt: new_nopreempt,
            preempt_delay: new_preempt_delay,
            auth: new_auth,
            source: new_source,
            transport: new_transport,
            garp: new_garp,
            lower_prio_no_advert: new_lower_prio_no_advert,
            higher_prio_send_advert: new_higher_prio_send_advert,
            vips: new_vips,
            excluded: new_excluded,
            routes: new_routes,
            rules: new_rules,
            track_interfaces: new_track_interfaces,
            track_scripts: new_track_scripts,
            objects: new_objects,
            dont_track_primary: new_dont_track_primary,
            election: new_election,
            notices: new_notices,
            check_unicast_src: new_check_unicast_src,
            no_accept: new_no_accept,
            packets: new_packets,
            config_fault: new_config_fault,
        } = new;
        let mut changes = Changes::default();
        changes.live("vrrp_instance", name, new_name);
        if new_config_fault.is_some() {
            let why = "it goes to FAULT";
            changes.flaps("state", config_fault, new_config_fault, why);
        } else {
            changes.live("state", config_fault, new_config_fault);
        }
        // What it holds decides what is interrupted when it gets or loses a link of its own.
        changes.extend(absorb_link(link.as_ref(), new_link.as_ref()));
        changes.live("state", initial, new_initial);
        changes.live("priority", priority, new_priority);
        changes.peers("version", version, new_version);
        // Of version 3 a BACKUP learns the master's.
        let learned = (*version, *new_version) == (Version::V3, Version::V3);
        let effect = if learned {
            Effect::Live
        } else {
            Effect::PeerMustFollow
        };
        changes.note("advert_int", advert_int, new_advert_int, effect);
        changes.live("down_timer_adverts", down_timer_adverts, new_down_timer_adverts);
        changes.live("drift_repair", drift_repair, new_drift_repair);
        changes.live("nopreempt", nopreempt, new_nopreempt);
        changes.live("preempt_delay", preempt_delay, new_preempt_delay);
        changes.hidden("authentication", auth, new_auth, Effect::PeerMustFollow);
        changes.extend(transport.absorb(new_transport));
        changes.live(source_keyword(new_transport), source, new_source);
        changes.extend(garp.absorb(new_garp));
        changes.live(
            "lower_prio_no_advert",
            lower_prio_no_advert,
            new_lower_prio_no_advert,
        );
        changes.live(
            "higher_prio_send_advert",
            higher_prio_send_advert,
            new_higher_prio_send_advert,
        );
        changes.extend(absorb_addresses((vips, excluded), (new_vips, new_excluded)));
        net::ways(&mut changes, VIRTUAL, (routes, new_routes), (rules, new_rules));
        changes.list("track_interface", track_interfaces, new_track_interfaces);
        changes.list("track_script", track_scripts, new_track_scripts);
        changes.extend(objects.absorb(new_objects));
        changes.live("dont_track_primary", dont_track_primary, new_dont_track_primary);
        changes.extend(election.absorb(new_election));
        changes.extend(notices.absorb(new_notices));
        changes.live("check_unicast_src", check_unicast_src, new_check_unicast_src);
        changes.live("no_accept", no_accept, new_no_accept);
        changes.extend(packets.absorb(new_packets));
        changes
    }

    /// Why `new`, which has its name, is another router all the same: what of the key is another.
    pub fn differs(&self, new: &Self) -> String {
        let InstanceKey {
            vrid,
            family,
            interface,
            endpoint,
            unicast,
        } = self.key();
        let InstanceKey {
            vrid: new_vrid,
            family: new_family,
            interface: new_interface,
            endpoint: new_endpoint,
            unicast: new_unicast,
        } = new.key();
        let mut changes = Changes::default();
        changes.live("virtual_router_id", &vrid, &new_vrid);
        changes.live("family", &family, &new_family);
        changes.live("interface", &interface, &new_interface);
        if unicast != new_unicast {
            let cast = |unicast| if unicast { "unicast" } else { "multicast" }.to_owned();
            changes.live("adverts", &cast(unicast), &cast(new_unicast));
        } else if unicast {
            changes.live("unicast_src_ip", &endpoint, &new_endpoint);
        } else {
            changes.live("mcast_group", &endpoint, &new_endpoint);
        }
        let all: Vec<String> = changes.iter().map(ToString::to_string).collect();
        if all.is_empty() {
            // Several have one key, and this one's place was taken by another.
            "another instance has taken its place".to_owned()
        } else {
            all.join(", ")
        }
    }
}

const fn source_keyword(transport: &Transport) -> &'static str {
    match transport {
        Transport::Multicast { .. } => "mcast_src_ip",
        Transport::Unicast { .. } => "unicast_src_ip",
    }
}

/// The sockets of the new link are open before the old ones go, so the adverts go on; what is held on it moves.
fn absorb_link(old: Option<&OwnLink>, new: Option<&OwnLink>) -> Changes {
    let mut changes = Changes::default();
    let (Some(old), Some(new)) = (old, new) else {
        let name = |link: Option<&OwnLink>| link.map(|OwnLink { name, xmit_base: _ }| name.clone());
        changes.live("use_vmac", &name(old), &name(new));
        return changes;
    };
    let OwnLink { name, xmit_base } = old;
    let OwnLink {
        name: new_name,
        xmit_base: new_xmit_base,
    } = new;
    changes.live("use_vmac", name, new_name);
    changes.live("vmac_xmit_base", xmit_base, new_xmit_base);
    changes
}

/// Addresses may go from one list to the other without being touched.
fn absorb_addresses(
    (vips, excluded): (&[AddressSpec], &[AddressSpec]),
    (new_vips, new_excluded): (&[AddressSpec], &[AddressSpec]),
) -> Changes {
    let mut changes = Changes::default();
    let same = AddressSpec::same_address;
    net::entries(
        &mut changes,
        VIRTUAL.addresses,
        vips,
        new_vips,
        same,
        AddressSpec::is,
    );
    net::entries(
        &mut changes,
        EXCLUDED,
        excluded,
        new_excluded,
        same,
        AddressSpec::is,
    );
    let removed = changes.iter_mut().filter_map(|changed| match &changed.what {
        What::Removed(text) => Some((text.clone(), changed)),
        What::Value { .. } | What::Hidden | What::Added(_) | What::Reordered => None,
    });
    for (text, changed) in removed {
        let Some(gone) = vips.iter().chain(excluded).find(|one| one.show() == text) else {
            continue;
        };
        let all = || new_vips.iter().chain(new_excluded);
        if !all().any(|one| one == gone) && all().any(|one| same(one, gone)) {
            changed.effect = Effect::Flaps;
            changed.why = Some(net::REMADE.into());
        }
    }
    changes
}

impl Transport {
    /// What changes of it; from multicast to unicast the router is another.
    pub fn absorb(&self, new: &Self) -> Changes {
        let mut changes = Changes::default();
        match (self, new) {
            (Self::Multicast { group }, Self::Multicast { group: new_group }) => {
                changes.flaps("mcast_group", group, new_group, "the router begins anew");
            }
            (
                Self::Unicast { peers, ttl },
                Self::Unicast {
                    peers: new_peers,
                    ttl: new_ttl,
                },
            ) => {
                changes.list("unicast_peer", peers, new_peers);
                changes.live("unicast_ttl", ttl, new_ttl);
            }
            (Self::Multicast { .. }, Self::Unicast { .. })
            | (Self::Unicast { .. }, Self::Multicast { .. }) => {
                let cast = |transport: &Self| matches!(transport, Self::Unicast { .. });
                changes.flaps("unicast", &cast(self), &cast(new), "the router begins anew");
            }
        }
        changes
    }
}

shown_as_displayed!(Priority, Vrid);

impl Show for Version {
    fn show(&self) -> String {
        self.number().to_string()
    }
}

impl Show for InitialState {
    fn show(&self) -> String {
        match self {
            Self::Master => "MASTER",
            Self::Backup => "BACKUP",
        }
        .to_owned()
    }
}
