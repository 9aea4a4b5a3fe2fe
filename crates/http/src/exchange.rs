//! One request and its response, from the first byte of the head to the access log.
//!
//! An exchange owns the bytes of its request and the state of its response, and is used again for another request
//! afterwards: on the request path nothing is allocated.

use std::{borrow::Cow, sync::Arc, time::Instant};

use crate::{
    client::Peer,
    proto::{Decoder, Encoder, Head, Reply, Rules, Scan},
    spool::{Body, Spool},
    wire::uwsgi::Params,
};

/// Room for a head, and for a small body behind it.
const BUFFER: usize = 16 * 1024;
/// Buffers that grew beyond this are not kept.
const KEPT: usize = 64 * 1024;

/// Names an exchange's connection. Stale names are recognised, so they may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id {
    /// The connection's place in the engine; small, and used again after the connection has gone.
    pub key: usize,
    /// Tells connections with the same place apart.
    pub generation: u32,
}

/// What [`Engine::read_body`](crate::Engine::read_body) found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyRead {
    /// Some bytes are in [`Exchange::chunk`]; `more` may follow.
    Data {
        /// Whether the body goes on.
        more: bool,
    },
    /// The body has ended before; there is nothing new.
    End,
    /// Nothing has arrived yet; an [`Event::Readable`](crate::Event::Readable) follows.
    Wait,
    /// The client left, or broke the framing, before the body was complete.
    Gone,
}

/// One request and its response.
#[derive(Debug)]
pub struct Exchange {
    pub(crate) id: Id,
    /// The request's number among those of this worker.
    pub(crate) number: u64,
    pub(crate) peer: Option<Arc<Peer>>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) filled: usize,
    pub(crate) scan: Scan,
    /// Its head had to be waited for.
    pub(crate) waited: bool,
    head_range: (usize, usize),
    pub(crate) head: Head,
    /// The packet that the head was written from.
    pub(crate) params: Option<Box<Params>>,
    /// The body as far as it was read before the application is called.
    pub(crate) body: Body,
    pub(crate) spool: Option<Spool>,
    pub(crate) decoder: Decoder,
    /// Body bytes that were decoded.
    pub(crate) received: u64,
    /// The client waits for `100 Continue`, and has not got it.
    pub(crate) awaits_continue: bool,
    chunk: Chunk,
    /// The response's head.
    pub reply: Reply,
    pub(crate) encoder: Encoder,
    pub(crate) keep_alive: bool,
    pub(crate) ended: bool,
    pub(crate) excess: bool,
    pub(crate) sent: u64,
    pub(crate) began: Instant,
    /// Values for the access log's environ atoms, by name.
    pub environ: Vec<(String, Vec<u8>)>,
}

#[derive(Debug, Default)]
enum Chunk {
    #[default]
    None,
    Behind(usize, usize),
    Own(Vec<u8>),
}

impl Exchange {
    pub(crate) fn new() -> Box<Self> {
        Box::new(Self {
            id: Id { key: 0, generation: 0 },
            number: 0,
            peer: None,
            bytes: vec![0; BUFFER],
            filled: 0,
            scan: Scan::default(),
            waited: false,
            head_range: (0, 0),
            head: Head::default(),
            params: None,
            body: Body::Empty,
            spool: None,
            decoder: Decoder::Done,
            received: 0,
            awaits_continue: false,
            chunk: Chunk::None,
            reply: Reply::default(),
            encoder: Encoder::default(),
            keep_alive: false,
            ended: false,
            excess: false,
            sent: 0,
            began: Instant::now(),
            environ: Vec::new(),
        })
    }

    /// Make ready for another request.
    pub(crate) fn reset(&mut self) {
        if self.bytes.len() > KEPT {
            self.bytes = vec![0; BUFFER];
        }
        self.peer = None;
        self.filled = 0;
        self.scan = Scan::default();
        self.waited = false;
        self.params = None;
        self.body = Body::Empty;
        self.spool = None;
        self.decoder = Decoder::Done;
        self.received = 0;
        self.awaits_continue = false;
        self.chunk = Chunk::None;
        self.reply.clear();
        self.ended = false;
        self.excess = false;
        self.sent = 0;
        self.environ.clear();
    }

    /// Make room for at least `len` more bytes.
    pub(crate) fn make_room(&mut self, len: usize) {
        if self.bytes.len() - self.filled < len {
            let enough = (self.filled + len).max(self.bytes.len() * 2);
            self.bytes.resize(enough, 0);
        }
    }

    /// Take a head that was not read from the connection as it is, and the bytes that followed it there.
    pub(crate) fn begin(&mut self, head: &[u8], behind: &[u8]) {
        let filled = head.len() + behind.len();
        self.filled = 0;
        self.make_room(filled);
        self.bytes[..head.len()].copy_from_slice(head);
        self.bytes[head.len()..filled].copy_from_slice(behind);
        self.filled = filled;
    }

    /// Read a head that is there at once and as it should be; the result is where it ends.
    pub(crate) fn read_at_once(&mut self, rules: Rules<'_>) -> Option<usize> {
        if self.scan.is_begun() {
            return None;
        }
        let end = self.head.parse_at_once(&mut self.bytes[..self.filled], rules)?;
        self.head_range = (0, end);
        Some(end)
    }

    pub(crate) fn head_end(&self) -> usize {
        self.head_range.1
    }

    pub(crate) fn set_head_range(&mut self, begin: usize, end: usize) {
        self.head_range = (begin, end);
    }

    /// The connection that the request came on.
    #[must_use]
    pub fn id(&self) -> Id {
        self.id
    }

    /// The two ends of the connection as the application is to see them.
    ///
    /// # Panics
    /// Never: an exchange that is handed out has a peer.
    #[must_use]
    pub fn peer(&self) -> &Arc<Peer> {
        self.peer.as_ref().expect("an exchange that is handed out has a peer")
    }

    /// The request's head.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The bytes that the head's parts lie in.
    #[must_use]
    pub fn head_bytes(&self) -> &[u8] {
        &self.bytes[self.head_range.0..self.head_range.1]
    }

    /// The method as sent.
    #[must_use]
    pub fn method(&self) -> &[u8] {
        self.head.method(self.head_bytes())
    }

    /// Whether the client expects no body whatever the answer (RFC 9110 9.3.2), as far as can be told of a request that
    /// may not have been understood.
    pub(crate) fn asks_for_head(&self) -> bool {
        self.bytes[..self.filled].get(self.scan.begin()..).is_some_and(|bytes| bytes.starts_with(b"HEAD "))
    }

    /// The request target as sent.
    #[must_use]
    pub fn target(&self) -> &[u8] {
        self.head.target(self.head_bytes())
    }

    /// The request line for the log, without its version; control characters escaped.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.method().escape_ascii(), self.target().escape_ascii())
    }

    /// The path, still percent-encoded, without the query.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        self.head.path(self.head_bytes())
    }

    /// The query without its question mark.
    #[must_use]
    pub fn query(&self) -> &[u8] {
        let named = self.params.as_ref().and_then(|params| params.value("QUERY_STRING"));
        named.unwrap_or_else(|| self.head.query(self.head_bytes()))
    }

    /// The variables of a request that came by the uwsgi protocol.
    #[must_use]
    pub fn params(&self) -> Option<&Params> {
        self.params.as_deref()
    }

    /// The decoded path where a uwsgi frontend tells it, which may have rewritten it.
    #[must_use]
    pub fn told_path(&self) -> Option<Cow<'_, [u8]>> {
        self.params.as_ref()?.path()
    }

    /// The protocol that the client spoke, with the frontend where there is one that tells: `HTTP/1.1`.
    #[must_use]
    pub fn protocol(&self) -> &str {
        let told = self.params.as_ref().and_then(|params| params.protocol().ok());
        told.unwrap_or_else(|| self.head.version().as_str())
    }

    /// The header fields in the order they came: names as sent, values.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.head.fields(self.head_bytes())
    }

    /// All header lines as sent: two requests with the same have the same fields. `None` where the fields do not come
    /// from the lines alone, because the target is absolute.
    #[must_use]
    pub fn field_lines(&self) -> Option<&[u8]> {
        self.head.field_lines(self.head_bytes())
    }

    /// The values of the header fields with this name.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = move |(field, _): &(&[u8], &[u8])| field.eq_ignore_ascii_case(name.as_bytes());
        self.fields().filter(named).map(|(_, value)| value)
    }

    /// Take the body that was read before the application is called.
    pub fn take_body(&mut self) -> Body {
        std::mem::take(&mut self.body)
    }

    /// The bytes that [`Body::Behind`] stands for.
    #[must_use]
    pub fn behind(&self, start: usize, len: usize) -> &[u8] {
        &self.bytes[start..start + len]
    }

    /// Whether body bytes are still to be read from the connection.
    #[must_use]
    pub fn has_unread_body(&self) -> bool {
        !self.decoder.is_done()
    }

    /// The bytes that the last read of the body brought.
    #[must_use]
    pub fn chunk(&self) -> &[u8] {
        match &self.chunk {
            Chunk::None => &[],
            Chunk::Behind(start, len) => self.behind(*start, *len),
            Chunk::Own(bytes) => bytes,
        }
    }

    pub(crate) fn chunk_behind(&mut self, start: usize, len: usize) {
        self.chunk = Chunk::Behind(start, len);
    }

    pub(crate) fn own_chunk(&mut self) -> &mut Vec<u8> {
        if !matches!(self.chunk, Chunk::Own(_)) {
            self.chunk = Chunk::Own(Vec::new());
        }
        match &mut self.chunk {
            Chunk::Own(bytes) => bytes,
            Chunk::None | Chunk::Behind(..) => unreachable!("the chunk was just made an own one"),
        }
    }

    /// Whether the response's head has been sent.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.reply.is_sealed()
    }

    /// Whether the response is complete.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Body bytes of the response so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// How many bytes the response still owes of its declared length; `None` without one.
    #[must_use]
    pub fn owed(&self) -> Option<u64> {
        if !self.is_started() {
            return self.reply.length();
        }
        match self.encoder {
            Encoder::Length(owed) => Some(owed),
            Encoder::Chunked | Encoder::UntilClose | Encoder::Bodyless => None,
        }
    }

    /// Whether the application sent more than the length that it declared; the excess was cut off.
    #[must_use]
    pub fn has_excess(&self) -> bool {
        self.excess
    }

    /// How many bytes the response still owes of its declared length.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.owed().unwrap_or(0)
    }
}
