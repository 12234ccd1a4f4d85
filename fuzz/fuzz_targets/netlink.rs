//! Any octets that come from the kernel's netlink: changes, dumps and answers. No panic, an answer touches its own request
//! only, and the inventory tells each difference once.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;
use steadfast::net::{Goods, IfIndex};
use steadfast::netlink::apply::{Answer, read_answers};
use steadfast::netlink::message::Lost;
use steadfast::netlink::monitor::Heard;
use steadfast::netlink::{Change, Inventory, News, route, rule};
use steadfast_fuzz::plane;

const TEXT: &str = "vrrp_instance A {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.0.0.100\n}\n\
    virtual_routes {\n10.20.0.0/16 via 10.0.0.7 dev eth0 metric 5\n2001:db8:1::/48 via fe80::7 dev eth0\n\
    blackhole 10.30.0.0/16\n10.40.0.0/16 nexthop via 10.0.0.7 dev eth0 weight 2 nexthop via 10.0.0.8 dev eth0\n}\n\
    virtual_rules {\nfrom 10.0.0.0/8 table 7 priority 100\nnot to 2001:db8::/32 iif eth0 blackhole\n\
    from 10.1.0.0/16 fwmark 1/7 uidrange 1-2 sport 1-2 table 8\n}\n}\n";

fn goods() -> &'static Goods {
    static GOODS: OnceLock<Goods> = OnceLock::new();
    GOODS.get_or_init(|| {
        let goods = plane::vrrp(TEXT, plane::interface(1)).routers[0].goods();
        assert_eq!((goods.routes.len(), goods.rules.len()), (4, 3));
        goods
    })
}

/// The text's octets as messages: each has its length put right, which no search would find, and one of our kinds.
fn framed(input: &[u8]) -> Vec<u8> {
    /// New and gone: links, addresses, routes, rules; an error, the end, an overrun.
    const KINDS: [u16; 11] = [16, 17, 20, 21, 24, 25, 32, 33, 2, 3, 4];
    let mut all = Vec::new();
    let mut rest = input;
    while let [kind, flags, sequence, length, after @ ..] = rest {
        let (body, after) = after.split_at(usize::from(*length).min(after.len()));
        rest = after;
        all.extend((16 + body.len() as u32).to_ne_bytes());
        all.extend(KINDS[usize::from(*kind) % KINDS.len()].to_ne_bytes());
        all.extend((u16::from(*flags) << 8 | u16::from(*flags)).to_ne_bytes());
        all.extend(u32::from(*sequence).to_ne_bytes());
        all.extend([0; 4]);
        all.extend(body);
        all.resize(all.len().next_multiple_of(4), 0);
    }
    all
}

fn check(datagram: &[u8]) {
    let mut answers: Vec<Answer> = (0..4).map(|_| None).collect();
    read_answers(datagram, 2, &mut answers);
    for refusal in answers.into_iter().flatten().filter_map(Result::err) {
        assert!(!refusal.to_string().is_empty());
    }

    let mut heard = Heard::default();
    heard.read(datagram);
    let mut inventory = Inventory::default();
    inventory.apply(Change::Link {
        status: plane::interface(1),
        forwards_v6: None,
    });
    inventory.take_news();
    inventory.hold(IfIndex(2), [10, 0, 0, 100].into());
    for change in &heard.changes {
        inventory.apply(change.clone());
    }
    inventory.suspects_removal();
    let mut there: Vec<_> = inventory.interfaces().cloned().collect();
    for news in inventory.take_news() {
        if let News::Interface { status, .. } = news {
            assert!(there.contains(&status));
        }
    }
    assert_eq!(inventory.take_news(), [], "told twice");
    // What a dump says is there afterwards, whatever was before.
    inventory.replace(heard.changes.iter().cloned());
    inventory.take_news();
    let mut fresh = Inventory::default();
    fresh.replace(heard.changes);
    there = fresh.interfaces().cloned().collect();
    assert_eq!(inventory.interfaces().cloned().collect::<Vec<_>>(), there);

    let goods = goods();
    for lost in &heard.lost {
        match lost {
            Lost::Route(told) => {
                let alike = goods
                    .routes
                    .iter()
                    .filter(|ours| route::is(ours, told, &inventory));
                assert!(alike.count() <= 1, "{told:?}");
            }
            Lost::Rule(told) => {
                let alike = goods.rules.iter().filter(|ours| rule::is(ours, told));
                assert!(alike.count() <= 3);
            }
        }
    }
}

fuzz_target!(|input: &[u8]| {
    check(input);
    check(&framed(input));
});
