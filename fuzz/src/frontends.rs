//! What frontends put around HTTP: headers of the PROXY protocol, and uwsgi packets.

use rgunicorn_http::{
    Limits,
    proto::{Framing, Rules},
    wire::{
        proxy_protocol::{self, Header, Opening, Version, Versions},
        uwsgi::{self, Params},
    },
};

use crate::{chance::arrivals, reading::read_head};

/// The target for the PROXY protocol.
///
/// # Panics
/// When the header depends on how its bytes arrive or on what comes behind it, or is not what its bytes say.
pub fn run_proxy(bytes: &[u8]) {
    for (text, binary) in [(true, true), (true, false), (false, true)] {
        let versions = Versions { text, binary };
        let whole = read_proxy(&[bytes], versions);
        for way in arrivals(bytes) {
            assert_eq!(read_proxy(&way, versions), whole, "{}", bytes.escape_ascii());
        }
        if let Outcome::Header(header, length) = whole {
            assert_eq!(read_proxy(&[&bytes[..length]], versions), whole, "reads beyond {length} bytes");
            check_proxy(&header, &bytes[..length]);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Plain,
    Waits,
    Faulty,
    Header(Header, usize),
}

/// What a connection begins with, as the first look at its growing bytes that can tell says it.
fn read_proxy(pieces: &[&[u8]], versions: Versions) -> Outcome {
    let mut bytes = Vec::new();
    for piece in pieces {
        bytes.extend_from_slice(piece);
        match proxy_protocol::opening(&bytes, versions) {
            Opening::Plain => return Outcome::Plain,
            Opening::Undecided => {}
            Opening::Header(version) => match proxy_protocol::read(&bytes, version) {
                Ok(None) => {}
                Ok(Some((header, length))) => return Outcome::Header(header, length),
                Err(_) => return Outcome::Faulty,
            },
        }
    }
    Outcome::Waits
}

/// The parts of a header, written again, are its bytes.
fn check_proxy(header: &Header, bytes: &[u8]) {
    let version = if bytes.starts_with(b"PROXY ") { Version::V1 } else { Version::V2 };
    let Some(ends) = header.ends else {
        assert!(!matches!(header.protocol, "TCP4" | "TCP6"), "a protocol without its addresses");
        return;
    };
    let (source, destination) = (ends.source, ends.destination);
    assert_eq!(source.is_ipv4(), destination.is_ipv4());
    assert_eq!(source.is_ipv4(), header.protocol.ends_with('4'));
    match version {
        Version::V1 => {
            let ports = format!("{} {}\r\n", source.port(), destination.port());
            assert!(bytes.len() <= 107 && bytes.ends_with(ports.as_bytes()));
            if source.is_ipv4() {
                let line = format!("PROXY TCP4 {} {} {ports}", source.ip(), destination.ip());
                assert_eq!(line.as_bytes(), bytes);
            }
        }
        Version::V2 => {
            let size = if source.is_ipv4() { 4 } else { 16 };
            let octets = |address: std::net::IpAddr| match address {
                std::net::IpAddr::V4(address) => address.octets().to_vec(),
                std::net::IpAddr::V6(address) => address.octets().to_vec(),
            };
            assert_eq!(bytes[16..16 + size], octets(source.ip()));
            assert_eq!(bytes[16 + size..16 + 2 * size], octets(destination.ip()));
            let ports = [source.port().to_be_bytes(), destination.port().to_be_bytes()].concat();
            assert_eq!(bytes[16 + 2 * size..20 + 2 * size], ports);
        }
    }
}

/// The target for uwsgi packets.
///
/// # Panics
/// When a packet becomes anything but one request whose fields are its variables.
pub fn run_uwsgi(bytes: &[u8]) {
    let whole = uwsgi::length(bytes);
    for length in (0..bytes.len().min(8)).chain([bytes.len() / 2]) {
        match uwsgi::length(&bytes[..length]) {
            Ok(Some(found)) => assert_eq!(whole, Ok(Some(found))),
            Ok(None) => {}
            Err(fault) => assert_eq!(whole, Err(fault)),
        }
    }
    let Ok(Some(length)) = whole else { return };
    assert!(length <= bytes.len());
    if let Ok(params) = Params::parse(bytes[..length].to_vec()) {
        check_uwsgi(&params, length);
    }
}

fn check_uwsgi(params: &Params, length: usize) {
    let size: usize = params.all().map(|(key, value)| key.len() + value.len() + 4).sum();
    assert_eq!(size + 4, length, "bytes of the packet are in no variable");
    // None of these may panic, whatever the variables are.
    let _ = (params.remote(), params.server_name(), params.server_port());
    let _ = (params.is_https(), params.path_info());
    assert!(params.passed_on().all(|(key, _)| !key.starts_with(b"HTTP_")));
    let Ok(bytes) = params.head() else { return };
    // What one variable says must not become the end of the head, or another field.
    let limits = Limits {
        fields: 256,
        field_size: 1 << 17,
        request_line: 1 << 17,
        head: 1 << 18,
        ..Limits::default()
    };
    let Ok(read) = read_head(&bytes, Rules::strict(&limits)) else { return };
    let (head, head_bytes, end) = read.expect("a whole head");
    assert_eq!(end, bytes.len(), "a head within a variable");
    let expected = params.value("REQUEST_METHOD").expect("a head has a method");
    assert_eq!(head.method(&head_bytes), expected);
    if let Some(target) = params.value("REQUEST_URI").filter(|target| !target.is_empty()) {
        assert_eq!(head.target(&head_bytes), target);
    }
    let sent: Vec<&[u8]> = params.all().map(|(_, value)| value.trim_ascii()).collect();
    for (name, value) in head.fields(&head_bytes) {
        assert!(sent.contains(&value.trim_ascii()), "a value that nobody sent: {}", value.escape_ascii());
        assert!(!name.eq_ignore_ascii_case(b"transfer-encoding"), "a uwsgi body has no chunks");
    }
    match head.semantics().framing {
        Framing::None => {}
        Framing::Length(length) => {
            let says =
                |value: &[u8]| str::from_utf8(value).is_ok_and(|text| text.trim().parse() == Ok(length));
            assert!(
                params.all().any(|(key, value)| is_length(key) && says(value)),
                "a length that nobody sent"
            );
        }
        Framing::Chunked => panic!("a uwsgi body has no chunks"),
    }
}

/// Whether a variable is the length of the body, by whatever spelling.
fn is_length(key: &[u8]) -> bool {
    let key = key.strip_prefix(b"HTTP_").unwrap_or(key).to_ascii_uppercase();
    key == b"CONTENT_LENGTH" || key == b"CONTENT-LENGTH"
}
