//! The packet filter of a receive socket: VRRP for our VRIDs and nothing else, decided in the kernel.
//!
//! Classic BPF. A raw IPv4 socket's filter sees the packet from the IP header on, a raw IPv6 socket's from behind it.

use crate::net::Family;
use crate::vrrp::Vrid;
use crate::vrrp::event::Carrier;
use socket2::SockFilter;

/// One instruction of classic BPF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    code: u16,
    jump_true: u8,
    jump_false: u8,
    k: u32,
}

impl From<Instruction> for SockFilter {
    fn from(i: Instruction) -> Self {
        Self::new(i.code, i.jump_true, i.jump_false, i.k)
    }
}

/// `A := packet[k]`
const LOAD_OCTET: u16 = 0x30;
/// `A := packet[X + k]`
const LOAD_OCTET_AT_X: u16 = 0x50;
/// `X := 4 * (packet[k] & 15)`: the length of an IPv4 header.
const LOAD_X_HEADER_LEN: u16 = 0xb1;
/// `A == k`?
const JUMP_EQ: u16 = 0x15;
/// `A > k`?
const JUMP_GT: u16 = 0x25;
/// `A >= k`?
const JUMP_GE: u16 = 0x35;
/// Accept `k` octets; 0 drops.
const RETURN: u16 = 0x06;

const ACCEPT: Instruction = statement(RETURN, u32::MAX);
const DROP: Instruction = statement(RETURN, 0);

const fn statement(code: u16, k: u32) -> Instruction {
    Instruction {
        code,
        jump_true: 0,
        jump_false: 0,
        k,
    }
}

const fn jump(code: u16, k: u32, jump_true: u8, jump_false: u8) -> Instruction {
    Instruction {
        code,
        jump_true,
        jump_false,
        k,
    }
}

/// Lets VRRP packets of `vrids` through. A packet too short to have a VRID is dropped.
pub fn accept(family: Family, carrier: Carrier, vrids: &[Vrid]) -> Vec<Instruction> {
    let behind = u32::try_from(carrier.header_len()).unwrap_or(0);
    let mut program = match family {
        Family::V4 => vec![
            statement(LOAD_OCTET, 9),
            jump(JUMP_EQ, u32::from(carrier.protocol()), 1, 0),
            DROP,
            statement(LOAD_X_HEADER_LEN, 0),
            // The second octet of the packet is the VRID.
            statement(LOAD_OCTET_AT_X, behind + 1),
        ],
        Family::V6 => vec![statement(LOAD_OCTET, 1)],
    };
    for (low, high) in ranges(vrids) {
        program.extend([
            jump(JUMP_GE, u32::from(low), 0, 2),
            jump(JUMP_GT, u32::from(high), 1, 0),
            ACCEPT,
        ]);
    }
    program.push(DROP);
    program
}

/// Lets nothing through: for sockets that only send.
pub fn drop_all() -> Vec<Instruction> {
    vec![DROP]
}

/// The identifiers as closed ranges, ascending: 200 consecutive VRIDs cost one comparison.
fn ranges(vrids: &[Vrid]) -> Vec<(u8, u8)> {
    let mut sorted: Vec<u8> = vrids.iter().map(|vrid| vrid.get()).collect();
    sorted.sort_unstable();
    let mut ranges: Vec<(u8, u8)> = Vec::new();
    for vrid in sorted {
        match ranges.last_mut() {
            Some((_, high)) if vrid <= high.saturating_add(1) => *high = vrid,
            _ => ranges.push((vrid, vrid)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A classic BPF machine for the instructions above. `None`: out of the packet, which drops it.
    fn run(program: &[Instruction], packet: &[u8]) -> Option<u32> {
        let (mut a, mut x, mut at) = (0_u32, 0_u32, 0_usize);
        loop {
            let i = program[at];
            at += 1;
            let mut branch = |yes: bool| at += usize::from(if yes { i.jump_true } else { i.jump_false });
            match i.code {
                LOAD_OCTET => a = u32::from(*packet.get(usize::try_from(i.k).unwrap())?),
                LOAD_OCTET_AT_X => a = u32::from(*packet.get(usize::try_from(x + i.k).unwrap())?),
                LOAD_X_HEADER_LEN => x = 4 * u32::from(packet.get(usize::try_from(i.k).unwrap())? & 15),
                JUMP_EQ => branch(a == i.k),
                JUMP_GT => branch(a > i.k),
                JUMP_GE => branch(a >= i.k),
                RETURN => return Some(i.k),
                code => panic!("unknown instruction {code:#x}"),
            }
        }
    }

    fn passes(program: &[Instruction], packet: &[u8]) -> bool {
        run(program, packet).is_some_and(|octets| octets > 0)
    }

    fn v4(ihl: u8, protocol: u8, vrid: u8) -> Vec<u8> {
        let mut packet = vec![0; usize::from(ihl) * 4];
        packet[0] = 0x40 | ihl;
        packet[9] = protocol;
        packet.extend([0x21, vrid, 100, 1]);
        packet
    }

    fn vrids(list: &[u8]) -> Vec<Vrid> {
        list.iter().map(|v| Vrid::new(*v).unwrap()).collect()
    }

    /// Facts: 6.1
    #[test]
    fn only_our_vrids_pass() {
        let wanted = [1, 2, 3, 51, 53, 255];
        let (four, six) = (
            accept(Family::V4, Carrier::Plain, &vrids(&wanted)),
            accept(Family::V6, Carrier::Plain, &vrids(&wanted)),
        );
        for vrid in 0..=255 {
            let expected = wanted.contains(&vrid);
            assert_eq!(passes(&four, &v4(5, 112, vrid)), expected, "{vrid}");
            assert_eq!(
                passes(&four, &v4(6, 112, vrid)),
                expected,
                "{vrid} behind IP options"
            );
            assert_eq!(passes(&six, &[0x31, vrid, 100, 1]), expected, "{vrid}, IPv6");
            assert!(!passes(&four, &v4(5, 51, vrid)));
        }
    }

    #[test]
    fn ah_has_the_vrid_behind_its_header() {
        let program = accept(Family::V4, Carrier::Ah, &vrids(&[51]));
        let ah = |protocol: u8, vrid: u8| {
            let mut packet = v4(5, protocol, 0);
            packet.truncate(20);
            packet.extend([0; 24]);
            packet.extend([0x21, vrid, 100, 1]);
            packet
        };
        assert!(passes(&program, &ah(51, 51)));
        assert!(!passes(&program, &ah(51, 52)));
        assert!(!passes(&program, &ah(112, 51)));
        assert!(!passes(&program, &ah(51, 51)[..45]));
    }

    #[test]
    fn runts_are_dropped() {
        let four = accept(Family::V4, Carrier::Plain, &vrids(&[51]));
        assert!(!passes(&four, &v4(5, 112, 51)[..21]));
        assert!(!passes(
            &accept(Family::V6, Carrier::Plain, &vrids(&[51])),
            &[0x31]
        ));
        assert!(!passes(&accept(Family::V4, Carrier::Plain, &[]), &v4(5, 112, 51)));
        assert!(!passes(&drop_all(), &v4(5, 112, 51)));
    }

    #[test]
    fn any_set_fits_the_kernel() {
        let all: Vec<u8> = (1..=255).collect();
        assert_eq!(accept(Family::V4, Carrier::Plain, &vrids(&all)).len(), 9);
        let odd: Vec<u8> = (1..=255).step_by(2).collect();
        let program = accept(Family::V4, Carrier::Plain, &vrids(&odd));
        assert!(program.len() < 4096);
        assert!(passes(&program, &v4(5, 112, 255)));
        assert!(!passes(&program, &v4(5, 112, 254)));
    }
}
