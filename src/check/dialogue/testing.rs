//! Conversations for tests: a service whose answers are written down.

use super::{Dialogue, MAX_MESSAGE, Step};
use crate::check::config::{Login, Password};
use crate::check::event::Reason;

pub(super) fn login(username: Option<&str>, password: Option<&str>) -> Login {
    Login {
        username: username.map(str::to_owned),
        password: password.map(|text| Password(text.to_owned())),
    }
}

/// Why it did not end well.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Failed(Reason),
    /// The service stopped speaking.
    Unfinished,
}

#[derive(Debug)]
pub(super) struct Ended {
    pub(super) sent: Vec<Vec<u8>>,
    pub(super) outcome: Result<(), Said>,
}

impl Ended {
    pub(super) fn sent_text(&self) -> Vec<String> {
        self.sent
            .iter()
            .map(|octets| String::from_utf8_lossy(octets).into_owned())
            .collect()
    }

    /// The words of the failure that there must have been.
    pub(super) fn failure(&self) -> String {
        match &self.outcome {
            Err(Said::Failed(reason)) => reason.to_string(),
            other => panic!("{other:?}"),
        }
    }
}

/// What is sent before TLS begins ends with this.
pub(super) const TLS: &[u8] = b"<TLS>";

/// The whole conversation; the next answer comes when more is needed. It is the same when every octet comes alone.
pub(super) fn converse<D: Dialogue>(dialogue: D, answers: &[impl AsRef<[u8]>]) -> Ended {
    run(dialogue, answers.iter().map(|answer| answer.as_ref().to_vec()))
}

/// The same with answers cut into single octets.
pub(super) fn drip<D: Dialogue>(dialogue: D, answers: &[impl AsRef<[u8]>]) -> Ended {
    let octets: Vec<u8> = answers
        .iter()
        .flat_map(|answer| answer.as_ref().to_vec())
        .collect();
    run(dialogue, octets.into_iter().map(|octet| vec![octet]))
}

fn run<D: Dialogue>(mut dialogue: D, mut answers: impl Iterator<Item = Vec<u8>>) -> Ended {
    let mut sent = Vec::new();
    let mut input = Vec::new();
    for _ in 0..1_000_000 {
        match dialogue.step(&mut input) {
            Step::More => match answers.next() {
                Some(answer) => input.extend(answer),
                None => {
                    return Ended {
                        sent,
                        outcome: Err(Said::Unfinished),
                    };
                }
            },
            Step::Send(octets) => sent.push(octets),
            Step::StartTls => sent.push(TLS.to_vec()),
            Step::Done(last) => {
                sent.push(last);
                return Ended {
                    sent,
                    outcome: Ok(()),
                };
            }
            Step::Failed(reason) => {
                return Ended {
                    sent,
                    outcome: Err(Said::Failed(reason)),
                };
            }
        }
    }
    panic!("it never ends");
}

/// Whatever a service sends, it ends in bounded memory and never well: noise of every kind.
pub(super) fn hostile<D: Dialogue>(new: impl Fn() -> D) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..600_usize {
        let mut noise = Vec::new();
        for _ in 0..=round {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let octet = (state >> 56) as u8;
            noise.push(match round % 4 {
                0 => octet,
                1 => octet & 0x7f,
                2 => octet & 3,
                _ => b"+-0123456789 OK\r\n"[usize::from(octet) % 17],
            });
        }
        assert_ne!(converse(new(), &[noise.clone()]).outcome, Ok(()), "{noise:?}");
        assert_ne!(drip(new(), &[noise]).outcome, Ok(()));
    }
    for octet in [0, 1, b'+', b'2', 0x30, 0xff] {
        let mut dialogue = new();
        let mut input = Vec::new();
        for _ in 0..2048 {
            match dialogue.step(&mut input) {
                Step::More => input.extend([octet; 1024]),
                Step::Done(_) => panic!("endless {octet} is taken for good"),
                Step::Failed(_) => break,
                Step::Send(_) | Step::StartTls => {}
            }
            assert!(
                input.len() <= MAX_MESSAGE + 2048,
                "{octet}: {} octets are kept",
                input.len()
            );
        }
    }
}
