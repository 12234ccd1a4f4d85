//! SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding: the client's half.

use super::base64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The most rounds that are computed: a service that wants more would occupy us.
const MAX_ROUNDS: u32 = 50_000;

type Hash = [u8; 32];

/// An exchange of which the first message was made.
pub(super) struct Scram {
    nonce: String,
    bare: String,
}

impl Scram {
    /// `nonce`: plain characters without a comma that nobody can guess.
    pub(super) fn new(username: &str, nonce: String) -> Self {
        let username = username.replace('=', "=3D").replace(',', "=2C");
        let bare = format!("n={username},r={nonce}");
        Self { nonce, bare }
    }

    pub(super) fn first(&self) -> String {
        format!("n,,{}", self.bare)
    }

    /// The answer to the service's first message, and what its last one must be.
    pub(super) fn answer(&self, password: &str, server: &str) -> Result<(String, String), &'static str> {
        let field = |name: &str| server.split(',').find_map(|part| part.strip_prefix(name));
        let nonce =
            field("r=").filter(|nonce| nonce.starts_with(&self.nonce) && nonce.len() > self.nonce.len());
        let nonce = nonce.ok_or("SCRAM: its nonce is not ours continued")?;
        let salt = field("s=").and_then(base64::decode).ok_or("SCRAM: no salt")?;
        let rounds: u32 = field("i=").and_then(|text| text.parse().ok()).unwrap_or(0);
        if rounds == 0 || rounds > MAX_ROUNDS {
            return Err("SCRAM: a count of rounds that is not sensible");
        }
        let salted = salted(password.as_bytes(), &salt, rounds);
        let client_key = mac(&salted, b"Client Key");
        let stored: Hash = Sha256::digest(client_key).into();
        let unproven = format!("c=biws,r={nonce}");
        let all = format!("{},{server},{unproven}", self.bare);
        let signature = mac(&stored, all.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        let server_key = mac(&salted, b"Server Key");
        let verifier = mac(&server_key, all.as_bytes());
        Ok((
            format!("{unproven},p={}", base64::encode(&proof)),
            format!("v={}", base64::encode(&verifier)),
        ))
    }
}

fn mac(key: &[u8], message: &[u8]) -> Hash {
    keyed(key).map_or([0; 32], |mac| {
        mac.chain_update(message).finalize().into_bytes().into()
    })
}

/// A key of any length is one.
fn keyed(key: &[u8]) -> Option<Hmac<Sha256>> {
    Hmac::new_from_slice(key).ok()
}

/// PBKDF2 of one block.
fn salted(password: &[u8], salt: &[u8], rounds: u32) -> Hash {
    let Some(keyed) = keyed(password) else {
        return [0; 32];
    };
    let round =
        |message: &[u8]| -> Hash { keyed.clone().chain_update(message).finalize().into_bytes().into() };
    let mut last = round(&[salt, &[0, 0, 0, 1]].concat());
    let mut sum = last;
    for _ in 1..rounds {
        last = round(&last);
        for (sum, octet) in sum.iter_mut().zip(last) {
            *sum ^= octet;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange of RFC 7677, section 3.
    #[test]
    fn the_example_of_the_rfc() {
        let scram = Scram::new("user", "rOprNGfwEbeRWgbNEkqO".into());
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let server = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (proof, verifier) = scram.answer("pencil", server).unwrap();
        assert_eq!(
            proof,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(verifier, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn a_hostile_service_gets_no_work_done() {
        let scram = Scram::new("a=b,c", "abc".into());
        assert_eq!(scram.first(), "n,,n=a=3Db=2Cc,r=abc");
        for server in [
            "",
            "r=abc,s=AAAA,i=4096",
            "r=xyz1,s=AAAA,i=4096",
            "r=abc1,s=A,i=4096",
            "r=abc1,s=AAAA,i=0",
            "r=abc1,s=AAAA,i=4294967295",
            "r=abc1,s=AAAA,i=x",
        ] {
            assert!(scram.answer("p", server).is_err(), "{server}");
        }
    }
}
