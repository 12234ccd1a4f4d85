//! What is printed, as 2.2.7 prints it.

use super::*;

fn output(verbose: bool) -> Output<Vec<u8>> {
    Output {
        out: Vec::new(),
        verbose,
        body: false,
        broken: false,
    }
}

const HASH: [u8; 16] = [
    0x5d, 0x41, 0x40, 0x2a, 0xbc, 0x4b, 0x2a, 0x76, 0xb9, 0x71, 0x9d, 0x91, 0x10, 0x17, 0xc5, 0x92,
];

/// LVS facts: 21.3
#[test]
fn the_verbose_output_is_keepalived_s() {
    let mut out = output(true);
    out.hear(Piece::Begun);
    out.hear(Piece::Header(
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\n",
    ));
    out.hear(Piece::Body(b"hello"));
    out.end(&Ok(HASH));
    let wanted = "\
-----------------------[    HTTP Header Buffer    ]-----------------------
0000  48 54 54 50 2f 31 2e 30 - 20 32 30 30 20 4f 4b 0d   HTTP/1.0 200 OK.
0016  0a 43 6f 6e 74 65 6e 74 - 2d 4c 65 6e 67 74 68 3a   .Content-Length:
0032  20 35 0d 0a 53 65 72 76 - 65 72 3a 20 78 0d 0a 0d    5..Server: x...
0048  0a                      -                           .@
-----------------------[ HTTP Header Ascii Buffer ]-----------------------
HTTP/1.0 200 OK\r
Content-Length: 5\r
Server: x\r
\r

-----------------------[        HTML Buffer        ]-----------------------
0000  68 65 6c 6c 6f          -                           hello^

-----------------------[    HTML hash resulting    ]-----------------------
0000  5d 41 40 2a bc 4b 2a 76 - b9 71 9d 91 10 17 c5 92   ]A@*.K*v.q......
-----------------------[ HTML hash final resulting ]-----------------------
5d41402abc4b2a76b9719d911017c592
";
    let wanted = wanted
        .replace(".@\n", &format!(".{:15}\n", ""))
        .replace("hello^", &format!("hello{:11}", ""));
    assert_eq!(String::from_utf8(out.out).unwrap(), wanted);
}

/// LVS facts: 21.3
#[test]
fn each_read_of_a_body_is_shown_under_one_banner() {
    let mut out = output(true);
    out.hear(Piece::Body(b"first "));
    out.hear(Piece::Body(b"second\x01\x80"));
    let text = String::from_utf8(out.out).unwrap();
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    assert_eq!(
        lines,
        [
            "-----------------------[        HTML Buffer        ]-----------------------",
            "0000  66 69 72 73 74 20       -                           first",
            "0000  73 65 63 6f 6e 64 01 80 -                           second..",
        ]
    );
}

/// LVS facts: 21.2
#[test]
fn without_v_there_is_the_md5_alone() {
    let mut out = output(false);
    out.hear(Piece::Begun);
    out.hear(Piece::Header(b"HTTP/1.0 200 OK\r\n\r\n"));
    out.hear(Piece::Body(b"hello"));
    out.end(&Ok(HASH));
    assert_eq!(out.out, b"5d41402abc4b2a76b9719d911017c592\n");
}
