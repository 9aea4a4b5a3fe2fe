//! A worker that has served so many requests that it is to be replaced.

use super::Engine;

/// Who is told that a worker is worn out.
pub(super) type Worn = Box<dyn FnOnce() + Send>;

impl Engine {
    /// Call `tell` when the worker's request number `requests` is handed out. It serves on until it is retired.
    pub fn wear_out_after(&mut self, requests: u64, tell: impl FnOnce() + Send + 'static) {
        self.worn_at = requests;
        self.worn = Some(Box::new(tell));
    }

    pub(super) fn wear_out(&mut self) {
        if let Some(tell) = self.worn.take() {
            tracing::debug!("{} requests have been served", self.requests);
            tell();
        }
    }
}
