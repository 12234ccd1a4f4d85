//! The sessions' random numbers: jitter and discriminators, from a seed that is passed in.

/// SplitMix64: small, and every seed will do.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        // The bias is far below what jitter could show.
        self.next() % bound.max(1)
    }

    /// A discriminator: anything but 0.
    pub(super) fn discriminator(&mut self) -> u32 {
        loop {
            let [a, b, c, d, ..] = self.next().to_be_bytes();
            let found = u32::from_be_bytes([a, b, c, d]);
            if found != 0 {
                return found;
            }
        }
    }
}
