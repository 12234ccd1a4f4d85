//! Any virtual servers: by address of both families, by mark and on groups, with any settings, real servers and checkers of
//! the right samples in any order. What is printed of them means the same plan.

use crate::checkers::CHECKERS;
use crate::round_trip::check;
use crate::samples::valid;
use proptest::prelude::*;

/// Before the virtual servers: what they refer to.
const AROUND: &str = "
track_file F {
    file /run/f
}
bfd_instance N {
    neighbor_ip 192.0.2.2
}
virtual_server_group G {
    192.0.2.1 80
    192.0.2.2-9 81
}
virtual_server_group H {
    2001:db8::/125
    fwmark 5
}
virtual_server_group I {
    192.0.2.0/30 80
    2001:db8::1-4 53
    fwmark 6 inet6
}
virtual_server_group J {
    fwmark 7
}
";
const NAMES: [&str; 10] = [
    "192.0.2.80 80",
    "192.0.2.80",
    "2001:db8::80 80",
    "2001:db8::80 0",
    "fwmark 7",
    "fwmark 8",
    "group G",
    "group H",
    "group I",
    "group J",
];
const ADDRESSES: [&str; 8] = [
    "198.51.100.1 80",
    "198.51.100.1 81",
    "198.51.100.1",
    "198.51.100.2 0",
    "2001:db8:1::1 80",
    "2001:db8:1::1",
    "2001:db8:1::2 53",
    "fe80::1 80",
];

/// Up to `most` of the right samples of `block`.
fn lines(block: &'static str, most: usize) -> BoxedStrategy<String> {
    let texts: Vec<String> = valid()
        .into_iter()
        .filter(|(name, ..)| *name == block)
        .map(|(.., text)| text)
        .collect();
    if texts.is_empty() {
        return Just(String::new()).boxed();
    }
    prop::collection::vec(prop::sample::select(texts), 0..=most)
        .prop_map(|lines| lines.join("\n"))
        .boxed()
}

fn checker() -> impl Strategy<Value = String> {
    prop::sample::select(&CHECKERS[..]).prop_flat_map(|(keyword, block)| {
        let needed = match keyword {
            "HTTP_GET" | "SSL_GET" => "url {\npath /\n}",
            "MISC_CHECK" => "misc_path /usr/bin/true",
            "BFD_CHECK" => "name N",
            "FILE_CHECK" => "track_file F",
            "RADIUS_CHECK" => "secret S",
            _ => "",
        };
        lines(block, 8).prop_map(move |lines| format!("{keyword} {{\n{needed}\n{lines}\n}}"))
    })
}

fn real_server() -> impl Strategy<Value = String> {
    let checkers = prop::collection::vec(checker(), 0..4).prop_map(|all| all.join("\n"));
    (
        prop::sample::select(&ADDRESSES[..]),
        lines("RealServer", 6),
        checkers,
        lines("RealServer", 3),
    )
        .prop_map(|(address, before, checkers, after)| {
            format!("real_server {address} {{\n{before}\n{checkers}\n{after}\n}}")
        })
}

fn virtual_server() -> impl Strategy<Value = String> {
    let reals = prop::collection::vec(real_server(), 1..5).prop_map(|all| all.join("\n"));
    (
        prop::sample::select(&NAMES[..]),
        prop_oneof![Just(""), Just("lvs_method NAT"), Just("lvs_method TUN")],
        lines("VirtualServer", 8),
        reals,
        lines("VirtualServer", 3),
    )
        .prop_map(|(name, method, before, reals, after)| {
            format!("virtual_server {name} {{\n{method}\n{before}\n{reals}\n{after}\n}}\n")
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_of_virtual_servers_means_the_same(
        ssl in lines("Ssl", 4),
        servers in prop::collection::vec(virtual_server(), 1..4),
    ) {
        check(&format!("SSL {{\n{ssl}\n}}\n{AROUND}{}", servers.concat()));
    }
}
