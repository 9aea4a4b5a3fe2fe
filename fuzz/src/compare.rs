//! Where two readings of the same bytes part.

use std::fmt;

use rgunicorn_http::Refusal;

use crate::reading::{Ours, Reading, Request, Stop};

/// Whose reading stands beside ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// hyper's HTTP/1 server.
    Hyper,
    /// h11 in the role of a server.
    H11,
}

/// In what two readings differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The method.
    Method,
    /// The target, or its path and query.
    Target,
    /// Names or values of header fields.
    Fields,
    /// A body that both take for complete.
    Body,
    /// The peer takes a head or a body that we refuse.
    TheyAccept,
    /// We take a head or a body that the peer refuses.
    WeAccept,
    /// The peer has the end of a head or a body where we wait for more.
    TheyEnd,
    /// We have the end of a head or a body where the peer waits for more.
    WeEnd,
    /// The peer reads another request where we close the connection.
    TheyGoOn,
    /// We read another request where the peer closes the connection.
    WeGoOn,
}

/// One difference, with what is needed to judge it.
#[derive(Clone)]
pub struct Difference<'a> {
    /// Whose reading it is beside ours.
    pub peer: Peer,
    /// In what the readings differ.
    pub kind: Kind,
    /// The bytes from the beginning of the request on; where one side closes the connection, of the request before.
    pub bytes: &'a [u8],
    /// The rule that we say the request breaks.
    pub refusal: Option<Refusal>,
    /// The request as we read it, as far as we do.
    pub ours: Option<&'a Request>,
    /// The request as the peer reads it, as far as it does.
    pub theirs: Option<&'a Request>,
    /// Why we read no further.
    pub our_stop: &'a Stop,
    /// Why the peer reads no further.
    pub their_stop: &'a Stop,
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?} beside {:?}: {}", self.kind, self.peer, self.bytes.escape_ascii())?;
        writeln!(f, "  ours:   {}; then {:?}", Shown(self.ours), self.our_stop)?;
        writeln!(f, "  theirs: {}; then {:?}", Shown(self.theirs), self.their_stop)
    }
}

struct Shown<'a>(Option<&'a Request>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(request) = self.0 else { return f.write_str("no request") };
        let target = request.target.as_ref().or(request.resource.as_ref());
        write!(f, "{} ", request.method.escape_ascii())?;
        write!(f, "{}", target.map(|target| target.escape_ascii().to_string()).unwrap_or_default())?;
        for (name, value) in &request.fields {
            write!(f, " [{}: {}]", name.escape_ascii(), value.escape_ascii())?;
        }
        match &request.body {
            Some(body) => write!(f, " body \"{}\"", body.escape_ascii()),
            None => f.write_str(" without an end of its body"),
        }
    }
}

/// Every difference up to the first that makes what follows incomparable.
#[must_use]
pub fn differences<'a>(
    bytes: &'a [u8],
    ours: &'a Ours,
    theirs: &'a Reading,
    peer: Peer,
) -> Vec<Difference<'a>> {
    let mut found = Vec::new();
    for (at, begin) in ours.begins.iter().enumerate() {
        let base = Difference {
            peer,
            kind: Kind::Body,
            bytes: &bytes[*begin..],
            refusal: ours.refusal.filter(|_| at + 1 == ours.begins.len()),
            ours: ours.reading.requests.get(at),
            theirs: theirs.requests.get(at),
            our_stop: &ours.reading.stop,
            their_stop: &theirs.stop,
        };
        let (kinds, comparable) = compare(&base);
        for kind in kinds {
            let closed = matches!(kind, Kind::TheyGoOn | Kind::WeGoOn);
            let begin = if closed { ours.begins[at.saturating_sub(1)] } else { *begin };
            found.push(Difference { kind, bytes: &bytes[begin..], ..base.clone() });
        }
        if !comparable {
            break;
        }
    }
    found
}

/// What differs in one request, and whether the next one can be compared.
fn compare(pair: &Difference<'_>) -> (Vec<Kind>, bool) {
    let (ours, theirs) = match (pair.ours, pair.theirs) {
        (None, None) => return (Vec::new(), false),
        (Some(_), None) => return (vec![only_ours(pair.their_stop)], false),
        (None, Some(_)) => return (vec![only_theirs(pair.our_stop)], false),
        (Some(ours), Some(theirs)) => (ours, theirs),
    };
    let mut kinds = Vec::new();
    let differ =
        |one: &Option<Vec<u8>>, other: &Option<Vec<u8>>| one.is_some() && other.is_some() && one != other;
    if ours.method != theirs.method {
        kinds.push(Kind::Method);
    }
    if differ(&ours.target, &theirs.target) || differ(&ours.resource, &theirs.resource) {
        kinds.push(Kind::Target);
    }
    if ours.fields != theirs.fields {
        kinds.push(Kind::Fields);
    }
    let ended = match (&ours.body, &theirs.body) {
        (Some(one), Some(other)) if one == other => return (kinds, true),
        (Some(_), Some(_)) => Kind::Body,
        (Some(_), None) => only_ours(pair.their_stop),
        (None, Some(_)) => only_theirs(pair.our_stop),
        (None, None) => return (kinds, false),
    };
    kinds.push(ended);
    (kinds, false)
}

fn only_ours(their_stop: &Stop) -> Kind {
    match their_stop {
        Stop::Waits => Kind::WeEnd,
        Stop::Refuses(_) => Kind::WeAccept,
        Stop::Closes => Kind::WeGoOn,
    }
}

fn only_theirs(our_stop: &Stop) -> Kind {
    match our_stop {
        Stop::Waits => Kind::TheyEnd,
        Stop::Refuses(_) => Kind::TheyAccept,
        Stop::Closes => Kind::TheyGoOn,
    }
}
