//! Answers in every cut, good and hostile.

use super::*;
use proptest::prelude::*;

fn url(digest: Option<&[u8]>) -> UrlConfig {
    UrlConfig {
        path: "/".into(),
        host: None,
        sni: None,
        status: vec![(200, 299), (418, 418)],
        digest: digest.map(|body| Md5::digest(body).into()),
        regex: None,
        tls_compliant: false,
    }
}

/// Reads `octets` in pieces of `size`, then the end of the connection.
fn read(octets: &[u8], size: usize, url: &UrlConfig) -> Result<Verdict, Reason> {
    let mut answer = Answer::new(url);
    for piece in octets.chunks(size) {
        answer.take(piece)?;
    }
    Ok(answer.finish(url))
}

fn result(octets: &[u8], url: &UrlConfig) -> Result<(), Reason> {
    read(octets, 7, url).and_then(|verdict| verdict.result)
}

/// LVS facts: 10.5
#[test]
fn the_status_is_the_number_after_the_first_blank() {
    for (line, wanted) in [
        ("HTTP/1.1 200 OK", Ok(())),
        ("HTTP/1.1 299", Ok(())),
        ("HTTP/1.1 418 teapot", Ok(())),
        ("x 204", Ok(())),
        ("HTTP/1.1   200 OK", Ok(())),
        ("HTTP/1.1 200OK", Ok(())),
        ("HTTP/1.1 199", Err(Reason::Status(199))),
        ("HTTP/1.1 300", Err(Reason::Status(300))),
        ("HTTP/1.1 0", Err(Reason::Status(0))),
        ("HTTP/1.1 99999999999999999999999", Err(Reason::Status(u16::MAX))),
        ("HTTP/1.1 65736", Err(Reason::Status(u16::MAX))),
        ("HTTP/1.1", Err(Reason::BadStatusLine)),
        ("HTTP/1.1 ", Err(Reason::BadStatusLine)),
        ("HTTP/1.1 OK 200", Err(Reason::BadStatusLine)),
        ("HTTP/1.1 -200", Err(Reason::BadStatusLine)),
        ("", Err(Reason::BadStatusLine)),
    ] {
        // A number in the next line does not count.
        let answer = format!("{line}\r\nA: 200\r\n\r\n");
        assert_eq!(result(answer.as_bytes(), &url(None)), wanted, "{line}");
    }
}

/// LVS facts: 10.5
#[test]
fn without_a_complete_header_there_is_no_data() {
    for octets in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\n\n",
        b"garbage",
        b"\r\n\r",
    ] {
        assert_eq!(result(octets, &url(None)), Err(Reason::NoData));
    }
}

/// LVS facts: 10.5
#[test]
fn a_header_of_4096_octets_is_the_longest() {
    let header = |length: usize| {
        let mut header = b"HTTP/1.1 200 OK\r\nX: ".to_vec();
        header.resize(length - END_OF_HEADER.len(), b'x');
        header.extend_from_slice(END_OF_HEADER);
        header
    };
    for size in [1, 1000, 4095, 4096, 4097, 8192] {
        let wanted = Verdict {
            result: Ok(()),
            lengths: None,
            too_long: false,
        };
        assert_eq!(read(&header(4096), size, &url(None)), Ok(wanted));
        assert_eq!(read(&header(4097), size, &url(None)), Err(Reason::HeaderTooLong));
        let endless = vec![b'x'; 1 << 16];
        assert_eq!(read(&endless, size, &url(None)), Err(Reason::HeaderTooLong));
    }
    // Exactly full without an end.
    assert_eq!(
        read(&vec![b'x'; 4096], 4096, &url(None)),
        Err(Reason::HeaderTooLong)
    );
    assert_eq!(result(&vec![b'x'; 4095], &url(None)), Err(Reason::NoData));
}

/// LVS facts: 10.5, 10.6, 10.8
#[test]
fn the_digest_is_of_the_body_as_far_as_it_was_announced() {
    for (header, wanted) in [
        ("HTTP/1.0 200 OK", "hello, world"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 12", "hello, world"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5", "hello"),
        ("HTTP/1.0 200 OK\r\nContent-Length:0", ""),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 99999999999999999999999999",
            "hello, world",
        ),
        // Only the exact spelling counts, and only a number.
        ("HTTP/1.0 200 OK\r\ncontent-length: 5", "hello, world"),
        ("HTTP/1.0 200 OK\r\nX-Content-Length: 5", "hello, world"),
        ("HTTP/1.0 200 OK\r\nContent-Length: -5", "hello, world"),
        // Nothing is decoded: a bomb of any kind is as long as it is.
        ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip", "hello, world"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "hello, world"),
    ] {
        let answer = format!("{header}\r\n\r\nhello, world");
        assert_eq!(
            result(answer.as_bytes(), &url(Some(wanted.as_bytes()))),
            Ok(()),
            "{header}"
        );
        let found: [u8; 16] = Md5::digest(wanted).into();
        assert_eq!(
            result(answer.as_bytes(), &url(Some(b"other"))),
            Err(Reason::Digest(found)),
            "{header}"
        );
    }
}

/// LVS facts: 10.7
#[test]
fn the_status_comes_before_the_digest() {
    assert_eq!(
        result(b"HTTP/1.0 500 no\r\n\r\nhello", &url(Some(b"other"))),
        Err(Reason::Status(500))
    );
}

#[test]
fn another_length_is_no_failure_but_known() {
    let verdict = read(
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello, world",
        100,
        &url(None),
    )
    .unwrap();
    assert_eq!(verdict.result, Ok(()));
    assert_eq!(verdict.lengths, Some((5, 12)));
}

#[test]
fn an_endless_body_ends() {
    let url = url(None);
    let mut answer = Answer::new(&url);
    answer.take(b"HTTP/1.0 200 OK\r\n\r\n").unwrap();
    let piece = vec![0; 1 << 20];
    let pieces = (0..1000).take_while(|_| answer.take(&piece).is_ok()).count();
    assert_eq!(pieces as u64, MAX_BODY >> 20);
}

proptest! {
    #[test]
    fn the_cut_does_not_matter(
        header in "HTTP/1[.]1 [0-9]{0,4}[ a-z]{0,9}(\r\n[A-Za-z-]{1,14}: [0-9a-z\r\n]{0,9}){0,3}",
        length in proptest::option::of(0_u64..40),
        body in proptest::collection::vec(any::<u8>(), 0..40),
        size in 1_usize..60,
    ) {
        let mut octets = header.into_bytes();
        if let Some(length) = length {
            octets.extend_from_slice(format!("\r\nContent-Length: {length}").as_bytes());
        }
        octets.extend_from_slice(END_OF_HEADER);
        octets.extend_from_slice(&body);
        let url = url(Some(&body));
        prop_assert_eq!(read(&octets, size, &url), read(&octets, octets.len(), &url));
    }

    #[test]
    fn garbage_never_panics(octets in proptest::collection::vec(any::<u8>(), 0..6000), size in 1_usize..5000) {
        let _ = read(&octets, size, &url(Some(b"x")));
    }
}
