//! LDAP: TLS by the extended operation; a bind, with or without a name; with a base whether an entry is there.

use super::ber::{self, BOOLEAN, ENUMERATED, Head, INTEGER, OCTETS, SEQUENCE, expect, write};
use super::{Dialogue, MAX_MESSAGE, Step, said, wrong};
use crate::check::config::{LdapComparison, LdapFilter, LdapSearch, LdapTest, Login};

const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

mod operation {
    pub(super) const BIND: u8 = 0x60;
    pub(super) const BOUND: u8 = 0x61;
    pub(super) const UNBIND: u8 = 0x42;
    pub(super) const SEARCH: u8 = 0x63;
    pub(super) const ENTRY: u8 = 0x64;
    pub(super) const SEARCHED: u8 = 0x65;
    pub(super) const REFERENCE: u8 = 0x73;
    pub(super) const EXTENDED: u8 = 0x77;
    pub(super) const DID_EXTENDED: u8 = 0x78;
    /// Nobody answers with more than these (`IntermediateResponse`).
    pub(super) const BETWEEN: u8 = 0x79;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    AskedTls,
    /// TLS has begun.
    Secured,
    Binding,
    Searching,
}

pub(super) struct Ldap {
    state: State,
    /// The number of the last request.
    sent: u8,
    name: String,
    password: String,
    search: Option<LdapSearch>,
    starttls: bool,
}

impl Ldap {
    pub(super) fn new(login: &Login, search: Option<&LdapSearch>, starttls: bool) -> Self {
        let (name, password) = login.both().unwrap_or_default();
        Self {
            state: State::Start,
            sent: 0,
            name,
            password,
            search: search.cloned(),
            starttls,
        }
    }

    fn request(&mut self, operation: &[u8]) -> Vec<u8> {
        self.sent += 1;
        write(SEQUENCE, &[&ber::small(INTEGER, self.sent), operation])
    }

    fn bind(&mut self) -> Step {
        self.state = State::Binding;
        let bind = write(
            operation::BIND,
            &[
                &ber::small(INTEGER, 3),
                &write(OCTETS, &[self.name.as_bytes()]),
                &write(0x80, &[self.password.as_bytes()]),
            ],
        );
        Step::Send(self.request(&bind))
    }

    fn message(&mut self, content: &[u8]) -> Step {
        let Some((number, operation, body)) = envelope(content) else {
            return wrong("an answer that is none of LDAP");
        };
        if number == 0 {
            return match result(body) {
                Some((code, text)) => wrong(format!("it ends the connection: {}", named(code, text))),
                None => wrong("an answer that is none of LDAP"),
            };
        }
        if number != u32::from(self.sent) {
            return wrong("an answer to no request");
        }
        match (self.state, operation) {
            (State::AskedTls, operation::DID_EXTENDED) => match result(body) {
                Some((0, _)) => {
                    self.state = State::Secured;
                    Step::StartTls
                }
                other => failed("no TLS", other),
            },
            (State::Binding, operation::BOUND) => match result(body) {
                Some((0, _)) => self.bound(),
                other => failed("bind", other),
            },
            (State::Searching, operation::ENTRY) => self.end(),
            (State::Searching, operation::REFERENCE | operation::BETWEEN) => Step::More,
            (State::Searching, operation::SEARCHED) => match result(body) {
                Some((0, _)) => wrong("the search finds no entry"),
                other => failed("search", other),
            },
            _ => wrong("an answer to another question"),
        }
    }

    fn bound(&mut self) -> Step {
        let Some(search) = self.search.take() else {
            return self.end();
        };
        self.state = State::Searching;
        let any = LdapFilter::any();
        let test = search.filter.as_ref().map_or(&any, |filter| &filter.test);
        // One entry is enough, of which no attribute is wanted; aliases are not followed.
        let search = write(
            operation::SEARCH,
            &[
                &write(OCTETS, &[search.base.as_bytes()]),
                &ber::small(ENUMERATED, search.scope.number()),
                &ber::small(ENUMERATED, 0),
                &ber::small(INTEGER, 1),
                &ber::small(INTEGER, 0),
                &ber::small(BOOLEAN, 0),
                &encode(test),
                &write(SEQUENCE, &[&write(OCTETS, &[b"1.1"])]),
            ],
        );
        Step::Send(self.request(&search))
    }

    /// All was well.
    fn end(&mut self) -> Step {
        Step::Done(self.request(&write(operation::UNBIND, &[])))
    }
}

impl Dialogue for Ldap {
    fn step(&mut self, input: &mut Vec<u8>) -> Step {
        match self.state {
            State::Start if self.starttls => {
                self.state = State::AskedTls;
                let ask = write(operation::EXTENDED, &[&write(0x80, &[START_TLS])]);
                return Step::Send(self.request(&ask));
            }
            State::Start | State::Secured => return self.bind(),
            State::AskedTls | State::Binding | State::Searching => {}
        }
        loop {
            if input.first().is_some_and(|tag| *tag != SEQUENCE) {
                return wrong("an answer that is none of LDAP");
            }
            let (start, length) = match ber::head(input) {
                Head::Unfinished => return Step::More,
                Head::Wrong => return wrong("an answer that is none of LDAP"),
                Head::Whole(start, length) => (start, length),
            };
            if length > MAX_MESSAGE {
                return wrong(format!("a message of {length} octets"));
            }
            if input.len() < start + length {
                return Step::More;
            }
            let message: Vec<u8> = input.drain(..start + length).skip(start).collect();
            match self.message(&message) {
                Step::More => {}
                step => return step,
            }
        }
    }
}

/// Number, operation and its content.
fn envelope(content: &[u8]) -> Option<(u32, u8, &[u8])> {
    let (number, rest) = expect(INTEGER, content)?;
    let (operation, body, _) = ber::element(rest)?;
    Some((ber::number(number)?, operation, body))
}

/// Its code and words.
fn result(body: &[u8]) -> Option<(u32, &[u8])> {
    let (code, rest) = expect(ENUMERATED, body)?;
    let (_, rest) = expect(OCTETS, rest)?;
    let (text, _) = expect(OCTETS, rest)?;
    Some((ber::number(code)?, text))
}

fn failed(what: &str, result: Option<(u32, &[u8])>) -> Step {
    match result {
        Some((code, text)) => wrong(format!("{what}: {}", named(code, text))),
        None => wrong("an answer that is none of LDAP"),
    }
}

/// A result as the RFC calls it, and what the server says of it.
fn named(code: u32, text: &[u8]) -> String {
    let name = match code {
        0 => "success",
        1 => "operationsError",
        2 => "protocolError",
        3 => "timeLimitExceeded",
        4 => "sizeLimitExceeded",
        7 => "authMethodNotSupported",
        8 => "strongerAuthRequired",
        10 => "referral",
        11 => "adminLimitExceeded",
        12 => "unavailableCriticalExtension",
        13 => "confidentialityRequired",
        14 => "saslBindInProgress",
        16 => "noSuchAttribute",
        17 => "undefinedAttributeType",
        18 => "inappropriateMatching",
        21 => "invalidAttributeSyntax",
        32 => "noSuchObject",
        33 => "aliasProblem",
        34 => "invalidDNSyntax",
        48 => "inappropriateAuthentication",
        49 => "invalidCredentials",
        50 => "insufficientAccessRights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwillingToPerform",
        54 => "loopDetect",
        80 => "other",
        _ => "",
    };
    let text = said(text);
    let mut out = format!("result {code}");
    for word in [name, text.as_str()] {
        if !word.is_empty() {
            out.push(' ');
            out.push_str(word);
        }
    }
    out
}

/// A filter on the wire.
fn encode(test: &LdapTest) -> Vec<u8> {
    let all = |tests: &[LdapTest]| tests.iter().flat_map(encode).collect::<Vec<u8>>();
    match test {
        LdapTest::And(tests) => write(0xa0, &[&all(tests)]),
        LdapTest::Or(tests) => write(0xa1, &[&all(tests)]),
        LdapTest::Not(test) => write(0xa2, &[&encode(test)]),
        LdapTest::Present(attribute) => write(0x87, &[attribute.as_bytes()]),
        LdapTest::Compare(comparison, attribute, value) => {
            let tag = match comparison {
                LdapComparison::Equal => 0xa3,
                LdapComparison::AtLeast => 0xa5,
                LdapComparison::AtMost => 0xa6,
                LdapComparison::About => 0xa8,
            };
            write(
                tag,
                &[&write(OCTETS, &[attribute.as_bytes()]), &write(OCTETS, &[value])],
            )
        }
        LdapTest::Substrings(attribute, parts) => {
            let last = parts.len().saturating_sub(1);
            let parts = parts.iter().enumerate().filter(|(_, part)| !part.is_empty());
            let parts: Vec<u8> = parts
                .flat_map(|(at, part)| {
                    let tag = match at {
                        0 => 0x80,
                        at if at == last => 0x82,
                        _ => 0x81,
                    };
                    write(tag, &[part])
                })
                .collect();
            write(
                0xa4,
                &[
                    &write(OCTETS, &[attribute.as_bytes()]),
                    &write(SEQUENCE, &[&parts]),
                ],
            )
        }
        LdapTest::Extensible {
            attribute,
            dn,
            rule,
            value,
        } => {
            let some = |tag, text: &str| {
                if text.is_empty() {
                    Vec::new()
                } else {
                    write(tag, &[text.as_bytes()])
                }
            };
            write(
                0xa9,
                &[
                    &some(0x81, rule.as_deref().unwrap_or_default()),
                    &some(0x82, attribute),
                    &write(0x83, &[value]),
                    &write(0x84, &[&[if *dn { 0xff } else { 0 }]]),
                ],
            )
        }
    }
}

#[cfg(test)]
mod tests;
