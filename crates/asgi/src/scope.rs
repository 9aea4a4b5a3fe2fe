//! The scope of a request (ASGI HTTP spec 2.5, "HTTP Connection Scope").
//!
//! A scope starts as a copy of a template that has everything but the request.

use std::{borrow::Cow, sync::Arc};

use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict, PyList, PyString, PyTuple},
};
use rgunicorn_bridge::{FieldCache, below, percent_decoded};
use rgunicorn_http::{Exchange, Local, Peer, Remote, Scheme, Version};

/// Builds scopes.
pub(crate) struct Scopes {
    template: Py<PyDict>,
    /// Where the application is mounted, unless a proxy says otherwise.
    root_path: String,
    versions: Py<PyDict>,
    state: Py<PyDict>,
    keys: Keys,
    fields: FieldCache,
    /// What is known of each connection's last client, by the connection's place in the engine.
    ends: Vec<Option<Ends>>,
}

/// The two ends of a connection as scope values.
struct Ends {
    /// Whose they are. While it is held here, no other client has the same allocation.
    peer: Arc<Peer>,
    client: Py<PyAny>,
    server: Py<PyAny>,
    /// Unless it is the template's.
    scheme: Option<Py<PyString>>,
    /// Unless it is the template's.
    root_path: Option<Py<PyString>>,
    last: Option<Last>,
}

/// The header fields of the connection's last request: most clients send the same ones each time.
struct Last {
    lines: Vec<u8>,
    headers: Py<PyList>,
}

/// Longer header sections are not remembered.
const LONGEST: usize = 2048;

/// Declares the keys that are set for each request.
macro_rules! keys {
    ($($name:ident),* $(,)?) => {
        struct Keys { $($name: Py<PyString>),* }

        impl Keys {
            fn new(py: Python<'_>) -> Self {
                Self { $($name: PyString::intern(py, stringify!($name)).unbind()),* }
            }
        }
    };
}

keys!(
    asgi,
    http_version,
    method,
    path,
    raw_path,
    query_string,
    headers,
    scheme,
    root_path,
    client,
    server,
    state
);

impl Scopes {
    /// `state` is what the application left in the lifespan scope.
    pub(crate) fn new(py: Python<'_>, state: &Bound<'_, PyDict>, root_path: String) -> PyResult<Self> {
        let keys = Keys::new(py);
        let template = PyDict::new(py);
        template.set_item("type", PyString::intern(py, "http"))?;
        template.set_item(&keys.asgi, py.None())?;
        template.set_item(&keys.http_version, "1.1")?;
        template.set_item(&keys.method, PyString::intern(py, "GET"))?;
        template.set_item(&keys.scheme, "http")?;
        template.set_item(&keys.root_path, &root_path)?;
        template.set_item(&keys.query_string, PyBytes::new(py, b""))?;
        // These are always replaced; they are here so that the copy has room for them.
        for key in [&keys.path, &keys.raw_path, &keys.headers, &keys.client, &keys.server, &keys.state] {
            template.set_item(key, py.None())?;
        }
        Ok(Self {
            template: template.unbind(),
            root_path,
            versions: versions(py)?.unbind(),
            state: state.clone().unbind(),
            keys,
            fields: FieldCache::new(lower_name, value_of),
            ends: Vec::new(),
        })
    }

    /// The scope of a request.
    pub(crate) fn build<'py>(
        &mut self,
        py: Python<'py>,
        exchange: &Exchange,
    ) -> PyResult<Bound<'py, PyDict>> {
        let scope = self.template.bind(py).copy()?;
        let keys = &self.keys;
        scope.set_item(&keys.asgi, self.versions.bind(py).copy()?)?;
        scope.set_item(&keys.state, self.state.bind(py).copy()?)?;
        let (method, path, query) = (exchange.method(), exchange.path(), exchange.query());
        if method != b"GET" {
            scope.set_item(&keys.method, String::from_utf8_lossy(method))?;
        }
        if exchange.head().version() == Version::Http10 && exchange.protocol() == "HTTP/1.0" {
            scope.set_item(&keys.http_version, "1.0")?;
        }
        let decoded = exchange.told_path().unwrap_or_else(|| percent_decoded(path));
        let mount = exchange.peer().script_name.as_deref().unwrap_or(self.root_path.as_bytes());
        scope.set_item(&keys.path, String::from_utf8_lossy(&whole_path(decoded, mount)))?;
        scope.set_item(&keys.raw_path, PyBytes::new(py, path))?;
        if !query.is_empty() {
            scope.set_item(&keys.query_string, PyBytes::new(py, query))?;
        }
        self.set_connection(&scope, exchange)?;
        Ok(scope)
    }

    /// Set what depends on the connection: its ends, and the header fields, which are likely to be the last request's.
    fn set_connection(&mut self, scope: &Bound<'_, PyDict>, exchange: &Exchange) -> PyResult<()> {
        let py = scope.py();
        let (key, peer) = (exchange.id().key, exchange.peer());
        if self.ends.len() <= key {
            self.ends.resize_with(key + 1, || None);
        }
        let (ends, fresh) = match &mut self.ends[key] {
            Some(ends) if Arc::ptr_eq(&ends.peer, peer) => (ends, false),
            stale => (stale.insert(Ends::new(py, peer)?), true),
        };
        if let Some(scheme) = &ends.scheme {
            scope.set_item(&self.keys.scheme, scheme)?;
        }
        if let Some(root_path) = &ends.root_path {
            scope.set_item(&self.keys.root_path, root_path)?;
        }
        scope.set_item(&self.keys.client, &ends.client)?;
        scope.set_item(&self.keys.server, &ends.server)?;
        let lines = exchange.field_lines();
        let headers = match &ends.last {
            // The pairs are immutable; the list is the application's to change.
            Some(last) if lines == Some(&last.lines) => last.headers.bind(py).get_slice(0, usize::MAX >> 1),
            _ => {
                let headers = headers(py, &mut self.fields, exchange)?;
                if let (false, Some(lines)) = (fresh, lines)
                    && lines.len() <= LONGEST
                {
                    let kept = headers.get_slice(0, headers.len()).unbind();
                    ends.last = Some(Last { lines: lines.to_vec(), headers: kept });
                }
                headers
            }
        };
        scope.set_item(&self.keys.headers, headers)
    }
}

/// The path with the mount point, which a proxy may have cut off (ASGI HTTP spec, `root_path`).
fn whole_path<'p>(path: Cow<'p, [u8]>, mount: &[u8]) -> Cow<'p, [u8]> {
    if mount.is_empty() || !path.starts_with(b"/") || below(&path, mount).is_some() {
        path
    } else {
        Cow::Owned([mount, &path].concat())
    }
}

/// The header fields as a list of pairs.
fn headers<'py>(
    py: Python<'py>,
    fields: &mut FieldCache,
    exchange: &Exchange,
) -> PyResult<Bound<'py, PyList>> {
    let headers = PyList::empty(py);
    for (name, value) in exchange.fields() {
        let (name, value) = fields.field(py, name, value);
        headers.append(PyTuple::new(py, [name, value])?)?;
    }
    Ok(headers)
}

/// What `scope["asgi"]` says.
pub(crate) fn versions(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let versions = PyDict::new(py);
    versions.set_item("version", "3.0")?;
    versions.set_item("spec_version", "2.5")?;
    Ok(versions)
}

impl Ends {
    fn new(py: Python<'_>, peer: &Arc<Peer>) -> PyResult<Self> {
        let client = match peer.remote {
            // Port 0 stands for an unknown one, as under uvicorn.
            Remote::Tcp(address) => (&peer.remote_address, address.port()).into_pyobject(py)?.into_any(),
            Remote::Unix => py.None().into_bound(py),
        };
        let server = match (&peer.local, &peer.server_name) {
            (Local::Tcp(address), name) => {
                let name = name.clone().unwrap_or_else(|| address.ip().to_canonical().to_string());
                (name, peer.server_port.unwrap_or(address.port())).into_pyobject(py)?.into_any()
            }
            (Local::Unix(_), Some(name)) => {
                let port = peer.server_port.unwrap_or(peer.scheme.default_port());
                (name, port).into_pyobject(py)?.into_any()
            }
            (Local::Unix(path), None) => (path.as_os_str(), py.None()).into_pyobject(py)?.into_any(),
        };
        Ok(Self {
            peer: Arc::clone(peer),
            client: client.unbind(),
            server: server.unbind(),
            root_path: peer
                .script_name
                .as_deref()
                .map(|path| PyString::new(py, &String::from_utf8_lossy(path)).unbind()),
            scheme: (peer.scheme == Scheme::Https).then(|| PyString::intern(py, "https").unbind()),
            last: None,
        })
    }
}

/// Header names are lower-cased (ASGI HTTP spec, `headers`).
fn lower_name<'py>(py: Python<'py>, name: &[u8]) -> Bound<'py, PyAny> {
    PyBytes::new(py, &name.to_ascii_lowercase()).into_any()
}

fn value_of<'py>(py: Python<'py>, value: &[u8]) -> Bound<'py, PyAny> {
    PyBytes::new(py, value).into_any()
}
