//! The question of a DNS_CHECK, and what counts of an answer: its number, that it is one, and its response code (facts
//! 9.16, 9.17; RFC 1035). Pure; the answer's records are not looked at.

use super::config::DnsType;

/// Octets of a header.
const HEADER: usize = 12;
/// The longest label.
const MAX_LABEL: usize = 63;
/// Recursion desired.
const RECURSE: u16 = 0x0100;
/// In the third octet: this is an answer.
const ANSWER: u8 = 0x80;
/// In the fourth octet: the response code.
const RCODE: u8 = 0x0f;
/// The class of the Internet.
const IN: u16 = 1;

/// A question: for `name`, or the root.
pub fn question(id: u16, kind: DnsType, name: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + 5 + name.map_or(0, |name| name.len() + 2));
    for field in [id, RECURSE, 1, 0, 0, 0] {
        out.extend(field.to_be_bytes());
    }
    let labels = name
        .unwrap_or_default()
        .split('.')
        .filter(|label| !label.is_empty());
    for label in labels {
        // Labels that are too long were refused where the configuration was read.
        let label = label.as_bytes().get(..MAX_LABEL).unwrap_or(label.as_bytes());
        out.extend(u8::try_from(label.len()));
        out.extend(label);
    }
    out.push(0);
    for field in [number(kind), IN] {
        out.extend(field.to_be_bytes());
    }
    out
}

/// The response code of the answer to question `id`; `None` when `datagram` is no answer to it.
pub fn response_code(id: u16, datagram: &[u8]) -> Option<u8> {
    let header: &[u8; HEADER] = datagram.first_chunk()?;
    let [high, low, third, fourth, ..] = *header;
    (u16::from_be_bytes([high, low]) == id && third & ANSWER != 0).then_some(fourth & RCODE)
}

/// The number of a type of records.
const fn number(kind: DnsType) -> u16 {
    match kind {
        DnsType::A => 1,
        DnsType::Ns => 2,
        DnsType::Cname => 5,
        DnsType::Soa => 6,
        DnsType::Mx => 15,
        DnsType::Txt => 16,
        DnsType::Aaaa => 28,
        DnsType::Rrsig => 46,
        DnsType::Dnskey => 48,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// LVS facts: 9.16, 9.19
    #[test]
    fn questions_are_as_rfc_1035_has_them() {
        let root = question(0x1234, DnsType::Soa, None);
        assert_eq!(root, *b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\0\0\x06\0\x01");
        let name = question(1, DnsType::Aaaa, Some("a.example.com"));
        assert_eq!(
            name,
            *b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x01a\x07example\x03com\0\0\x1c\0\x01"
        );
        assert_eq!(name, question(1, DnsType::Aaaa, Some("a.example.com.")));
        let numbers = DnsType::ALL.map(|kind| {
            let asked = question(0, kind, None);
            u16::from_be_bytes([asked[13], asked[14]])
        });
        assert_eq!(numbers, [1, 2, 5, 6, 15, 16, 28, 46, 48]);
    }

    /// LVS facts: 9.17
    #[test]
    fn an_answer_has_our_number_and_says_that_it_is_one() {
        let answer = |third: u8, fourth: u8| {
            let mut answer = question(0x0102, DnsType::A, None);
            (answer[2], answer[3]) = (third, fourth);
            answer
        };
        assert_eq!(response_code(0x0102, &answer(0x81, 0x80)), Some(0));
        assert_eq!(response_code(0x0102, &answer(0x81, 0x83)), Some(3));
        assert_eq!(
            response_code(0x0103, &answer(0x81, 0x80)),
            None,
            "another question's"
        );
        assert_eq!(response_code(0x0102, &answer(0x01, 0x00)), None, "a question");
        assert_eq!(response_code(0x0102, &answer(0x81, 0x80)[..12]), Some(0));
        assert_eq!(
            response_code(0x0102, &answer(0x81, 0x80)[..11]),
            None,
            "too short"
        );
    }

    proptest! {
        #[test]
        fn any_name_gives_a_question_that_ends(name in ".{0,300}") {
            let asked = question(7, DnsType::Mx, Some(&name));
            let mut rest = &asked[12..];
            while let [length, after @ ..] = rest
                && *length > 0
            {
                prop_assert!(usize::from(*length) <= 63);
                rest = &after[usize::from(*length)..];
            }
            prop_assert_eq!(rest, &[0, 0, 15, 0, 1]);
        }
    }
}
