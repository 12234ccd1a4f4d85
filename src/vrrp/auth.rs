//! Legacy authentication of version 2 as it is in the packet (RFC 2338 §5.3.6, facts 7.1, 5.2), and comparisons that take
//! the same time wherever a difference is.

use super::config::Auth;

/// The length of version 2's authentication data.
pub const AUTH_LEN: usize = 8;

impl Auth {
    /// The type on the wire: 0 none, 1 simple password, 2 AH.
    pub const fn wire_type(&self) -> u8 {
        match self {
            Self::None => 0,
            Self::Pass(_) => 1,
            Self::Ah(_) => 2,
        }
    }

    /// The eight octets on the wire; zero without a password.
    pub const fn wire_data(&self) -> [u8; AUTH_LEN] {
        match self {
            Self::None | Self::Ah(_) => [0; AUTH_LEN],
            Self::Pass(password) => *password,
        }
    }
}

/// Whether two secrets are equal, in a time that does not depend on where they differ.
pub fn same<const N: usize>(ours: &[u8; N], theirs: &[u8; N]) -> bool {
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
        assert!(same(&ours, b"qwaszx\0\0"));
        for at in 0..AUTH_LEN {
            let mut theirs = ours;
            theirs[at] ^= 0x80;
            assert!(!same(&ours, &theirs), "octet {at}");
        }
    }
}
