//! `genhash`: asks for a page and prints the MD5 of its body; with `-v` all that was read too (facts 21.2 to 21.4).

use crate::check::config::{Connection, HttpConfig, TlsConfig, UrlConfig};
use crate::check::probe::page::{self, Failure, Piece};
use crate::cli::{self, genhash::Wanted};
use crate::sys::clock;
use std::io::{self, Write};
use std::process::ExitCode;

/// Does what is wanted.
pub(super) fn run(wanted: &Wanted) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            cli::print("", &format!("{error}\n"));
            return ExitCode::FAILURE;
        }
    };
    let begun = clock::now();
    let mut out = Output {
        out: io::BufWriter::new(io::stdout().lock()),
        verbose: wanted.verbose,
        body: false,
        broken: false,
    };
    let (config, url) = question(wanted);
    let result = runtime.block_on(page::fetch(&config, &url, &mut |piece| out.hear(piece)));
    let code = out.end(&result);
    if wanted.verbose {
        let micros = clock::now().since(begun).as_micros();
        out.text(&format!(
            "\nGlobal response time for [{}] = {micros} usecs\n",
            wanted.url
        ));
    }
    // Nobody may listen any more.
    let _ = out.out.flush();
    code
}

/// The settings of a checker that would ask the same.
fn question(wanted: &Wanted) -> (HttpConfig, UrlConfig) {
    let url = UrlConfig {
        path: wanted.url.clone(),
        host: wanted.virtualhost.clone(),
        sni: wanted.virtualhost.clone(),
        status: Vec::new(),
        digest: None,
        regex: None,
        tls_compliant: false,
    };
    let config = HttpConfig {
        connection: Connection {
            destination: wanted.server,
            source: None,
            interface: None,
            mark: wanted.mark,
            timeout: wanted.timeout,
        },
        tls: wanted.tls.then_some(TlsConfig {
            sni: wanted.sni,
            compliant: false,
        }),
        protocol: wanted.protocol,
        urls: Vec::new(),
        fast_recovery: false,
    };
    (config, url)
}

/// What is printed, in keepalived's form.
struct Output<W: Write> {
    out: W,
    verbose: bool,
    /// Some of the body was shown.
    body: bool,
    /// Writing has failed: a closed pipe is no reason to complain.
    broken: bool,
}

impl<W: Write> Output<W> {
    fn text(&mut self, text: &str) {
        self.octets(text.as_bytes());
    }

    fn octets(&mut self, octets: &[u8]) {
        self.broken = self.broken || self.out.write_all(octets).is_err();
    }

    fn hear(&mut self, piece: Piece<'_>) {
        if !self.verbose {
            return;
        }
        match piece {
            Piece::Begun => self.text(&banner("   HTTP Header Buffer   ")),
            Piece::Header(header) => {
                self.text(&dump(header));
                self.text(&banner("HTTP Header Ascii Buffer"));
                self.octets(header);
                self.text("\n");
            }
            Piece::Body(body) => {
                if !std::mem::replace(&mut self.body, true) {
                    self.text(&banner("       HTML Buffer       "));
                }
                self.text(&dump(body));
            }
        }
    }

    /// The MD5, or why there is none. keepalived's status is 0 for the latter too, so that nobody would notice that what was
    /// printed is no MD5.
    fn end(&mut self, result: &Result<[u8; 16], Failure>) -> ExitCode {
        match result {
            Ok(hash) => {
                if self.verbose {
                    self.text("\n");
                    self.text(&banner("   HTML hash resulting   "));
                    self.text(&dump(hash));
                    self.text(&banner("HTML hash final resulting"));
                }
                let hex: String = hash.iter().map(|octet| format!("{octet:02x}")).collect();
                self.text(&format!("{hex}\n"));
                ExitCode::SUCCESS
            }
            Err(failure @ Failure::NoData) => {
                cli::print("", &format!("{failure}\n"));
                ExitCode::FAILURE
            }
            Err(failure) => {
                self.text(&format!("{failure}\n"));
                if let Some(reason) = failure.reason() {
                    cli::print("", &format!("{reason}\n"));
                }
                ExitCode::FAILURE
            }
        }
    }
}

fn banner(title: &str) -> String {
    let line = "-".repeat(23);
    format!("{line}[ {title} ]{line}\n")
}

/// Octets as numbers and as text, 16 a line.
fn dump(octets: &[u8]) -> String {
    let mut out = String::new();
    for (n, line) in octets.chunks(16).enumerate() {
        let (left, right) = line.split_at(line.len().min(8));
        let numbers = |half: &[u8]| -> String { half.iter().map(|octet| format!("{octet:02x} ")).collect() };
        let text: String = line.iter().map(|octet| printable(*octet)).collect();
        let (left, right) = (numbers(left), numbers(right));
        out.push_str(&format!("{:04}  {left:24}- {right:24}  {text:16}\n", n * 16));
    }
    out
}

const fn printable(octet: u8) -> char {
    match octet {
        b' '..=b'~' => octet as char,
        _ => '.',
    }
}

#[cfg(test)]
mod tests;
