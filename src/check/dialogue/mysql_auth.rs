//! What MySQL's and MariaDB's authentication plugins want instead of the password.

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The plugins that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plugin {
    /// `mysql_native_password`
    Native,
    /// `caching_sha2_password`
    CachingSha2,
    /// `mysql_clear_password`: the password itself, which only TLS may carry.
    Clear,
}

impl Plugin {
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"mysql_native_password" => Self::Native,
            b"caching_sha2_password" => Self::CachingSha2,
            b"mysql_clear_password" => Self::Clear,
            _ => return None,
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Native => "mysql_native_password",
            Self::CachingSha2 => "caching_sha2_password",
            Self::Clear => "mysql_clear_password",
        }
    }

    /// The answer to a challenge. No password has an empty one.
    pub(super) fn answer(self, password: &str, challenge: &[u8]) -> Vec<u8> {
        let password = password.as_bytes();
        match self {
            Self::Clear => [password, &[0]].concat(),
            Self::Native | Self::CachingSha2 if password.is_empty() => Vec::new(),
            Self::Native => {
                let once = Sha1::digest(password);
                let twice = Sha1::digest(once);
                let mask = Sha1::new().chain_update(challenge).chain_update(twice).finalize();
                once.iter().zip(mask).map(|(a, b)| a ^ b).collect()
            }
            Self::CachingSha2 => {
                let once = Sha256::digest(password);
                let twice = Sha256::digest(once);
                let mask = Sha256::new()
                    .chain_update(twice)
                    .chain_update(challenge)
                    .finalize();
                once.iter().zip(mask).map(|(a, b)| a ^ b).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server knows only the hash of the hash: it takes the mask off and hashes once.
    #[test]
    fn a_server_that_knows_the_hash_of_the_hash_is_convinced() {
        let challenge = b"01234567890123456789";
        let answer = Plugin::Native.answer("hunter2", challenge);
        let stored = Sha1::digest(Sha1::digest(b"hunter2"));
        let mask = Sha1::new()
            .chain_update(challenge)
            .chain_update(stored)
            .finalize();
        let once: Vec<u8> = answer.iter().zip(mask).map(|(a, b)| a ^ b).collect();
        assert_eq!(Sha1::digest(&once), stored);

        let answer = Plugin::CachingSha2.answer("hunter2", challenge);
        let stored = Sha256::digest(Sha256::digest(b"hunter2"));
        let mask = Sha256::new()
            .chain_update(stored)
            .chain_update(challenge)
            .finalize();
        let once: Vec<u8> = answer.iter().zip(mask).map(|(a, b)| a ^ b).collect();
        assert_eq!(Sha256::digest(&once), stored);

        assert!(Plugin::Native.answer("", challenge).is_empty());
        assert_eq!(Plugin::Clear.answer("x", challenge), b"x\0");
    }
}
