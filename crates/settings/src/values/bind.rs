//! Where connections are accepted, and what is spoken there: a TCP address or a unix socket, and a protocol.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    path::PathBuf,
    str::FromStr,
};

use super::{Newtype, ValueError, WireProtocol};

/// The port of an address that names none, as in gunicorn.
const DEFAULT_PORT: u16 = 8000;

/// What fits into the kernel's `sun_path`, less the closing NUL, on the systems we know.
const LONGEST_UNIX_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

const FORMS: &str = "write `HOST:PORT`, `:PORT`, `[V6]:PORT`, `unix:PATH` or `fd://N`";

/// What to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Where.
    pub address: Address,
    /// What is spoken there; `None` for what the setting `protocol` says.
    pub protocol: Option<WireProtocol>,
}

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A TCP port.
    Tcp {
        /// A host name or an address; a v6 address without brackets.
        host: String,
        /// `0` lets the kernel choose.
        port: u16,
    },
    /// A unix socket, relative to the working directory.
    Unix(PathBuf),
    /// A unix socket of Linux's abstract names, which has no file.
    Abstract(String),
    /// A descriptor that the process was started with, of a socket that listens.
    Inherited(u32),
}

impl FromStr for Bind {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (protocol, address) = if let Some(rest) = text.strip_prefix("uwsgi://") {
            (Some(WireProtocol::Uwsgi), rest)
        } else if let Some(rest) = text.strip_prefix("http://") {
            (Some(WireProtocol::Http), rest)
        } else {
            (None, text)
        };
        // As a URL has it; a path keeps what it has.
        let address = match address.strip_suffix('/') {
            Some(host) if protocol.is_some() && !address.starts_with("unix:") => host,
            _ => address,
        };
        Ok(Self { address: address.parse()?, protocol })
    }
}

impl FromStr for Address {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return read_unix(path.strip_prefix("//").unwrap_or(path));
        }
        if text.starts_with("https://") {
            return Err(ValueError::new("TLS is not available", "let a proxy end TLS and write `HOST:PORT`"));
        }
        if let Some(number) = text.strip_prefix("fd://") {
            return read_descriptor(number);
        }
        if let Some((protocol, _)) = text.split_once("://").filter(|(protocol, _)| *protocol != "tcp") {
            let remedy = "write `uwsgi://ADDRESS`, `http://ADDRESS` or just `ADDRESS`";
            return Err(ValueError::new(format!("there is no protocol `{protocol}`"), remedy));
        }
        read_tcp(text.strip_prefix("tcp://").unwrap_or(text))
    }
}

fn read_descriptor(text: &str) -> Result<Address, ValueError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits && number <= i32::MAX as u32 => Ok(Address::Inherited(number)),
        _ => {
            let problem = format!("`{text}` is not the number of a descriptor");
            Err(ValueError::new(problem, "write for example `fd://3`"))
        }
    }
}

fn read_unix(path: &str) -> Result<Address, ValueError> {
    if path.is_empty() {
        return Err(ValueError::new("no path follows `unix:`", "write for example `unix:/run/site.sock`"));
    }
    if path.contains('\0') {
        return Err(ValueError::new(
            "a path has no NUL character",
            "write for example `unix:/run/site.sock`",
        ));
    }
    if path.len() > LONGEST_UNIX_PATH {
        let problem = format!("the path has {} bytes and the kernel takes {LONGEST_UNIX_PATH}", path.len());
        return Err(ValueError::new(problem, "choose a shorter path, or a relative one with `--chdir`"));
    }
    match path.strip_prefix('@') {
        None => Ok(Address::Unix(PathBuf::from(path))),
        Some(_) if cfg!(not(target_os = "linux")) => {
            Err(ValueError::new("only Linux has abstract sockets", "write `unix:./PATH` for a file"))
        }
        Some("") => Err(ValueError::new("no name follows the `@`", "write for example `unix:@site`")),
        Some(name) => Ok(Address::Abstract(name.to_owned())),
    }
}

fn read_tcp(text: &str) -> Result<Address, ValueError> {
    if let Some(rest) = text.strip_prefix('[') {
        return read_v6(rest);
    }
    if text.starts_with(['/', '.']) && text.contains('/') {
        return Err(ValueError::new(
            "it is a path, not an address",
            format!("write `unix:{text}` for a unix socket"),
        ));
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        let remedy = format!("write `[{text}]:{DEFAULT_PORT}`");
        return Err(ValueError::new("a v6 address needs brackets", remedy));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, read_port(port)?),
        None if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() => {
            let remedy =
                format!("write `:{text}` for every interface or `127.0.0.1:{text}` for this machine");
            return Err(ValueError::new("it is a port without a host", remedy));
        }
        None => (text, DEFAULT_PORT),
    };
    Ok(Address::Tcp { host: read_host(host)?, port })
}

/// What follows the opening bracket.
fn read_v6(rest: &str) -> Result<Address, ValueError> {
    let Some((host, after)) = rest.split_once(']') else {
        return Err(ValueError::new("the bracket is not closed", format!("write `[{rest}]:{DEFAULT_PORT}`")));
    };
    let address = host.split_once('%').map_or(host, |(address, _zone)| address);
    if address.parse::<Ipv6Addr>().is_err() {
        let remedy = "write for example `[::1]:8000`; other addresses take no brackets";
        return Err(ValueError::new(format!("`{host}` is not a v6 address"), remedy));
    }
    let port = match after.strip_prefix(':') {
        Some(port) => read_port(port)?,
        None if after.is_empty() => DEFAULT_PORT,
        None => {
            let remedy = format!("write `[{host}]:{DEFAULT_PORT}`");
            return Err(ValueError::new(format!("`{after}` follows the bracket"), remedy));
        }
    };
    Ok(Address::Tcp { host: host.to_ascii_lowercase(), port })
}

fn read_port(text: &str) -> Result<u16, ValueError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| {
        let problem = match text {
            "" => "no port follows the colon".to_owned(),
            _ => format!("`{text}` is not a port"),
        };
        ValueError::new(problem, "give a number from 1 to 65535, or 0 to let the kernel choose")
    })
}

fn read_host(text: &str) -> Result<String, ValueError> {
    match text {
        "" => return Ok(Ipv4Addr::UNSPECIFIED.to_string()),
        "*" => {
            let remedy = "write `0.0.0.0` for every v4 interface or `[::]` for v6";
            return Err(ValueError::new("`*` is not a host", remedy));
        }
        _ => {}
    }
    let like_v4 = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if !name || (like_v4 && text.parse::<Ipv4Addr>().is_err()) {
        return Err(ValueError::new(format!("`{text}` is not a host name or address"), FORMS));
    }
    Ok(text.to_ascii_lowercase())
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(protocol) = self.protocol {
            write!(f, "{protocol}://")?;
        }
        self.address.fmt(f)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "unix:@{name}"),
            Self::Inherited(number) => write!(f, "fd://{number}"),
        }
    }
}

impl Newtype for Bind {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp { host: host.to_owned(), port }
    }

    fn unix(path: &str) -> Address {
        Address::Unix(path.into())
    }

    fn refusal(text: &str) -> String {
        text.parse::<Bind>().unwrap_err().to_string()
    }

    #[test]
    fn every_form_is_understood() {
        for (text, address) in [
            ("127.0.0.1", tcp("127.0.0.1", 8000)),
            ("127.0.0.1:80", tcp("127.0.0.1", 80)),
            ("localhost:0", tcp("localhost", 0)),
            ("LOCALHOST", tcp("localhost", 8000)),
            (":9000", tcp("0.0.0.0", 9000)),
            ("", tcp("0.0.0.0", 8000)),
            ("[::1]:65535", tcp("::1", 65535)),
            ("[::]", tcp("::", 8000)),
            ("[fe80::1%eth0]:80", tcp("fe80::1%eth0", 80)),
            ("tcp://10.0.0.1:1", tcp("10.0.0.1", 1)),
            ("unix:/tmp/x.sock", unix("/tmp/x.sock")),
            ("unix:///tmp/x.sock", unix("/tmp/x.sock")),
            ("unix:run/x.sock", unix("run/x.sock")),
            ("unix:@site", Address::Abstract("site".to_owned())),
            ("unix:./@site", unix("./@site")),
            ("fd://3", Address::Inherited(3)),
        ] {
            assert_eq!(text.parse(), Ok(Bind { address, protocol: None }), "{text}");
        }
    }

    #[test]
    fn an_address_may_name_what_is_spoken_there() {
        let (http, uwsgi) = (Some(WireProtocol::Http), Some(WireProtocol::Uwsgi));
        for (text, address, protocol, written) in [
            ("http://site.example:80/", tcp("site.example", 80), http, "http://site.example:80"),
            ("uwsgi://127.0.0.1:3031", tcp("127.0.0.1", 3031), uwsgi, "uwsgi://127.0.0.1:3031"),
            ("uwsgi://[::1]:3031", tcp("::1", 3031), uwsgi, "uwsgi://[::1]:3031"),
            ("uwsgi://:3031", tcp("0.0.0.0", 3031), uwsgi, "uwsgi://0.0.0.0:3031"),
            ("uwsgi://unix:/run/x.sock", unix("/run/x.sock"), uwsgi, "uwsgi://unix:/run/x.sock"),
            ("uwsgi://unix:///run/x.sock", unix("/run/x.sock"), uwsgi, "uwsgi://unix:/run/x.sock"),
            ("http://unix:x.sock", unix("x.sock"), http, "http://unix:x.sock"),
        ] {
            let bind = Bind { address, protocol };
            assert_eq!(bind.to_string(), written);
            assert_eq!(text.parse(), Ok(bind), "{text}");
        }
        for text in ["fastcgi://127.0.0.1:80", "uwsgi://http://127.0.0.1:80"] {
            assert!(
                refusal(text).ends_with("(write `uwsgi://ADDRESS`, `http://ADDRESS` or just `ADDRESS`)"),
                "{text}"
            );
        }
        assert!(refusal("uwsgi:/run/x.sock").starts_with("`/run/x.sock` is not a port"));
    }

    #[test]
    fn a_malformed_address_says_what_to_write() {
        assert_eq!(
            refusal("8000"),
            "it is a port without a host (write `:8000` for every interface or `127.0.0.1:8000` for this machine)"
        );
        assert_eq!(refusal("::1"), "a v6 address needs brackets (write `[::1]:8000`)");
        assert_eq!(
            refusal("/tmp/x.sock"),
            "it is a path, not an address (write `unix:/tmp/x.sock` for a unix socket)"
        );
        assert_eq!(
            refusal("localhost:http"),
            "`http` is not a port (give a number from 1 to 65535, or 0 to let the kernel choose)"
        );
        for port in ["65536", "-1", "+1", "8000 ", "80:90"] {
            assert!(
                refusal(&format!("localhost:{port}")).starts_with(&format!("`{port}` is not a port")),
                "{port}"
            );
        }
        assert!(refusal("localhost:").starts_with("no port follows the colon"));
        assert!(
            refusal("256.0.0.1:80")
                .starts_with("`256.0.0.1` is not a host name or address (write `HOST:PORT`")
        );
        assert!(refusal("a b:80").starts_with("`a b` is not a host name"));
        assert!(refusal("*:80").contains("write `0.0.0.0`"));
        assert_eq!(refusal("[::1:80"), "the bracket is not closed (write `[::1:80]:8000`)");
        assert!(refusal("[localhost]:80").starts_with("`localhost` is not a v6 address"));
        assert_eq!(refusal("[::1]80"), "`80` follows the bracket (write `[::1]:8000`)");
        assert!(refusal("unix:").starts_with("no path follows `unix:`"));
        assert!(refusal(&format!("unix:/{}", "x".repeat(200))).starts_with("the path has 201 bytes"));
        assert!(refusal("https://x:443").starts_with("TLS is not available"));
        for text in ["fd://", "fd://-1", "fd://x", "fd://4294967295"] {
            assert!(
                refusal(text).ends_with("is not the number of a descriptor (write for example `fd://3`)")
            );
        }
        assert!(refusal("unix:@").starts_with("no name follows the `@`"));
    }

    fn any_bind() -> impl Strategy<Value = Bind> {
        let name = "[a-z][a-z0-9-]{0,10}(\\.[a-z]{1,5}){0,2}";
        let v4 = any::<Ipv4Addr>().prop_map(|address| address.to_string());
        let v6 = any::<Ipv6Addr>().prop_map(|address| address.to_string());
        let host = prop_oneof![name, v4, v6];
        let address = prop_oneof![
            (host, any::<u16>()).prop_map(|(host, port)| Address::Tcp { host, port }),
            "[a-z0-9/@ ]{1,60}".prop_map(Address::Abstract),
            (0..=i32::MAX as u32).prop_map(Address::Inherited),
            "/?[a-z0-9 :.-][a-z0-9/ :@.-]{0,60}".prop_map(|path| Address::Unix(path.into())),
        ];
        let protocol =
            proptest::sample::select(vec![None, Some(WireProtocol::Http), Some(WireProtocol::Uwsgi)]);
        (address, protocol).prop_map(|(address, protocol)| Bind { address, protocol })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(bind in any_bind()) {
            prop_assert_eq!(bind.to_string().parse(), Ok(bind));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            // Whatever is accepted must survive being printed and read again.
            if let Ok(bind) = text.parse::<Bind>() {
                prop_assert_eq!(bind.to_string().parse(), Ok(bind));
            }
        }
    }
}
