//! Octets in words that people read.

use std::fmt;

/// So many octets: `1 octet`, `640 octets`, `1.2 MiB`, `2 GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];
        let Some((unit, shift)) = units.into_iter().rev().find(|(_, shift)| self.0 >> shift > 0) else {
            return write!(f, "{} {}", self.0, if self.0 == 1 { "octet" } else { "octets" });
        };
        // Tenths, rounded down: what does not fit must not look as if it did.
        let tenths = (u128::from(self.0) * 10) >> shift;
        let (whole, tenth) = (tenths / 10, tenths % 10);
        if tenth == 0 || whole >= 100 {
            write!(f, "{whole} {unit}")
        } else {
            write!(f, "{whole}.{tenth} {unit}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_write_them() {
        for (octets, words) in [
            (0, "0 octets"),
            (1, "1 octet"),
            (1023, "1023 octets"),
            (1024, "1 KiB"),
            (1_300_000, "1.2 MiB"),
            (2 << 30, "2 GiB"),
            (u64::MAX, "16777215 TiB"),
        ] {
            assert_eq!(Size(octets).to_string(), words);
        }
    }
}
