//! The checkers, and what a healthy back-end of each says.

use super::back_end::Way;
use openssl::hash::{MessageDigest, hash};

/// A checker and its back-ends.
pub(super) struct Kind {
    pub name: &'static str,
    pub way: Way,
    /// As a configuration has it.
    pub checker: &'static str,
    /// What is said for the `n`th time, once this was heard since; nothing while more must be heard, no octets at the end.
    pub talk: fn(usize, &[u8]) -> Option<Vec<u8>>,
    /// There are such words.
    pub has_healthy: bool,
    /// So many octets at the end need not come.
    pub idle: u64,
    /// Nothing has to be said.
    pub connecting_is_enough: bool,
    /// So many octets may be taken before all is given up, beside what the kernel's buffers take.
    pub most: u64,
    /// What to say without end, beside what is said to all.
    pub floods: &'static [&'static [u8]],
    /// What is listened to until `connect_timeout`, as an answer.
    pub waits_for: &'static [&'static [u8]],
}

const fn stream(
    name: &'static str,
    checker: &'static str,
    talk: fn(usize, &[u8]) -> Option<Vec<u8>>,
) -> Kind {
    Kind {
        name,
        way: Way::Stream,
        checker,
        talk,
        has_healthy: true,
        idle: 0,
        connecting_is_enough: false,
        most: 512 << 10,
        floods: &[],
        waits_for: &[],
    }
}

const fn datagrams(
    name: &'static str,
    checker: &'static str,
    talk: fn(usize, &[u8]) -> Option<Vec<u8>>,
) -> Kind {
    Kind {
        way: Way::Datagrams,
        ..stream(name, checker, talk)
    }
}

pub(super) const KINDS: &[Kind] = &[
    Kind {
        connecting_is_enough: true,
        ..stream("TCP", "TCP_CHECK {\n}", |_, _| None)
    },
    Kind {
        // Its QUIT has any line as an answer.
        floods: &[b"220 x\r\n250-x\r\n", b"220-"],
        ..stream("SMTP", "SMTP_CHECK {\n}", |n, heard| {
            lines(n, heard, &["220 mx\r\n", "250 hello\r\n", "221 bye\r\n"])
        })
    },
    Kind {
        // The end of the connection is the end of the body, whatever was announced (fact 10.9).
        idle: 4,
        // A body may be long: nothing of it is kept.
        most: 256 << 20,
        ..stream("HTTP", "HTTP_GET {\nurl {\npath /\n}\n}", |n, heard| {
            web(n, heard, "HTTP/1.0 200 OK\r\n\r\nfine")
        })
    },
    Kind {
        // Its library hears them all.
        waits_for: &[b"HTTP/1.1 100 Continue\r\n\r\n"],
        floods: &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n"],
        ..stream("WEB", "WEB_CHECK {\npath /\ncontains fine\n}", |n, heard| {
            web(n, heard, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")
        })
    },
    Kind {
        // Its healthy words are HTTP/2's; `probe::grpc` has them.
        has_healthy: false,
        floods: &[
            b"\0\0\x08\x06\0\0\0\0\0pingping",
            b"\0\0\0\x04\0\0\0\0\0",
            b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x06\0\0\0\0\0pingping",
            b"\xff\xff\xff\0\0\0\0\0\x01",
            b"\0\0\0\x09\x04\0\0\0\x01",
        ],
        ..stream("GRPC", "GRPC_CHECK {\n}", |_, _| None)
    },
    Kind {
        floods: &[b"+PONG\r\n*4294967295\r\n", b"+PONG\r\n*3\r\n$4294967295\r\n"],
        ..stream("REDIS", "REDIS_CHECK {\nrole master\n}", |n, heard| {
            answers(n, heard, &[b"+PONG\r\n", b"*3\r\n$6\r\nmaster\r\n"])
        })
    },
    Kind {
        floods: &[b"\xff\xff\xff\0\x0a8.0\0", b"\xff\xff\x00\0\x0a"],
        ..stream("MYSQL", "MYSQL_CHECK {\n}", |n, _| {
            (n == 0).then(|| MYSQL.to_vec())
        })
    },
    Kind {
        // That there is a row is enough.
        idle: 2,
        floods: &[
            b"R\xff\xff\xff\xff",
            b"N\0\0\0\x05x",
            b"S\0\0\0\x05x",
            b"R\0\0\0\0",
        ],
        ..stream(
            "PGSQL",
            "PGSQL_CHECK {\nusername me\npassword secret\nquery \"SELECT 1\"\n}",
            |n, heard| {
                answers(
                    n,
                    heard,
                    &[
                        b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I",
                        b"T\0\0\0\x06\0\0D\0\0\0\x06\0\0",
                    ],
                )
            },
        )
    },
    Kind {
        // The last octets of a login's answer are words for people, and the end of its line.
        floods: &[b"* OK hi\r\n", b"* OK x\r\ns1 OK\r\n"],
        ..stream(
            "IMAP",
            "IMAP_CHECK {\nusername me\npassword secret\n}",
            |n, heard| {
                lines(
                    n,
                    heard,
                    &[
                        "* OK hello\r\n",
                        "* CAPABILITY IMAP4rev1\r\ns1 OK done\r\n",
                        "s2 OK done\r\n",
                    ],
                )
            },
        )
    },
    Kind {
        floods: &[b"+OK x\r\n"],
        ..stream(
            "POP3",
            "POP3_CHECK {\nusername me\npassword secret\n}",
            |n, heard| lines(n, heard, &["+OK hi\r\n", "+OK\r\n", "+OK\r\n", "+OK\r\n"]),
        )
    },
    Kind {
        floods: &[b"120 x\r\n", b"220 x\r\n331-x\r\n"],
        ..stream(
            "FTP",
            "FTP_CHECK {\nusername me\npassword secret\npath /x\n}",
            |n, heard| {
                lines(
                    n,
                    heard,
                    &[
                        "220 hi\r\n",
                        "331 who?\r\n",
                        "230 hi\r\n",
                        "200 binary\r\n",
                        "213 5\r\n",
                    ],
                )
            },
        )
    },
    Kind {
        floods: &[b"200 x\r\n", b"200-x\r\n"],
        ..stream("NNTP", "NNTP_CHECK {\ngroup x\n}", |n, heard| {
            lines(n, heard, &["200 hi\r\n", "200 reader\r\n", "211 1 1 1 x\r\n"])
        })
    },
    Kind {
        floods: &[
            b"\x30\x84\xff\xff\xff\xff\x02\x01\x01",
            b"\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x30\x80",
            b"\x30\x05\x02\x01\0\x64\0",
        ],
        ..stream("LDAP", "LDAP_CHECK {\nbase dc=x\n}", |n, heard| {
            answers(
                n,
                heard,
                &[
                    b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00",
                    b"\x30\x0b\x02\x01\x02\x64\x06\x04\x02dc\x30\x00",
                ],
            )
        })
    },
    Kind {
        floods: &[
            b"HTTP/1.1 101 x\r\nA: b\r\n",
            b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
        ],
        ..stream("WEBSOCKET", "WEBSOCKET_CHECK {\nexpect fine\n}", |n, heard| {
            if n > 0 || !heard.ends_with(b"\r\n\r\n") {
                return None;
            }
            let key = value(heard, "Sec-WebSocket-Key: ");
            let proof = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
            let proof = openssl::base64::encode_block(&openssl::sha::sha1(proof.as_bytes()));
            let mut words = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {proof}\r\n\r\n"
            )
            .into_bytes();
            words.extend(b"\x81\x04fine");
            Some(words)
        })
    },
    Kind {
        floods: &[
            b"SIP/2.0 100 Trying\r\n\r\n",
            b"SIP/2.0 200 OK\r\nContent-Length: 4294967295\r\n\r\n",
        ],
        ..stream("SIP over TCP", "SIP_CHECK {\ntransport tcp\n}", sip)
    },
    datagrams("SIP", "SIP_CHECK {\n}", sip),
    Kind {
        floods: &[b"\x02\0\x10\0", b"\x02\0\xff\xff", b"\x02\0\0\0"],
        ..datagrams("RADIUS", "RADIUS_CHECK {\nsecret s\n}", |_, heard| {
            let mut answer = vec![2, *heard.get(1)?, 0, 20];
            let authenticator = heard.get(4..20)?;
            let proof = [&answer, authenticator, b"s"].concat();
            answer.extend(hash(MessageDigest::md5(), &proof).ok()?.iter());
            Some(answer)
        })
    },
    Kind {
        // Everything behind the header: the root's name, type and class.
        idle: 5,
        ..datagrams("DNS", "DNS_CHECK {\n}", |_, heard| {
            let mut answer = heard.to_vec();
            *answer.get_mut(2)? = 0x81;
            *answer.get_mut(3)? = 0x80;
            Some(answer)
        })
    },
    datagrams(
        "UDP",
        "UDP_CHECK {\npayload 61\nrequire_reply 6a6b6c6d\nmin_reply_length 4\nmax_reply_length 4\n}",
        |_, _| Some(b"jklm".to_vec()),
    ),
];

/// A greeting of MySQL's: protocol 10, a version, a number, half a challenge, what it can.
const MYSQL: &[u8] =
    b"\x47\0\0\0\x0a8.0\0\x01\0\0\0abcdefgh\0\xff\xff\x2d\x02\0\xff\xff\x15\0\0\0\0\0\0\0\0\0\0\
    ijklmnopqrst\0mysql_native_password\0";

/// One after the other: the first at once, each other one after a line.
fn lines(n: usize, heard: &[u8], words: &[&str]) -> Option<Vec<u8>> {
    if n > 0 && !heard.ends_with(b"\n") {
        return None;
    }
    words.get(n).map(|words| words.as_bytes().to_vec())
}

/// One after the other, each after a word.
fn answers(n: usize, heard: &[u8], words: &[&[u8]]) -> Option<Vec<u8>> {
    if heard.is_empty() {
        return None;
    }
    words.get(n).map(|words| words.to_vec())
}

/// An answer to a request, and the end.
fn web(n: usize, heard: &[u8], answer: &str) -> Option<Vec<u8>> {
    match n {
        0 if heard.ends_with(b"\r\n\r\n") => Some(answer.as_bytes().to_vec()),
        0 => None,
        _ => Some(Vec::new()),
    }
}

fn sip(n: usize, heard: &[u8]) -> Option<Vec<u8>> {
    if n > 0 || !heard.ends_with(b"\r\n\r\n") {
        return None;
    }
    let call = value(heard, "Call-ID: ");
    Some(
        format!("SIP/2.0 200 OK\r\nCall-ID: {call}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
            .into_bytes(),
    )
}

/// What stands behind `name` in a request.
fn value(heard: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(heard);
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_default().to_owned()
}
