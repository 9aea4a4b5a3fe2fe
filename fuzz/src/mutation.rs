//! Inputs made from others by chance, for machines without a nightly compiler: a poor man's fuzzer, with a seed.

use crate::chance::Chance;

/// Pieces that parsers stumble over.
const PIECES: &[&[u8]] = &[
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\n\n",
    b"\r\r\n",
    b"\0",
    b"\t",
    b" ",
    b"\x0b",
    b"\x0c",
    b"\x1f",
    b"\x7f",
    b"\x80",
    b"\x85",
    b"\xa0",
    b"\xff",
    b",",
    b":",
    b";",
    b"=",
    b"\"",
    b"\\",
    b"+",
    b"-",
    b"_",
    b"#",
    b"?",
    b"%",
    b"0",
    b"00",
    b"3",
    b"0x",
    b"ffffffffffffffff",
    b"18446744073709551616",
    b"chunked",
    b"identity",
    b"gzip, ",
    b"close",
    b"keep-alive",
    b"upgrade",
    b"100-continue",
    b"HTTP/1.0",
    b"HTTP/1.1",
    b"HTTP/2.0",
    b"http://h",
    b"Host: h\r\n",
    b"Host: \r\n",
    b"Content-Length: 3\r\n",
    b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"Connection: keep-alive\r\n",
    b"Expect: 100-continue\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"3\r\nabc\r\n",
    b"0\r\n\r\n",
    b"0\r\nA: b\r\n\r\n",
];

/// An input made from one or two of `inputs` in a few steps.
#[must_use]
pub fn mutate(inputs: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = chance.one_of(inputs).clone();
    for _ in 0..1 + chance.below(4) {
        step(&mut bytes, inputs, chance);
    }
    bytes.truncate(1 << 14);
    bytes
}

fn step(bytes: &mut Vec<u8>, inputs: &[Vec<u8>], chance: &mut Chance) {
    let at = chance.below(bytes.len() + 1);
    let end = (at + 1 + chance.below(12)).min(bytes.len());
    match chance.below(8) {
        0..=2 => drop(bytes.splice(at..at, chance.one_of(PIECES).iter().copied())),
        3 => drop(bytes.splice(at..end, chance.one_of(PIECES).iter().copied())),
        4 => drop(bytes.drain(at..end)),
        5 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        6 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << chance.below(8);
            }
        }
        _ => {
            let other = chance.one_of(inputs);
            let from = chance.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
}
