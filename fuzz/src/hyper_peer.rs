//! How hyper reads the same bytes: its HTTP/1 server over memory, polled until it waits for more.

use std::{
    cell::RefCell,
    convert::Infallible,
    future::Future as _,
    io,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Method, Response, StatusCode,
    body::Incoming,
    rt::{Read, ReadBufCursor, Write},
    server::conn::http1,
    service::service_fn,
};

use crate::reading::{Reading, Request, Stop};

/// Read a connection with hyper.
#[must_use]
pub fn read(bytes: &[u8], most_fields: usize) -> Reading {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let service = service_fn(|request| answer(request, Rc::clone(&seen)));
    let wire = Wire { bytes: bytes.to_vec(), at: 0 };
    let mut connection =
        Box::pin(http1::Builder::new().max_headers(most_fields).serve_connection(wire, service));
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    let mut stop = Stop::Waits;
    while woken.0.swap(false, Ordering::Relaxed) {
        match connection.as_mut().poll(&mut context) {
            Poll::Ready(Ok(())) => stop = Stop::Closes,
            Poll::Ready(Err(error)) => stop = Stop::Refuses(format!("{error:?}")),
            Poll::Pending => continue,
        }
        break;
    }
    drop(connection);
    let requests = seen.borrow().clone();
    Reading { requests, stop }
}

async fn answer(
    request: hyper::Request<Incoming>,
    seen: Rc<RefCell<Vec<Request>>>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let fields = head.headers.iter();
    let mut request = Request {
        method: head.method.as_str().into(),
        target: None,
        resource: head.uri.path_and_query().map(|resource| resource.as_str().into()),
        fields: fields.map(|(name, value)| (name.as_str().into(), value.as_bytes().to_vec())).collect(),
        body: None,
    };
    request.sort_fields();
    let at = seen.borrow().len();
    seen.borrow_mut().push(request);
    if let Ok(body) = body.collect().await {
        seen.borrow_mut()[at].body = Some(body.to_bytes().to_vec());
    }
    let mut response = Response::new(Empty::new());
    if head.method == Method::CONNECT {
        // A success would turn what follows into a tunnel.
        *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
    }
    Ok(response)
}

/// Bytes that are all there at once; after them the client neither sends nor closes.
struct Wire {
    bytes: Vec<u8>,
    at: usize,
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut to: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let count = to.remaining().min(self.bytes.len() - self.at);
        if count == 0 {
            return Poll::Pending;
        }
        to.put_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipelined_requests_are_read_to_the_end() {
        let bytes = b"POST /a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
            GET http://h/c HTTP/1.1\r\nHost: h\r\n\r\nGET /d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET";
        let reading = read(bytes, 100);
        assert_eq!(reading.stop, Stop::Closes);
        let seen: Vec<_> = reading.requests.iter().map(|request| request.resource.clone().unwrap()).collect();
        assert_eq!(seen, [b"/a?b".to_vec(), b"/c".to_vec(), b"/d".to_vec()]);
        assert_eq!(reading.requests[0].body.as_deref(), Some(&b"abc"[..]));
    }

    #[test]
    fn what_is_incomplete_waits_and_what_is_broken_is_refused() {
        let reading = read(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc", 100);
        assert_eq!((reading.requests.len(), &reading.requests[0].body), (1, &None));
        assert_eq!(reading.stop, Stop::Waits);
        assert!(matches!(read(b"GET\r\n\r\n", 100).stop, Stop::Refuses(_)));
    }
}
