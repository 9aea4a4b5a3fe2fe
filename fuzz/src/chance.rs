//! Numbers that look random and come out the same for the same seed.

/// A generator of numbers (splitmix64: any seed will do).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Begin with a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Begin with a seed that depends on `bytes` alone.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        // FNV-1a.
        Self(bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    /// The next number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    /// One of several.
    pub fn one_of<'a, T>(&mut self, several: &'a [T]) -> &'a T {
        &several[self.below(several.len())]
    }
}

/// Inputs up to this length arrive byte by byte, too.
const SHORT: usize = 120;

/// Ways in which `bytes` may arrive: at once, byte by byte unless they are many, and in a few ways that depend on the
/// bytes alone.
#[must_use]
pub fn arrivals(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut chance = Chance::of(bytes);
    let mut ways = vec![vec![bytes]];
    if bytes.len() <= SHORT {
        ways.push(bytes.chunks(1).collect());
    }
    for longest in [3 + bytes.len() / 50, 17 + bytes.len() / 20] {
        let (mut way, mut rest) = (Vec::new(), bytes);
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at((1 + chance.below(longest)).min(rest.len()));
            way.push(piece);
            rest = behind;
        }
        ways.push(way);
    }
    ways
}
