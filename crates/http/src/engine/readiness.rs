//! Whether this worker wants requests, for balancers that ask before they send any.

use rgunicorn_settings::RequestPath;

use super::Engine;
use crate::Exchange;

/// The number of an exchange that is no request of the worker's.
pub(super) const UNCOUNTED: u64 = u64::MAX;

/// Whether a request's path is the one that was configured, whatever its query.
pub(super) fn is_path(configured: &RequestPath, path: &[u8]) -> bool {
    let configured = configured.0.as_bytes();
    let end = configured.iter().position(|byte| *byte == b'?').unwrap_or(configured.len());
    path == &configured[..end]
}

impl Engine {
    /// Answer 200 while the worker serves and goes on to, 503 while it leaves or is about to. The application hears
    /// nothing of it, and it counts as no request of the worker's; the access log shows it.
    pub(super) fn answer_readiness(&mut self, mut exchange: Box<Exchange>) {
        let ready = !self.closing && !self.slot.board().draining();
        exchange.number = UNCOUNTED;
        let (status, body) =
            if ready { ("200 OK", "ready\n") } else { ("503 Service Unavailable", "leaving\n") };
        exchange.reply.begin_text(status);
        let kept = exchange.reply.field(b"Cache-Control", b"no-store");
        debug_assert!(kept.is_ok());
        if self.send(&mut exchange, body.as_bytes(), true).is_err() {
            tracing::debug!("{}: the client disconnected", exchange.line());
        }
        self.finish(exchange);
    }
}
