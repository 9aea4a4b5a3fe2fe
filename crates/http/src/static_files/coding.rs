//! Content codings: what a client accepts, and which of the variants that lie beside a file it gets (RFC 9110 12.5.3).

/// A coding that a file may lie there in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Gzip,
}

impl Coding {
    /// The better one first.
    const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// The name in header fields.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// What such a file's name ends in, behind the name of the original.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }

    /// The codings to look for, in this order, before the original is sent. One that the client likes less than the
    /// original is not among them. An original that it does not want at all is still the last resort.
    pub(super) fn wanted<'a>(values: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = Self> {
        let accepted = Accepted::read(values);
        let mut codings = Self::ALL.map(|coding| (accepted.of(coding), coding));
        if codings[1].0 > codings[0].0 {
            codings.swap(0, 1);
        }
        let least = accepted.identity.unwrap_or(0).max(1);
        codings.into_iter().filter(move |(weight, _)| *weight >= least).map(|(_, coding)| coding)
    }
}

/// Weights in thousandths; `None` for what is not named.
#[derive(Default)]
struct Accepted {
    brotli: Option<u16>,
    gzip: Option<u16>,
    identity: Option<u16>,
    others: Option<u16>,
}

impl Accepted {
    fn read<'a>(values: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut accepted = Self::default();
        for element in values.flat_map(|value| value.split(|byte| *byte == b',')) {
            let mut parts = element.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
            let name = parts.next().unwrap_or_default();
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            let place = if is("br") {
                &mut accepted.brotli
            } else if is("gzip") || is("x-gzip") {
                &mut accepted.gzip
            } else if is("identity") {
                &mut accepted.identity
            } else if is("*") {
                &mut accepted.others
            } else {
                continue;
            };
            *place = Some(parts.next().map_or(1000, weight));
        }
        accepted
    }

    fn of(&self, coding: Coding) -> u16 {
        let named = match coding {
            Coding::Brotli => self.brotli,
            Coding::Gzip => self.gzip,
        };
        named.or(self.others).unwrap_or(0)
    }
}

/// `q=0.5` in thousandths (RFC 9110 12.4.2); what is malformed counts as not wanted.
fn weight(parameter: &[u8]) -> u16 {
    let [b'q' | b'Q', b'=', whole @ (b'0' | b'1'), fraction @ ..] = parameter else { return 0 };
    let digits = match fraction {
        [] => &[],
        [b'.', digits @ ..] if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => digits,
        _ => return 0,
    };
    let thousandths =
        (0..3).fold(0, |sum, at| sum * 10 + digits.get(at).map_or(0, |digit| u16::from(digit - b'0')));
    if *whole == b'1' { 1000 } else { thousandths }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(value: &str) -> Vec<&'static str> {
        Coding::wanted([value.as_bytes()].into_iter()).map(Coding::name).collect()
    }

    #[test]
    fn the_client_chooses_and_brotli_wins_a_tie() {
        assert_eq!(wanted("gzip, deflate, br"), ["br", "gzip"]);
        assert_eq!(wanted("gzip;q=1, br;q=0.5"), ["gzip", "br"]);
        assert_eq!(wanted("GZIP"), ["gzip"]);
        assert_eq!(wanted("x-gzip ; q=0.001"), ["gzip"]);
        assert_eq!(wanted("*"), ["br", "gzip"]);
        assert_eq!(wanted("br;q=0, *"), ["gzip"]);
        assert_eq!(wanted("identity;q=0, gzip"), ["gzip"]);
        assert_eq!(wanted("*;q=0, br"), ["br"]);
    }

    #[test]
    fn without_consent_nothing_is_coded() {
        assert_eq!(Coding::wanted([].into_iter()).count(), 0);
        for value in
            ["", "identity", "deflate", "gzip;q=0", "gzip;q=0.000, br;q=0", "*;q=0", "identity;q=0", "br;q=2"]
        {
            assert_eq!(wanted(value), [""; 0], "{value}");
        }
        for value in ["gzip;q=0.5, identity", "br;q=0.9, gzip;q=0.8, identity;q=1.0", "gzip;q=x", "gzip;x=1"]
        {
            assert_eq!(wanted(value), [""; 0], "{value}");
        }
    }

    #[test]
    fn weights_have_three_digits_at_most() {
        let table: [(&[u8], u16); 8] = [
            (b"q=1", 1000),
            (b"q=1.000", 1000),
            (b"q=0.7", 700),
            (b"Q=0.123", 123),
            (b"q=0.", 0),
            (b"q=0.1234", 0),
            (b"q=.5", 0),
            (b"q=-1", 0),
        ];
        for (text, thousandths) in table {
            assert_eq!(weight(text), thousandths, "{}", text.escape_ascii());
        }
    }
}
