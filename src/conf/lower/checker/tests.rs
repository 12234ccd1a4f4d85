use super::*;

#[test]
fn octets_in_hexadecimal() {
    let full = |octets: &[u8]| Some(octets.iter().map(|octet| (*octet, 0xff)).collect::<Vec<_>>());
    assert_eq!(hex("0102", false), full(&[1, 2]));
    assert_eq!(hex("01 a0 F", false), full(&[1, 0xa0, 15]));
    assert_eq!(hex("1xX2", true), Some(vec![(0x10, 0xf0), (2, 0x0f)]));
    for bad in ["", " ", "1x", "0g", "é"] {
        assert_eq!(hex(bad, false), None, "{bad}");
    }
}
