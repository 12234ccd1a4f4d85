//! gRPC's health (`grpc.health.v1`): the messages of `Check`, of two fields in all, and what its statuses mean.

use super::said;

/// Where it is asked.
pub(in super::super) const PATH: &str = "/grpc.health.v1.Health/Check";
/// The most octets of an answer that are read; a healthy one has seven.
pub(in super::super) const MOST: usize = 64 * 1024;

const VARINT: u64 = 0;
const BYTES: u64 = 2;

/// The names of the statuses, by their numbers.
const STATUSES: [&str; 4] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/// The names of the codes of gRPC, by their numbers.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The question for the health of a service, or of the server as a whole.
pub(in super::super) fn question(service: Option<&str>) -> Vec<u8> {
    let mut message = Vec::new();
    if let Some(service) = service {
        message.push(0x0a);
        varint(service.len(), &mut message);
        message.extend(service.as_bytes());
    }
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut out = vec![0];
    out.extend(length.to_be_bytes());
    out.extend(message);
    out
}

fn varint(mut number: usize, out: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        out.push(if number > 0 { low | 0x80 } else { low });
        if number == 0 {
            return;
        }
    }
}

/// Whether the answer is that of a healthy service; otherwise why not. `status` and `words` are `grpc-status` and
/// `grpc-message`, `body` is all of it.
pub(in super::super) fn judge(status: Option<&[u8]>, words: &[u8], body: &[u8]) -> Result<(), String> {
    let status = status.ok_or("an answer without grpc-status")?;
    if status != b"0" {
        let number = std::str::from_utf8(status)
            .ok()
            .and_then(|text| text.parse::<usize>().ok());
        let name = number.and_then(|number| CODES.get(number)).unwrap_or(&"no code");
        let text = format!("grpc-status {} ({name}) {}", said(status), said(words));
        return Err(text.trim_end().to_owned());
    }
    match health(body) {
        Some(1) => Ok(()),
        Some(other) => {
            let name = usize::try_from(other).ok().and_then(|at| STATUSES.get(at));
            Err(match name {
                Some(name) => format!("its status is {name}"),
                None => format!("its status is {other}"),
            })
        }
        None => Err("an answer that is none of grpc.health.v1".into()),
    }
}

/// The status in a whole answer: one message, not compressed.
fn health(body: &[u8]) -> Option<u64> {
    let (head, mut rest) = body.split_first_chunk::<5>()?;
    let [0, length @ ..] = head else { return None };
    if usize::try_from(u32::from_be_bytes(*length)).ok()? != rest.len() {
        return None;
    }
    // A field that is its default is not sent.
    let mut status = 0;
    while !rest.is_empty() {
        let tag = number(&mut rest)?;
        match (tag >> 3, tag & 7) {
            (1, VARINT) => status = number(&mut rest)?,
            // Fields that later versions may have.
            (2.., VARINT) => drop(number(&mut rest)?),
            (2.., BYTES) => {
                let length = usize::try_from(number(&mut rest)?).ok()?;
                rest = rest.get(length..)?;
            }
            _ => return None,
        }
    }
    Some(status)
}

/// Takes a number of seven bits an octet.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (octet, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(octet & 0x7f).checked_shl(shift)?;
        if octet & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_question() {
        assert_eq!(question(None), [0, 0, 0, 0, 0]);
        assert_eq!(question(Some("ab")), [0, 0, 0, 0, 4, 0x0a, 2, b'a', b'b']);
        let long = question(Some(&"x".repeat(300)));
        assert_eq!(long[..8], [0, 0, 0, 1, 47, 0x0a, 0xac, 2]);
    }

    #[test]
    fn answers_are_judged() {
        let judge = |body: &[u8]| judge(Some(b"0"), b"", body);
        assert_eq!(judge(&[0, 0, 0, 0, 2, 8, 1]), Ok(()));
        assert_eq!(judge(&[0, 0, 0, 0, 7, 8, 1, 0x12, 1, b'x', 0x18, 9]), Ok(()));
        for (body, said) in [
            (&[0, 0, 0, 0, 0][..], "its status is UNKNOWN"),
            (&[0, 0, 0, 0, 2, 8, 2], "its status is NOT_SERVING"),
            (&[0, 0, 0, 0, 2, 8, 3], "its status is SERVICE_UNKNOWN"),
            (&[0, 0, 0, 0, 2, 8, 9], "its status is 9"),
            (&[], "an answer that is none of grpc.health.v1"),
            (&[1, 0, 0, 0, 2, 8, 1], "an answer that is none of grpc.health.v1"),
            (&[0, 0, 0, 0, 9, 8, 1], "an answer that is none of grpc.health.v1"),
            (
                &[0, 0, 0, 0, 2, 8, 0x81],
                "an answer that is none of grpc.health.v1",
            ),
            (
                &[0, 0xff, 0xff, 0xff, 0xff, 8, 1],
                "an answer that is none of grpc.health.v1",
            ),
        ] {
            assert_eq!(judge(body).unwrap_err(), said);
        }
        let failed = |status: Option<&[u8]>| super::judge(status, b"no\nservice", &[]).unwrap_err();
        assert_eq!(failed(Some(b"5")), "grpc-status 5 (NOT_FOUND) no service");
        assert_eq!(failed(Some(b"99")), "grpc-status 99 (no code) no service");
        assert_eq!(failed(None), "an answer without grpc-status");
    }

    proptest! {
        #[test]
        fn any_octets_are_read_to_their_end(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = health(&body);
            let framed = [&[0, 0, 0, 0, u8::try_from(body.len()).unwrap()][..], &body].concat();
            prop_assert_eq!(judge(Some(b"0"), b"", &framed) == Ok(()), health(&framed) == Some(1));
        }
    }
}
