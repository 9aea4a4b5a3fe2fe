//! The environ of a request (PEP 3333, "environ Variables"; RFC 3875 for the CGI names).
//!
//! An environ starts as a copy of a template that has everything but the request, so that most keys cost nothing.

use std::sync::Arc;

use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict, PyString},
};
use rgunicorn_bridge::{FieldCache, below, insert_new, latin1, percent_decoded};
use rgunicorn_http::{Body, Exchange, Local, Peer, Scheme, Version};

use crate::{call::Call, file_wrapper::FileWrapper, frontend, input::Input};

/// Builds environs.
pub(crate) struct Environs {
    template: Py<PyDict>,
    /// Where the application is mounted, unless a proxy says otherwise.
    root_path: String,
    keys: Keys,
    fields: FieldCache,
    /// What is known of each connection's last client, by the connection's place in the engine.
    ends: Vec<Option<Ends>>,
}

/// The two ends of a connection as environ values.
struct Ends {
    /// Whose they are. While it is held here, no other client has the same allocation.
    peer: Arc<Peer>,
    remote: Py<PyString>,
    remote_port: Option<Py<PyString>>,
    /// A unix socket has no name and no port; they come from the Host header unless a proxy tells them.
    server_name: Option<Py<PyString>>,
    server_port: Option<Py<PyString>>,
    script_name: Option<Py<PyString>>,
    last: Option<Last>,
}

/// The environ of the connection's last request, without that request's own line and body: most clients send the same
/// header fields each time.
struct Last {
    lines: Vec<u8>,
    environ: Py<PyDict>,
}

/// Longer header sections are not remembered.
const LONGEST: usize = 2048;

/// Declares the keys that are set for each request.
macro_rules! keys {
    ($($name:ident $text:literal),* $(,)?) => {
        struct Keys { $($name: Py<PyString>),* }

        impl Keys {
            fn new(py: Python<'_>) -> Self {
                Self { $($name: PyString::intern(py, $text).unbind()),* }
            }
        }
    };
}

keys! {
    method "REQUEST_METHOD",
    raw_uri "RAW_URI",
    path_info "PATH_INFO",
    query_string "QUERY_STRING",
    protocol "SERVER_PROTOCOL",
    server_name "SERVER_NAME",
    server_port "SERVER_PORT",
    remote_addr "REMOTE_ADDR",
    remote_port "REMOTE_PORT",
    script_name "SCRIPT_NAME",
    scheme "wsgi.url_scheme",
    input "wsgi.input",
    content_length "CONTENT_LENGTH",
}

impl Environs {
    pub(crate) fn new(
        py: Python<'_>,
        errors: Py<PyAny>,
        multiprocess: bool,
        root_path: String,
    ) -> PyResult<Self> {
        let keys = Keys::new(py);
        let template = PyDict::new(py);
        template.set_item("wsgi.errors", errors)?;
        template.set_item("wsgi.version", (1, 0))?;
        template.set_item("wsgi.multithread", false)?;
        template.set_item("wsgi.multiprocess", multiprocess)?;
        template.set_item("wsgi.run_once", false)?;
        template.set_item("wsgi.file_wrapper", py.get_type::<FileWrapper>())?;
        template.set_item("wsgi.input_terminated", true)?;
        template.set_item(&keys.scheme, "http")?;
        template.set_item("SERVER_SOFTWARE", concat!("rgunicorn/", env!("CARGO_PKG_VERSION")))?;
        template.set_item(&keys.script_name, latin1(py, root_path.as_bytes()))?;
        // Most requests leave these as they are.
        template.set_item(&keys.method, PyString::intern(py, "GET"))?;
        template.set_item(&keys.query_string, "")?;
        template.set_item(&keys.protocol, "HTTP/1.1")?;
        template.set_item(&keys.input, Bound::new(py, Input::empty())?)?;
        // And these are always replaced; they are here so that the copy has room for them.
        for key in [&keys.raw_uri, &keys.path_info, &keys.server_name, &keys.server_port, &keys.remote_addr] {
            template.set_item(key, "")?;
        }
        Ok(Self {
            template: template.unbind(),
            root_path,
            keys,
            fields: FieldCache::new(key_of, value_of),
            ends: Vec::new(),
        })
    }

    /// The environ of the call's request.
    pub(crate) fn build<'py>(&mut self, py: Python<'py>, call: &Py<Call>) -> PyResult<Bound<'py, PyDict>> {
        let built = call.get().with(|exchange| -> PyResult<_> {
            let environ = self.of_connection(py, exchange)?;
            self.set_line(&environ, exchange)?;
            let length = self.set_input(&environ, exchange, call)?;
            Ok((environ, length))
        });
        let Some((environ, length)) = built.transpose()? else { return Ok(PyDict::new(py)) };
        if let Some(length) = length {
            // RFC 9112 7.1.3: the chunks are undone, so the length takes the place of the coding.
            environ.del_item("HTTP_TRANSFER_ENCODING")?;
            environ.set_item(&self.keys.content_length, length.to_string())?;
        }
        Ok(environ)
    }

    /// An environ with all that depends on the connection: its two ends, and the header fields, which are likely to be
    /// those of its last request.
    fn of_connection<'py>(&mut self, py: Python<'py>, exchange: &Exchange) -> PyResult<Bound<'py, PyDict>> {
        let key = exchange.id().key;
        if self.ends.len() <= key {
            self.ends.resize_with(key + 1, || None);
        }
        let known = self.ends[key].as_ref().filter(|ends| Arc::ptr_eq(&ends.peer, exchange.peer()));
        let lines = exchange.field_lines();
        let remembered = known.and_then(|ends| ends.last.as_ref());
        if let Some(last) = remembered.filter(|last| lines == Some(&last.lines)) {
            return last.environ.bind(py).copy();
        }
        let fresh = known.is_none();
        let environ = self.template.bind(py).copy()?;
        self.set_ends(&environ, exchange)?;
        self.set_fields(&environ, exchange)?;
        if let (false, Some(lines), Some(ends)) = (fresh, lines, &mut self.ends[key])
            && lines.len() <= LONGEST
        {
            ends.last = Some(Last { lines: lines.to_vec(), environ: environ.copy()?.unbind() });
        }
        Ok(environ)
    }

    fn set_line(&self, environ: &Bound<'_, PyDict>, exchange: &Exchange) -> PyResult<()> {
        let py = environ.py();
        let (method, target, path, query) =
            (exchange.method(), exchange.target(), exchange.path(), exchange.query());
        if method != b"GET" {
            environ.set_item(&self.keys.method, latin1(py, method))?;
        }
        let raw_uri = latin1(py, target);
        environ.set_item(&self.keys.raw_uri, &raw_uri)?;
        let decoded = exchange.told_path().unwrap_or_else(|| percent_decoded(path));
        let mount = exchange.peer().script_name.as_deref().unwrap_or(self.root_path.as_bytes());
        // A proxy may have cut the mount point off already.
        let path_info = match below(&decoded, mount).unwrap_or(&decoded) {
            whole if whole == target => raw_uri,
            part => latin1(py, part),
        };
        environ.set_item(&self.keys.path_info, path_info)?;
        if !query.is_empty() {
            environ.set_item(&self.keys.query_string, latin1(py, query))?;
        }
        if exchange.head().version() == Version::Http10 {
            environ.set_item(&self.keys.protocol, exchange.protocol())?;
            // Requests of the uwsgi protocol are answered as ones of HTTP/1.0.
            if let Some(params) = exchange.params() {
                frontend::set_params(environ, params)?;
            }
        }
        Ok(())
    }

    fn set_ends(&mut self, environ: &Bound<'_, PyDict>, exchange: &Exchange) -> PyResult<()> {
        let py = environ.py();
        let (peer, keys) = (exchange.peer(), &self.keys);
        let ends = match &mut self.ends[exchange.id().key] {
            Some(ends) if Arc::ptr_eq(&ends.peer, peer) => ends,
            stale => stale.insert(Ends::new(py, peer)),
        };
        environ.set_item(&keys.remote_addr, &ends.remote)?;
        if let Some(port) = &ends.remote_port {
            environ.set_item(&keys.remote_port, port)?;
        }
        if let (Some(name), Some(port)) = (&ends.server_name, &ends.server_port) {
            environ.set_item(&keys.server_name, name)?;
            environ.set_item(&keys.server_port, port)?;
        } else {
            let host = exchange.values("host").next().unwrap_or_default();
            let (name, port) = split_host(host);
            // PEP 3333: neither may be empty.
            let name = if name.is_empty() { b"localhost" } else { name };
            environ.set_item(&keys.server_name, latin1(py, name))?;
            match (&ends.server_port, port) {
                (Some(told), _) => environ.set_item(&keys.server_port, told)?,
                (None, Some(port)) => environ.set_item(&keys.server_port, latin1(py, port))?,
                (None, None) => {
                    environ.set_item(&keys.server_port, peer.scheme.default_port().to_string())?
                }
            }
        }
        if peer.scheme == Scheme::Https {
            environ.set_item(&keys.scheme, peer.scheme.as_str())?;
        }
        if let Some(header) = &peer.proxy_header {
            frontend::set_proxy_header(environ, header)?;
        }
        if let Some(script_name) = &ends.script_name {
            environ.set_item(&keys.script_name, script_name)?;
        }
        Ok(())
    }

    /// Set `wsgi.input`; returns the length of a body whose chunks were undone.
    fn set_input(
        &self,
        environ: &Bound<'_, PyDict>,
        exchange: &mut Exchange,
        call: &Py<Call>,
    ) -> PyResult<Option<u64>> {
        let py = environ.py();
        let chunked = exchange.values("transfer-encoding").next().is_some();
        let (input, length) = match exchange.take_body() {
            Body::Behind(start, len) => {
                (Input::memory(PyBytes::new(py, exchange.behind(start, len)).unbind()), len as u64)
            }
            Body::Memory(bytes) => (Input::memory(PyBytes::new(py, &bytes).unbind()), bytes.len() as u64),
            Body::File(file, length) => (Input::file(file), length),
            Body::Empty if exchange.has_unread_body() => {
                environ.set_item(&self.keys.input, Bound::new(py, Input::awaited(call.clone_ref(py)))?)?;
                return Ok(None);
            }
            Body::Empty => return Ok(chunked.then_some(0)),
        };
        environ.set_item(&self.keys.input, Bound::new(py, input)?)?;
        Ok(chunked.then_some(length))
    }

    fn set_fields(&mut self, environ: &Bound<'_, PyDict>, exchange: &Exchange) -> PyResult<()> {
        let py = environ.py();
        for (name, value) in exchange.fields() {
            let (key, value) = self.fields.field(py, name, value);
            if !insert_new(environ, &key, &value)? {
                append(environ, &key, &value, name)?;
            }
        }
        Ok(())
    }
}

/// A repeated field joins the ones before it (RFC 9110 5.3; RFC 9113 8.2.3 for cookies).
fn append(
    environ: &Bound<'_, PyDict>,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    name: &[u8],
) -> PyResult<()> {
    let Some(before) = environ.get_item(key)? else { return Ok(()) };
    let separator = if name.eq_ignore_ascii_case(b"cookie") { "; " } else { "," };
    environ.set_item(key, before.add(separator)?.add(value)?)
}

/// The environ key of a header name.
fn key_of<'py>(py: Python<'py>, name: &[u8]) -> Bound<'py, PyAny> {
    let upper: String =
        name.iter().map(|byte| if *byte == b'-' { '_' } else { byte.to_ascii_uppercase() as char }).collect();
    // `Content_Length`, which an operator may let pass, is not the field that says where the body ends.
    let own = !name.contains(&b'_') && matches!(upper.as_str(), "CONTENT_TYPE" | "CONTENT_LENGTH");
    let key = if own { upper } else { format!("HTTP_{upper}") };
    PyString::intern(py, &key).into_any()
}

fn value_of<'py>(py: Python<'py>, value: &[u8]) -> Bound<'py, PyAny> {
    latin1(py, value).into_any()
}

/// Name and port of a Host header.
fn split_host(host: &[u8]) -> (&[u8], Option<&[u8]>) {
    let bracket = host.iter().rposition(|byte| *byte == b']').unwrap_or(0);
    match host[bracket..].iter().position(|byte| *byte == b':') {
        Some(colon) => {
            // A port may be left out behind its colon (RFC 3986 3.2.3).
            let port = &host[bracket + colon + 1..];
            (&host[..bracket + colon], (!port.is_empty()).then_some(port))
        }
        None => (host, None),
    }
}

impl Ends {
    fn new(py: Python<'_>, peer: &Arc<Peer>) -> Self {
        let text = |text: &str| PyString::new(py, text).unbind();
        let number = |port: u16| text(&port.to_string());
        let (name, port) = match &peer.local {
            Local::Tcp(address) => (Some(address.ip().to_canonical().to_string()), Some(address.port())),
            Local::Unix(_) => (None, None),
        };
        Self {
            remote: text(&peer.remote_address),
            remote_port: peer.remote_port().map(number),
            server_name: peer.server_name.as_ref().or(name.as_ref()).map(|name| text(name)),
            server_port: peer.server_port.or(port).map(number),
            script_name: peer.script_name.as_ref().map(|name| latin1(py, name).unbind()),
            peer: Arc::clone(peer),
            last: None,
        }
    }
}
