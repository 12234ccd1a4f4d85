//! Simple-password authentication of version 2 (RFC 2338 §5.3.6.1, fact 7.1). Nothing here is secret on the wire.

use super::config::Auth;

/// The length of version 2's authentication data.
pub const AUTH_LEN: usize = 8;

impl Auth {
    /// The type on the wire: 0 none, 1 simple password.
    pub const fn wire_type(&self) -> u8 {
        match self {
            Self::None => 0,
            Self::Pass(_) => 1,
        }
    }

    /// The eight octets on the wire; zero without a password.
    pub const fn wire_data(&self) -> [u8; AUTH_LEN] {
        match self {
            Self::None => [0; AUTH_LEN],
            Self::Pass(password) => *password,
        }
    }
}

/// Whether two passwords are equal, in a time that does not depend on where they differ.
pub fn same_password(ours: &[u8; AUTH_LEN], theirs: &[u8; AUTH_LEN]) -> bool {
    let difference = ours.iter().zip(theirs).fold(0u8, |seen, (a, b)| seen | (a ^ b));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Facts: 6.7
    #[test]
    fn every_octet_counts() {
        let ours = *b"qwaszx\0\0";
        assert!(same_password(&ours, b"qwaszx\0\0"));
        for at in 0..AUTH_LEN {
            let mut theirs = ours;
            theirs[at] ^= 0x80;
            assert!(!same_password(&ours, &theirs), "octet {at}");
        }
    }
}
