//! Exchanges that wait to be used again.

use crate::exchange::Exchange;

/// The most exchanges that are kept: 16 KiB each.
const MOST: usize = 256;

/// A stack of exchanges, the warmest on top.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    #[expect(clippy::vec_box, reason = "exchanges move by their box; unboxing them would copy them")]
    free: Vec<Box<Exchange>>,
}

impl Pool {
    pub(crate) fn take(&mut self) -> Box<Exchange> {
        self.free.pop().unwrap_or_else(Exchange::new)
    }

    pub(crate) fn give(&mut self, mut exchange: Box<Exchange>) {
        if self.free.len() < MOST {
            exchange.reset();
            self.free.push(exchange);
        }
    }
}
