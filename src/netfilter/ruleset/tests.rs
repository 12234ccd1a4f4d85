use super::*;

fn settings() -> Settings {
    Settings {
        table: "t".into(),
        priority: -1,
        counters: false,
        no_igmp: false,
    }
}

fn blocked(all: &[Blocked]) -> Contents {
    Contents {
        blocked: all.iter().cloned().collect(),
        vmacs: BTreeSet::new(),
    }
}

fn address(text: &str) -> Blocked {
    Blocked::Address(text.parse().unwrap())
}

fn vmac(index: u32, v4: bool, v6: bool) -> Vmac {
    Vmac {
        index: IfIndex(index),
        parent: IfIndex(2),
        v4,
        v6,
        parent_link_local: Some("fe80::1".parse().unwrap()),
    }
}

fn element(octets: &[u8]) -> Element {
    Element {
        key: octets.to_vec(),
        end: None,
        data: None,
    }
}

#[test]
fn tables_that_others_have_changed_are_made_anew_in_one_step() {
    let none = Ruleset::new(settings());
    let four = blocked(&[address("10.0.0.1")]);
    assert_eq!(none.anew(&four), None, "nothing was made");
    let (_, both) = none.becoming(&blocked(&[address("10.0.0.1"), address("fd00::1")]));
    let (messages, after) = both.anew(&four).unwrap();
    let (made, as_new) = none.becoming(&four);
    let mut wanted = Vec::from(
        [V4, V6]
            .map(|family| [new_table(family, "t"), delete_table(family, "t")])
            .as_flattened(),
    );
    wanted.extend(made);
    assert_eq!(messages, wanted);
    assert_eq!(after, as_new, "a table that nobody needs is no more");
}

/// Facts: 10.3
#[test]
fn the_first_address_makes_the_table_and_the_second_only_a_member() {
    let (first, ruleset) = Ruleset::new(settings()).becoming(&blocked(&[address("10.0.0.1")]));
    assert_eq!(first[0], new_table(V4, "t"));
    assert!(first.contains(&base_chain(V4, "t", "in", Hook::Input, -1)));
    assert!(first.contains(&base_chain(V4, "t", "out", Hook::Output, -1)));
    let drops = |steps: &[Step]| [steps, &[Step::In("vips"), Step::Verdict(Verdict::Drop)]].concat();
    assert!(first.contains(&new_rule(V4, "t", "in", true, &drops(&[DESTINATION_V4]))));
    assert!(first.contains(&new_rule(V4, "t", "out", true, &drops(&[SOURCE_V4]))));
    assert_eq!(
        first.last(),
        Some(&add_elements(V4, "t", "vips", &[element(&[10, 0, 0, 1])]))
    );
    assert_eq!(ruleset.tables().collect::<Vec<_>>(), [V4]);

    let both = blocked(&[address("10.0.0.1"), address("10.0.0.2")]);
    let (second, ruleset) = ruleset.becoming(&both);
    assert_eq!(
        second,
        [add_elements(V4, "t", "vips", &[element(&[10, 0, 0, 2])])]
    );
    let (none, ruleset) = ruleset.becoming(&both);
    assert_eq!(none, []);
    let (last, _) = ruleset.becoming(&Contents::default());
    let members = [element(&[10, 0, 0, 1]), element(&[10, 0, 0, 2])];
    assert_eq!(last, [delete_elements(V4, "t", "vips", &members)]);
}

/// Facts: 10.4
#[test]
fn link_local_addresses_are_dropped_where_they_are() {
    let local: Ipv6Addr = "fe80::9".parse().unwrap();
    let name = IfName::new("eth0").unwrap();
    let contents = blocked(&[
        Blocked::OnIndex(local, IfIndex(7)),
        Blocked::OnName(local, name),
        address("fd00::9"),
    ]);
    let (messages, ruleset) = Ruleset::new(settings()).becoming(&contents);
    assert_eq!(ruleset.tables().collect::<Vec<_>>(), [V6]);
    let mut on_index = local.octets().to_vec();
    on_index.extend(7_u32.to_ne_bytes());
    let mut on_name = local.octets().to_vec();
    on_name.extend(b"eth0\0\0\0\0\0\0\0\0\0\0\0\0");
    assert!(messages.contains(&add_elements(V6, "t", "vips_link_local", &[element(&on_index)])));
    assert!(messages.contains(&add_elements(
        V6,
        "t",
        "vips_link_local_name",
        &[element(&on_name)]
    )));
    let discovery = [element(&[135]), element(&[136])];
    assert!(messages.contains(&add_elements(V6, "t", "neighbor-discovery", &discovery)));
    assert!(messages.contains(&chain(V6, "t", "in_link_local")));
}

/// Facts: 10.5, 10.9
#[test]
fn reports_of_virtual_macs_leave_by_their_parent() {
    let contents = |vmacs: &[Vmac]| Contents {
        blocked: BTreeSet::new(),
        vmacs: vmacs.iter().cloned().collect(),
    };
    let map = |index: u32| Element {
        key: index.to_ne_bytes().to_vec(),
        end: None,
        data: Some(2_u32.to_ne_bytes().to_vec()),
    };
    let (messages, ruleset) = Ruleset::new(settings()).becoming(&contents(&[vmac(5, true, false)]));
    assert_eq!(ruleset.tables().collect::<Vec<_>>(), [V4]);
    assert_eq!(
        messages.last(),
        Some(&add_elements(V4, "t", "vmac_map", &[map(5)]))
    );
    let (messages, ruleset) = ruleset.becoming(&contents(&[vmac(5, true, false), vmac(6, false, true)]));
    assert_eq!(ruleset.tables().collect::<Vec<_>>(), [V4, V6]);
    assert!(messages.contains(&add_elements(V6, "t", "vmac_map", &[map(6)])));
    let mut parents = "fe80::1".parse::<Ipv6Addr>().unwrap().octets().to_vec();
    parents.extend(6_u32.to_ne_bytes());
    assert!(messages.contains(&add_elements(V6, "t", "parent_link_local", &[element(&parents)])));
    assert!(messages.contains(&add_elements(
        V6,
        "t",
        "mld-report",
        &[element(&[131]), element(&[143])]
    )));

    let silent = Settings {
        no_igmp: true,
        ..settings()
    };
    let (messages, _) = Ruleset::new(silent).becoming(&contents(&[vmac(5, true, false)]));
    assert_eq!(messages, [], "the kernel sends no IGMP");
}

/// Facts: 10.6
#[test]
fn every_rule_counts_when_told_so() {
    let counting = Settings {
        counters: true,
        ..settings()
    };
    let contents = Contents {
        blocked: [
            address("10.0.0.1"),
            Blocked::OnIndex("fe80::1".parse().unwrap(), IfIndex(3)),
        ]
        .into(),
        vmacs: [vmac(5, true, true)].into(),
    };
    let rules = |settings| {
        let (messages, _) = Ruleset::new(settings).becoming(&contents);
        messages
            .iter()
            .map(|message| format!("{message:?}"))
            .filter(|m| m.contains("kind: 2566"))
            .collect::<Vec<_>>()
    };
    let counter: Vec<String> = rules(counting);
    assert_eq!(counter.len(), 14);
    let name = format!("{:?}", b"counter\0".to_vec());
    assert!(counter.iter().all(|rule| rule.contains(&name)));
    assert!(!rules(settings()).iter().any(|rule| rule.contains(&name)));
}

/// Attributes have lengths of 16 bits.
#[test]
fn many_addresses_take_several_messages() {
    let address = |n: u32| Blocked::Address(IpAddr::V6(u128::from(n).into()));
    let contents = Contents {
        blocked: (0..5_000).map(address).collect(),
        vmacs: BTreeSet::new(),
    };
    let (messages, full) = Ruleset::new(settings()).becoming(&contents);
    let (removal, _) = full.becoming(&Contents::default());
    assert_eq!(removal.len(), 7);
    for message in messages.iter().chain(&removal) {
        let length = netlink_packet_core::NetlinkSerializable::buffer_len(message);
        assert!(length < 1 << 16, "{length}");
    }
}
