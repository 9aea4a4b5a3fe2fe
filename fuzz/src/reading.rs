//! What a server takes out of the bytes of a connection: requests, their bodies, and why it stops.

use rgunicorn_http::{
    Head, Refusal,
    proto::{Decoder, Rules, Scan},
};

/// One request as a server hands it to its application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Vec<u8>,
    /// The target as sent, where the server tells.
    pub target: Option<Vec<u8>>,
    /// Path and query of the target, where the server tells.
    pub resource: Option<Vec<u8>>,
    /// The header fields, sorted by their names in lower case; those of one name in their order.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body; `None` where it is malformed or not complete.
    pub body: Option<Vec<u8>>,
}

impl Request {
    /// Bring the fields into an order in which two servers can be compared.
    pub fn sort_fields(&mut self) {
        for (name, value) in &mut self.fields {
            name.make_ascii_lowercase();
            if name == b"transfer-encoding" {
                // RFC 9112 7: names of codings are case-insensitive, and some servers hand them out in lower case.
                value.make_ascii_lowercase();
            }
        }
        self.fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    }
}

/// Why a server reads no further request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// More bytes may come.
    Waits,
    /// What comes next is refused, for this reason.
    Refuses(String),
    /// The connection ends after the last request.
    Closes,
}

/// A whole connection as one server reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The requests that the application sees.
    pub requests: Vec<Request>,
    /// Why there is no further one.
    pub stop: Stop,
}

/// Our reading, and where in the bytes each request begins.
#[derive(Debug, Clone)]
pub struct Ours {
    /// What the application sees.
    pub reading: Reading,
    /// Where each request begins; the last entry is where reading stopped.
    pub begins: Vec<usize>,
    /// The rule that the last request breaks.
    pub refusal: Option<Refusal>,
}

/// Find the end of the head at the beginning of `bytes`, which all are there at once, and parse it: where it ends.
///
/// # Errors
/// The rule that it breaks.
pub fn read_head(bytes: &[u8], rules: Rules<'_>) -> Result<Option<(Head, Vec<u8>, usize)>, Refusal> {
    let mut scan = Scan::default();
    match scan.find_end(bytes, rules)? {
        Some(end) => parse(&bytes[scan.begin()..end], rules).map(|(head, bytes)| Some((head, bytes, end))),
        None => Ok(None),
    }
}

/// Parse a complete head; the bytes that come back are those that the head's spans mean.
///
/// # Errors
/// The rule that it breaks.
pub fn parse(bytes: &[u8], rules: Rules<'_>) -> Result<(Head, Vec<u8>), Refusal> {
    let mut head = Head::default();
    let mut bytes = bytes.to_vec();
    head.parse(&mut bytes, rules)?;
    Ok((head, bytes))
}

/// Read a connection with our own code, without the engine: heads and bodies one after the other.
#[must_use]
pub fn ours(bytes: &[u8], rules: Rules<'_>) -> Ours {
    let mut requests = Vec::new();
    let mut begins = vec![0];
    let (stop, refusal) = loop {
        let begin = begins[begins.len() - 1];
        match read_one(&bytes[begin..], rules, &mut requests) {
            Ok(Some((length, true))) => begins.push(begin + length),
            Ok(Some((length, false))) => {
                begins.push(begin + length);
                break (Stop::Closes, None);
            }
            Ok(None) => break (Stop::Waits, None),
            Err(refusal) => break (Stop::Refuses(refusal.to_string()), Some(refusal)),
        }
    };
    Ours { reading: Reading { requests, stop }, begins, refusal }
}

/// One request: its length, and whether the connection goes on; `None` where more bytes are needed.
fn read_one(
    bytes: &[u8],
    rules: Rules<'_>,
    requests: &mut Vec<Request>,
) -> Result<Option<(usize, bool)>, Refusal> {
    let Some((head, head_bytes, end)) = read_head(bytes, rules)? else { return Ok(None) };
    requests.push(request_of(&head, &head_bytes));
    let mut decoder = Decoder::new(head.semantics().framing);
    let mut body = Vec::new();
    let taken = decoder.decode(&bytes[end..], &mut |piece| body.extend_from_slice(piece))?;
    if !decoder.is_done() {
        return Ok(None);
    }
    if let Some(request) = requests.last_mut() {
        request.body = Some(body);
    }
    Ok(Some((end + taken, head.semantics().keep_alive)))
}

/// A head in the form in which servers are compared.
#[must_use]
pub fn request_of(head: &Head, bytes: &[u8]) -> Request {
    let target = head.target(bytes);
    let mut resource = head.path(bytes).to_vec();
    if target.contains(&b'?') {
        resource.push(b'?');
        resource.extend_from_slice(head.query(bytes));
    }
    let fields = head.fields(bytes).map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
    let mut request = Request {
        method: head.method(bytes).to_vec(),
        target: Some(target.to_vec()),
        resource: Some(resource),
        fields,
        body: None,
    };
    request.sort_fields();
    request
}
