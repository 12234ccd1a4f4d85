use super::*;
use crate::net::{Cidr, IfName, Scope};

fn spec(address: &str) -> AddressSpec {
    AddressSpec {
        cidr: Cidr::host(address.parse().unwrap()),
        interface: IfName::new("eth0").unwrap(),
        scope: Scope::GLOBAL,
        label: None,
        broadcast: None,
    }
}

fn order(router: u32, generation: u64, addresses: &[&str]) -> AddressOrder {
    AddressOrder {
        router: RouterId(router),
        generation,
        addresses: addresses.iter().map(|a| spec(a)).collect(),
    }
}

#[test]
fn a_hold_that_a_newer_release_overtook_is_not_carried_out() {
    let hold = order(1, 5, &["10.0.0.1", "10.0.0.2"]);
    let taken = |release: AddressOrder| {
        let queue = VecDeque::from([Request::Release(release)]);
        hold.addresses
            .iter()
            .map(|spec| taken_back(&queue, &hold, spec))
            .collect::<Vec<_>>()
    };
    assert_eq!(taken(order(1, 6, &["10.0.0.1", "10.0.0.2"])), [true, true]);
    assert_eq!(
        taken(order(1, 6, &["10.0.0.2"])),
        [false, true],
        "a reload takes one back"
    );
    assert_eq!(
        taken(order(1, 4, &["10.0.0.1", "10.0.0.2"])),
        [false, false],
        "an older one"
    );
    assert_eq!(
        taken(order(2, 9, &["10.0.0.1"])),
        [false, false],
        "another router's"
    );
    let mut labelled = order(1, 6, &["10.0.0.1"]);
    labelled.addresses[0].label = Some("eth0:x".into());
    assert_eq!(taken(labelled), [true, false], "the label does not matter");
}

/// Without privileges the worker still follows the interfaces; it ends when it is told to.
#[test]
fn tells_the_interfaces_and_ends() {
    let mut worker = spawn(Wanted::default(), false).unwrap();
    let mut names = Vec::new();
    loop {
        match worker.reports.blocking_recv().unwrap() {
            Report::Interface { status, .. } => names.push(status.name.as_str().to_owned()),
            Report::Ready { epoch } => {
                assert_eq!(epoch, START);
                break;
            }
            Report::Event(_) | Report::Opened { .. } => {}
        }
    }
    assert!(names.contains(&"lo".to_owned()), "{names:?}");
    worker
        .requests
        .blocking_send(Request::End { release: true })
        .unwrap();
    assert!(worker.ended.recv().is_err(), "closed without a word");
}
