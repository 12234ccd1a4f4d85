//! An HTTP answer as keepalived reads it: a header of at most 4096 octets, a body that is counted and hashed but not
//! kept beyond what a regex needs, nothing decoded (facts 10.5 to 10.10).
//!
//! Pure: octets in, a verdict out. Its memory is bounded whatever comes in.

use super::regex::Search;
use crate::check::config::UrlConfig;
use crate::check::event::Reason;
use md5::{Digest, Md5};

/// The longest header, in octets, with the empty line that ends it.
pub const MAX_HEADER: usize = 4096;

/// The longest body that is waited for, in octets. keepalived has no limit; without one an endless body keeps a
/// processor busy for as long as the whole check may take.
pub(super) const MAX_BODY: u64 = 256 << 20;

const END_OF_HEADER: &[u8] = b"\r\n\r\n";

/// An answer that is coming in.
#[derive(Debug)]
pub struct Answer {
    part: Part,
    digest: Option<Md5>,
    search: Option<Search>,
    /// Octets of the body so far.
    received: u64,
}

#[derive(Debug)]
enum Part {
    Header(Vec<u8>),
    Body(Header),
}

/// What counts of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    status: Option<u16>,
    pub(super) content_length: Option<u64>,
}

/// What an answer came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is that of a healthy service, and why not.
    pub result: Result<(), Reason>,
    /// The announced and the received length of the body, if one was announced.
    pub lengths: Option<(u64, u64)>,
    /// A match that had begun was given up, since too much would have had to be kept for it.
    pub too_long: bool,
}

impl Answer {
    /// Hashes the body only if a digest is asked for.
    pub fn new(url: &UrlConfig) -> Self {
        Self {
            part: Part::Header(Vec::new()),
            digest: url.digest.map(|_| Md5::new()),
            search: None,
            received: 0,
        }
    }

    /// Searches the body as well.
    #[must_use]
    pub(super) fn searched(mut self, search: Option<Search>) -> Self {
        self.search = search;
        self
    }

    /// Takes the next octets.
    ///
    /// # Errors
    /// An answer that is not worth reading to its end ends the check at once.
    pub fn take(&mut self, octets: &[u8]) -> Result<(), Reason> {
        let Part::Header(header) = &mut self.part else {
            return self.take_body(octets);
        };
        let before = header.len();
        let (fits, beyond) = octets.split_at(octets.len().min(MAX_HEADER.saturating_sub(before)));
        header.extend_from_slice(fits);
        match end_of_header(header, before) {
            Some(end) => {
                let body = header.split_off(end);
                let parsed = Header::parse(header);
                self.part = Part::Body(parsed);
                self.take_body(&body)?;
                self.take_body(beyond)
            }
            None if header.len() >= MAX_HEADER => Err(Reason::HeaderTooLong),
            None => Ok(()),
        }
    }

    fn take_body(&mut self, octets: &[u8]) -> Result<(), Reason> {
        let announced = match &self.part {
            Part::Header(_) => None,
            Part::Body(header) => header.content_length,
        };
        if let Some(digest) = &mut self.digest {
            let left = announced.map_or(u64::MAX, |announced| announced.saturating_sub(self.received));
            let count = usize::try_from(left).map_or(octets.len(), |left| left.min(octets.len()));
            digest.update(octets.get(..count).unwrap_or(octets));
        }
        if let Some(search) = &mut self.search {
            search.take(octets);
        }
        self.received = self.received.saturating_add(octets.len() as u64);
        if self.received > MAX_BODY {
            return Err(Reason::Broken(format!("HTTP body longer than {MAX_BODY} octets")));
        }
        Ok(())
    }

    /// Judges, after the end of the connection: header, then status, then digest, then regex (fact 10.7).
    pub fn finish(self, url: &UrlConfig) -> Verdict {
        let Part::Body(header) = self.part else {
            return Verdict {
                result: Err(Reason::NoData),
                lengths: None,
                too_long: false,
            };
        };
        let mut too_long = false;
        let result = judge(header, self.digest, url).and_then(|()| {
            let Some(search) = self.search else { return Ok(()) };
            let verdict = search.finish();
            too_long = verdict.too_long;
            verdict.result
        });
        Verdict {
            result,
            lengths: header.content_length.map(|announced| (announced, self.received)),
            too_long,
        }
    }
}

fn judge(header: Header, digest: Option<Md5>, url: &UrlConfig) -> Result<(), Reason> {
    let status = header.status.ok_or(Reason::BadStatusLine)?;
    let accepted = url
        .status
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&status));
    if !accepted {
        return Err(Reason::Status(status));
    }
    match (url.digest, digest) {
        (Some(wanted), Some(digest)) => {
            let found: [u8; 16] = digest.finalize().into();
            if found == wanted {
                Ok(())
            } else {
                Err(Reason::Digest(found))
            }
        }
        (None, _) | (_, None) => Ok(()),
    }
}

impl Header {
    pub(super) fn parse(header: &[u8]) -> Self {
        let mut lines = header.split(|octet| *octet == b'\n');
        let status = lines.next().and_then(status);
        let content_length =
            lines.find_map(|line| number(line.strip_prefix(b"Content-Length:")?.trim_ascii()));
        Self {
            status,
            content_length,
        }
    }
}

/// The number after the first blank; one that is too large is no number that anybody accepts.
fn status(line: &[u8]) -> Option<u16> {
    let blank = line.iter().position(|octet| *octet == b' ')?;
    let number = number(line.get(blank..)?.trim_ascii_start())?;
    Some(u16::try_from(number).unwrap_or(u16::MAX))
}

/// The decimal digits that `text` begins with.
fn number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|octet| octet.is_ascii_digit());
    digits.fold(None, |number: Option<u64>, digit| {
        let number = number.unwrap_or(0).saturating_mul(10);
        Some(number.saturating_add(u64::from(digit - b'0')))
    })
}

/// Where the body begins; there was no end in the first `before` octets.
pub(super) fn end_of_header(octets: &[u8], before: usize) -> Option<usize> {
    // The end may have begun in what was there before.
    let from = before.saturating_sub(END_OF_HEADER.len() - 1);
    let mut windows = octets.get(from..)?.windows(END_OF_HEADER.len());
    let at = windows.position(|window| window == END_OF_HEADER)?;
    Some(from + at + END_OF_HEADER.len())
}

#[cfg(test)]
mod tests;
