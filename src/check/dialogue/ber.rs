//! BER as LDAP uses it: definite lengths, tags of one octet.

/// A tag, the content, and what is behind it.
pub(super) type Element<'a> = (u8, &'a [u8], &'a [u8]);

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;

/// How far an element's beginning was understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// More has to come.
    Unfinished,
    /// It is none.
    Wrong,
    /// Octets of its tag and length, and of its content.
    Whole(usize, usize),
}

/// The beginning of `input`.
pub(super) fn head(input: &[u8]) -> Head {
    let (Some(tag), Some(first)) = (input.first(), input.get(1)) else {
        return Head::Unfinished;
    };
    if tag & 0x1f == 0x1f {
        return Head::Wrong;
    }
    if *first < 0x80 {
        return Head::Whole(2, usize::from(*first));
    }
    let count = usize::from(first & 0x7f);
    // Lengths without an end are none of LDAP's.
    if !(1..=4).contains(&count) {
        return Head::Wrong;
    }
    let Some(octets) = input.get(2..2 + count) else {
        return Head::Unfinished;
    };
    let length = octets
        .iter()
        .fold(0_usize, |length, octet| length << 8 | usize::from(*octet));
    Head::Whole(2 + count, length)
}

/// The first element of `input`, which must be there as a whole.
pub(super) fn element(input: &[u8]) -> Option<Element<'_>> {
    let Head::Whole(start, length) = head(input) else {
        return None;
    };
    let end = start.checked_add(length)?;
    Some((*input.first()?, input.get(start..end)?, input.get(end..)?))
}

/// The content of the first element, which must have this tag; and what is behind it.
pub(super) fn expect(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(input)?;
    (found == tag).then_some((content, rest))
}

/// A number that is not negative.
pub(super) fn number(content: &[u8]) -> Option<u32> {
    if content.is_empty() || content.len() > 5 || content.first()? & 0x80 != 0 {
        return None;
    }
    let wide = content
        .iter()
        .fold(0_u64, |number, octet| number << 8 | u64::from(*octet));
    u32::try_from(wide).ok()
}

/// An element of these parts.
pub(super) fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let wide = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
            out.push(0x84);
            out.extend(wide);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// A number below 128.
pub(super) fn small(tag: u8, number: u8) -> Vec<u8> {
    write(tag, &[&[number & 0x7f]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_short_and_long() {
        assert_eq!(write(OCTETS, &[b"ab", b"c"]), b"\x04\x03abc");
        let long = write(OCTETS, &[&[7; 200]]);
        assert_eq!(long[..6], [4, 0x84, 0, 0, 0, 200]);
        assert_eq!(head(&long), Head::Whole(6, 200));
        assert_eq!(head(b"\x04\x81\xc8"), Head::Whole(3, 200));
        assert_eq!(head(b"\x04"), Head::Unfinished);
        assert_eq!(head(b"\x04\x82\x01"), Head::Unfinished);
        assert_eq!(head(b"\x04\x80"), Head::Wrong, "without an end");
        assert_eq!(head(b"\x04\x85"), Head::Wrong);
        assert_eq!(head(b"\x1f\x01"), Head::Wrong, "a tag of several octets");
        assert_eq!(element(b"\x04\x84\xff\xff\xff\xffabc"), None);
    }

    #[test]
    fn numbers_are_small_and_positive() {
        assert_eq!(number(b"\x00"), Some(0));
        assert_eq!(number(b"\x31"), Some(49));
        assert_eq!(number(b"\x00\xff\xff\xff\xff"), Some(u32::MAX));
        assert_eq!(number(b"\x01\x00\x00\x00\x00"), None);
        assert_eq!(number(b"\xff"), None);
        assert_eq!(number(b""), None);
    }

    proptest! {
        #[test]
        fn any_octets_are_read_to_their_end(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut rest = &octets[..];
            while let Some((_, content, behind)) = element(rest) {
                prop_assert!(content.len() + behind.len() < rest.len());
                let _ = number(content);
                rest = behind;
            }
        }

        #[test]
        fn what_is_written_is_read(content in proptest::collection::vec(any::<u8>(), 0..400)) {
            let written = write(OCTETS, &[&content]);
            prop_assert_eq!(expect(OCTETS, &written), Some((&content[..], &[][..])));
        }
    }
}
