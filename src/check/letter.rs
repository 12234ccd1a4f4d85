//! What mails say of real servers and virtual servers (facts 15.3 to 15.5, 4.6, 4.8, 6.7).

use super::event::Reason;
use super::telling::{Names, QuorumFigures};

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

/// The line of a checker, by its keyword; `name` is that of a `BFD_CHECK`'s session. `failure`: why it failed. Nothing
/// where keepalived writes none.
pub fn of_checker(keyword: &str, name: &str, failure: Option<&Reason>) -> Option<String> {
    let of_kind = |what: &str| match failure {
        None => format!("=> {what} succeed on service <="),
        Some(_) => format!("=> {what} failed on service <="),
    };
    Some(match keyword {
        "FILE_CHECK" => return None,
        "TCP_CHECK" => of_kind("TCP CHECK"),
        "UDP_CHECK" => of_kind("UDP CHECK"),
        "PING_CHECK" => of_kind("ICMP CHECK"),
        "DNS_CHECK" => of_kind("DNS_CHECK:"),
        "HTTP_GET" | "SSL_GET" => match failure {
            None => of_kind("CHECK"),
            Some(_) => "=> CHECK failed on service : HTTP/SSL request failed <=".to_owned(),
        },
        "SMTP_CHECK" => match failure {
            None => of_kind("CHECK"),
            Some(reason) => format!("=> CHECK failed on service : {reason} <="),
        },
        "MISC_CHECK" => format!(
            "=> MISC CHECK {} on service <=",
            match failure {
                None => "succeeded",
                Some(Reason::ScriptTimedOut) => "timed out",
                Some(_) => "failed",
            }
        ),
        "BFD_CHECK" => format!(
            "=> BFD CHECK {name} {} on service <=",
            if failure.is_none() { "succeeded" } else { "failed" }
        ),
        // What keepalived does not have, in its form.
        _ => of_kind(keyword),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for (keyword, failure, body) in [
            ("TCP_CHECK", None, "=> TCP CHECK succeed on service <="),
            ("TCP_CHECK", Some(&refused), "=> TCP CHECK failed on service <="),
            ("UDP_CHECK", Some(&refused), "=> UDP CHECK failed on service <="),
            ("PING_CHECK", None, "=> ICMP CHECK succeed on service <="),
            ("DNS_CHECK", None, "=> DNS_CHECK: succeed on service <="),
            ("HTTP_GET", None, "=> CHECK succeed on service <="),
            (
                "SSL_GET",
                Some(&refused),
                "=> CHECK failed on service : HTTP/SSL request failed <=",
            ),
            ("MISC_CHECK", None, "=> MISC CHECK succeeded on service <="),
            ("MISC_CHECK", Some(&refused), "=> MISC CHECK failed on service <="),
            ("MISC_CHECK", Some(&late), "=> MISC CHECK timed out on service <="),
            ("BFD_CHECK", None, "=> BFD CHECK N succeeded on service <="),
            ("BFD_CHECK", Some(&refused), "=> BFD CHECK N failed on service <="),
        ] {
            assert_eq!(of_checker(keyword, "N", failure).as_deref(), Some(body));
        }
        assert_eq!(of_checker("FILE_CHECK", "", None), None);
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
