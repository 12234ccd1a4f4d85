//! What mails say of real servers and virtual servers (facts 15.3 to 15.5, 4.6, 4.8, 6.7).

use super::config::ProbeConfig;
use super::event::Reason;
use super::telling::{Names, QuorumFigures};
use super::words;

/// A mail: the end of its subject, and its one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// What stands behind the router's name.
    pub title: String,
    /// The body.
    pub body: String,
}

/// Why a virtual server or a real server is written of, beside what its checkers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// The quorum was judged for the first time.
    Start(QuorumFigures),
    /// It has turned.
    Turn(QuorumFigures),
    /// A reload does not know it any more; this of a quorum that was up.
    Removed(QuorumFigures),
    /// The daemon ends, with `omega`.
    Stop,
}

const fn word(up: bool) -> &'static str {
    if up { "UP" } else { "DOWN" }
}

/// Of a real server.
pub fn server(names: &Names, up: bool, body: String) -> Letter {
    let Names { rs, vs } = names;
    Letter {
        title: format!("Realserver {rs} of virtual server {vs} - {}", word(up)),
        body,
    }
}

/// Of a virtual server.
pub fn service(vs: &str, up: bool, occasion: Occasion) -> Letter {
    let body = match occasion {
        // keepalived prints the plus and the `<=` in both directions.
        Occasion::Start(figures) => {
            let needed = figures.enough();
            let how = if up { "up" } else { "down" };
            quorum(&format!("Starting with quorum {how}"), figures, needed)
        }
        Occasion::Turn(figures) if up => quorum("Gained quorum", figures, figures.enough()),
        Occasion::Turn(figures) => quorum("Lost quorum", figures, figures.least()),
        // Of a virtual server keepalived writes so that its weight is gone (seen).
        Occasion::Removed(figures) => {
            let figures = QuorumFigures { weight: 0, ..figures };
            quorum("Lost quorum", figures, figures.least())
        }
        Occasion::Stop => STOP.to_owned(),
    };
    Letter {
        title: format!("Virtualserver {vs} - {}", word(up)),
        body,
    }
}

fn quorum(what: &str, figures: QuorumFigures, needed: u64) -> String {
    let QuorumFigures {
        quorum,
        hysteresis,
        weight,
    } = figures;
    format!("=> {what} {quorum}+{hysteresis}={needed} <= {weight} <=")
}

/// Of what ends with the daemon.
pub const STOP: &str = "=> Shutting down <=";
/// Of a real server that a reload does not know any more.
pub const REMOVED: &str = "=> Removing <=";

/// The line of a checker. `failure`: why it failed. Nothing where keepalived writes none.
pub fn of_checker(probe: &ProbeConfig, failure: Option<&Reason>) -> Option<String> {
    let of_kind = |what: &str| match failure {
        None => format!("=> {what} succeed on service <="),
        Some(_) => format!("=> {what} failed on service <="),
    };
    Some(match (probe, failure) {
        (ProbeConfig::File(_), _) => return None,
        (ProbeConfig::Tcp(_), _) => of_kind("TCP CHECK"),
        (ProbeConfig::Udp(_), _) => of_kind("UDP CHECK"),
        (ProbeConfig::Ping(_), _) => of_kind("ICMP CHECK"),
        (ProbeConfig::Dns(_), _) => of_kind("DNS_CHECK:"),
        (ProbeConfig::Http(_) | ProbeConfig::Smtp(_), None) => of_kind("CHECK"),
        (ProbeConfig::Http(_), Some(_)) => {
            "=> CHECK failed on service : HTTP/SSL request failed <=".to_owned()
        }
        (ProbeConfig::Smtp(smtp), Some(reason)) => {
            let error = words::smtp_trouble(reason, &smtp.connection);
            format!("=> CHECK failed on service : {error} <=")
        }
        (ProbeConfig::Misc(_), _) => {
            let how = match failure {
                None => "succeeded",
                Some(Reason::ScriptTimedOut) => "timed out",
                Some(_) => "failed",
            };
            format!("=> MISC CHECK {how} on service <=")
        }
        (ProbeConfig::Bfd(name), _) => {
            let how = if failure.is_none() { "succeeded" } else { "failed" };
            format!("=> BFD CHECK {name} {how} on service <=")
        }
        // What keepalived does not have, in its form.
        (ProbeConfig::Service(_), _) => of_kind(probe.keyword()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::config::{FileCheckConfig, TlsConfig};
    use crate::check::engine::tests::kinds::{dns, ping, smtp, udp};
    use crate::check::engine::tests::{http, misc, tcp};

    /// LVS facts: 15.3, 15.4, 15.5
    #[test]
    fn letters_have_keepalived_s_words() {
        let names = Names {
            rs: "[192.0.2.5]:tcp:80".into(),
            vs: "[192.0.2.1]:tcp:80".into(),
        };
        let letter = server(&names, false, REMOVED.into());
        assert_eq!(
            (letter.title.as_str(), letter.body.as_str()),
            (
                "Realserver [192.0.2.5]:tcp:80 of virtual server [192.0.2.1]:tcp:80 - DOWN",
                "=> Removing <="
            )
        );
        let letter = service("FWM 3", true, Occasion::Stop);
        assert_eq!(letter.title, "Virtualserver FWM 3 - UP");
        assert_eq!(letter.body, "=> Shutting down <=");
        let refused = Reason::Refused;
        let late = Reason::ScriptTimedOut;
        let [tcp, http, misc] = [tcp("192.0.2.5:80"), http("192.0.2.5:80", &["/"]), misc(false)]
            .map(|checker| ProbeConfig::clone(&checker.probe));
        let mut https = http.clone();
        if let ProbeConfig::Http(config) = &mut https {
            config.tls = Some(TlsConfig {
                sni: false,
                compliant: false,
            });
        }
        let bfd = ProbeConfig::Bfd("N".into());
        for (probe, failure, body) in [
            (&tcp, None, "=> TCP CHECK succeed on service <="),
            (&tcp, Some(&refused), "=> TCP CHECK failed on service <="),
            (&udp(), Some(&refused), "=> UDP CHECK failed on service <="),
            (&ping(), None, "=> ICMP CHECK succeed on service <="),
            (&dns(), None, "=> DNS_CHECK: succeed on service <="),
            (&http, None, "=> CHECK succeed on service <="),
            (
                &http,
                Some(&refused),
                "=> CHECK failed on service : HTTP/SSL request failed <=",
            ),
            (
                &https,
                Some(&refused),
                "=> CHECK failed on service : HTTP/SSL request failed <=",
            ),
            (&smtp(), None, "=> CHECK succeed on service <="),
            (
                &smtp(),
                Some(&Reason::AnswerTimedOut),
                "=> CHECK failed on service : Read timeout from server [127.0.0.5]:80 <=",
            ),
            (&misc, None, "=> MISC CHECK succeeded on service <="),
            (&misc, Some(&refused), "=> MISC CHECK failed on service <="),
            (&misc, Some(&late), "=> MISC CHECK timed out on service <="),
            (&bfd, None, "=> BFD CHECK N succeeded on service <="),
            (&bfd, Some(&refused), "=> BFD CHECK N failed on service <="),
        ] {
            assert_eq!(of_checker(probe, failure).as_deref(), Some(body));
        }
        let file = ProbeConfig::File(FileCheckConfig {
            track_file: "F".into(),
            weight: 1,
            reverse: false,
        });
        assert_eq!(of_checker(&file, None), None);
    }

    /// LVS facts: 6.7
    #[test]
    fn a_quorum_is_written_of_with_plus_and_at_most_in_both_directions() {
        let figures = QuorumFigures {
            quorum: 3,
            hysteresis: 1,
            weight: 7,
        };
        let body = |up, occasion| service("V", up, occasion).body;
        assert_eq!(
            body(true, Occasion::Turn(figures)),
            "=> Gained quorum 3+1=4 <= 7 <="
        );
        assert_eq!(
            body(false, Occasion::Turn(figures)),
            "=> Lost quorum 3+1=2 <= 7 <="
        );
        assert_eq!(
            body(true, Occasion::Start(figures)),
            "=> Starting with quorum up 3+1=4 <= 7 <="
        );
        assert_eq!(
            body(false, Occasion::Start(figures)),
            "=> Starting with quorum down 3+1=4 <= 7 <="
        );
    }
}
