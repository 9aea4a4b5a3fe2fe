//! What is believed of whom.

use std::sync::atomic::{AtomicBool, Ordering};

use rgunicorn_settings::{FieldNames, Networks, Proxies, ProxyHeaders};

use super::{
    Peer, Remote,
    names::Names,
    told::{Story, Told, X_FORWARDED},
};
use crate::Refusal;

/// The field that says where the application is mounted.
const SCRIPT_NAME: &str = "script_name";

/// Whose users the mode `auto` is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tradition {
    /// WSGI: a proxy tells the scheme, and nothing else.
    Gunicorn,
    /// ASGI: a proxy tells the scheme and the client's address.
    Uvicorn,
}

/// Which `X-Forwarded-*` fields are believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum XForwarded {
    #[default]
    Ignored,
    /// `-For` and `-Proto`.
    Client,
    /// These, and `-Host` and `-Port`.
    All,
}

/// What is believed of which proxies. The default believes nobody but peers on unix sockets, and those nothing.
#[derive(Debug, Default)]
pub struct Policy {
    allowed: Networks,
    x_forwarded: XForwarded,
    forwarded: bool,
    /// Field names in lower case, each with the value that means `https`.
    secure: Vec<(String, String)>,
    forwarders: FieldNames,
    /// All field names that matter here.
    names: Names,
    /// The operator has been told that the mount point of a proxy is not believed.
    told: AtomicBool,
}

impl Policy {
    /// What the settings say; `tradition` is what they mean by `auto`.
    #[must_use]
    pub fn new(proxies: &Proxies, tradition: Tradition) -> Self {
        let (x_forwarded, forwarded) = match (proxies.proxy_headers, tradition) {
            (ProxyHeaders::Auto, Tradition::Uvicorn) => (XForwarded::Client, false),
            (ProxyHeaders::Auto, Tradition::Gunicorn) | (ProxyHeaders::Off, _) => {
                (XForwarded::Ignored, false)
            }
            (ProxyHeaders::On, _) => (XForwarded::All, true),
            (ProxyHeaders::XForwarded, _) => (XForwarded::All, false),
            (ProxyHeaders::Forwarded, _) => (XForwarded::Ignored, true),
        };
        // A proxy that speaks the other family only is not bound to remove this one from what its clients send.
        let other_family =
            |name: &str| proxies.proxy_headers == ProxyHeaders::Forwarded && name.starts_with("x-forwarded-");
        let secure = proxies.secure_scheme_headers.0.iter();
        let mut policy = Self {
            allowed: proxies.forwarded_allow_ips.clone(),
            x_forwarded,
            forwarded,
            secure: secure
                .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
                .filter(|(name, _)| !other_family(name))
                .collect(),
            forwarders: proxies.forwarder_headers.clone(),
            names: Names::default(),
            told: AtomicBool::new(false),
        };
        policy.gather_names();
        policy
    }

    fn gather_names(&mut self) {
        let believed = match self.x_forwarded {
            XForwarded::Ignored => &[][..],
            XForwarded::Client => &X_FORWARDED[..2],
            XForwarded::All => &X_FORWARDED[..],
        };
        believed.iter().for_each(|name| self.names.add(name));
        if self.forwarded {
            self.names.add("forwarded");
        }
        self.secure.iter().for_each(|(name, _)| self.names.add(name));
        if self.forwarders.contains(SCRIPT_NAME) {
            self.names.add(SCRIPT_NAME);
        }
    }

    /// Whether this far end is a proxy that is believed. A unix socket always is, as in gunicorn: who may connect to it
    /// is for its file mode to say.
    #[must_use]
    pub fn trusts(&self, remote: Remote) -> bool {
        match remote {
            Remote::Tcp(address) => self.allowed.contains(address.ip()),
            Remote::Unix => true,
        }
    }

    /// Whether a field with this name, sent by a proxy that is believed, may change what [`Policy::resolve`] says.
    #[must_use]
    pub fn concerns(&self, name: &[u8]) -> bool {
        self.names.contains(name)
    }

    /// Whether a field whose name has an underscore is kept when a proxy that is believed sends it. Of one that gunicorn
    /// would have kept, and that moves a site when it is missing, the operator is told once.
    #[must_use]
    pub fn admits(&self, name: &[u8]) -> bool {
        let listed = str::from_utf8(name).is_ok_and(|name| self.forwarders.contains(name));
        if !listed
            && name.eq_ignore_ascii_case(SCRIPT_NAME.as_bytes())
            && !self.told.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                "A trusted proxy sends SCRIPT_NAME, which is not believed (if the proxy removes it from what its clients \
                 send, use `--forwarder-headers SCRIPT_NAME`, else remove it)"
            );
        }
        listed
    }

    /// The two ends as a proxy that is believed tells them in the header fields; `None` where it tells nothing.
    ///
    /// # Errors
    /// [`Refusal::Scheme`] when the fields that tell the scheme contradict each other.
    pub fn resolve<'a>(
        &self,
        peer: &Peer,
        fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<Option<Peer>, Refusal> {
        let told = Told::new(fields.filter(|(name, _)| self.concerns(name)));
        if told.is_empty() {
            return Ok(None);
        }
        let secure = told.secure_scheme(&self.secure).map_err(|_| Refusal::Scheme)?;
        let mut story = self.story(&told);
        story.scheme = story.scheme.or(secure);
        let script_name = told.last(SCRIPT_NAME).and_then(script_name);
        if script_name.is_none() && story.is_empty() {
            return Ok(None);
        }
        let mut peer = peer.clone();
        story.apply(&mut peer);
        if script_name.is_some() {
            peer.script_name = script_name;
        }
        Ok(Some(peer))
    }

    fn story<'a>(&self, told: &Told<'a>) -> Story<'a> {
        match self.x_forwarded {
            XForwarded::Client => told.x_forwarded(&self.allowed),
            XForwarded::All if !self.forwarded || told.has_x_forwarded() => told.x_forwarded(&self.allowed),
            _ if self.forwarded => told.forwarded(&self.allowed),
            _ => Story::default(),
        }
    }
}

/// RFC 3875 4.1.13: empty, or a path that does not end in a slash. Two slashes would begin a link to another host.
fn script_name(value: &[u8]) -> Option<Vec<u8>> {
    let end = value.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let path = value.starts_with(b"/") && (!value.starts_with(b"//") || end == 0);
    (value.is_empty() || path).then(|| value[..end].to_vec())
}
