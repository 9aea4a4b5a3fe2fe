//! A small set of field names that is asked about every field of every request of a proxy.

/// Field names, in any case.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// A bit for each length that occurs, so that most fields are told apart by theirs.
    lengths: u64,
    names: Vec<Box<[u8]>>,
}

/// The bit of a length; very long names share one.
fn bit(name: &[u8]) -> u64 {
    1 << name.len().min(63)
}

impl Names {
    pub(super) fn add(&mut self, name: &str) {
        if !self.contains(name.as_bytes()) {
            self.lengths |= bit(name.as_bytes());
            self.names.push(name.as_bytes().into());
        }
    }

    pub(super) fn contains(&self, name: &[u8]) -> bool {
        self.lengths & bit(name) != 0 && self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_whatever_their_length() {
        let mut names = Names::default();
        assert!(!names.contains(b"") && !names.contains(b"forwarded"));
        let long = "x".repeat(100);
        for name in ["Forwarded", "X-Real", long.as_str()] {
            names.add(name);
            assert!(names.contains(name.to_ascii_uppercase().as_bytes()));
        }
        for other in ["forwarder", "x-rea", "x-reals", "", &long[1..], &"y".repeat(100)] {
            assert!(!names.contains(other.as_bytes()), "{other}");
        }
    }
}
