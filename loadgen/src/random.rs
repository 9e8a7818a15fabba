//! Seeded randomness: one master seed, a stream of its own for every use.

/// SplitMix64's finaliser: a bijection of 64-bit words without visible structure.
pub(crate) fn mix(word: u64) -> u64 {
    let mut z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// xoshiro256++ (Blackman and Vigna), seeded through [`mix`].
#[derive(Clone, Debug)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// The stream number `stream` of a master seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        let base = mix(seed) ^ mix(stream.wrapping_mul(0xd605_bbb5_8c8a_bbc9));
        Self {
            state: [1, 2, 3, 4].map(|i: u64| mix(base.wrapping_add(i))),
        }
    }

    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        self.state = [
            a ^ d ^ b,
            b ^ c ^ a,
            c ^ a ^ (b << 17),
            (d ^ b).rotate_left(45),
        ];
        result
    }

    /// Uniform in the open interval (0, 1): never 0, never 1.
    pub fn unit(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1u64 << 53) as f64;
        ((self.word() >> 11) as f64 + 0.5) * STEP
    }

    /// Uniform in `0..bound` (Lemire's multiplication with rejection, so without bias).
    pub fn below(&mut self, bound: u64) -> u64 {
        debug_assert!(bound > 0);
        loop {
            let wide = u128::from(self.word()) * u128::from(bound);
            let low = wide as u64;
            // The remainder is below the bound: most words need no division.
            if low >= bound || low >= bound.wrapping_neg() % bound {
                return (wide >> 64) as u64;
            }
        }
    }

    /// Exponential with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -self.unit().ln()
    }
}
