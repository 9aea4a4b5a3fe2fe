//! One worker as the master sees it: where it is in its life, and until when it may stay there.

use super::event::{Millis, Pid, Stage};

/// Time between SIGABRT, which writes the Python stacks, and SIGKILL.
const ABORT_GRACE: Millis = 1_000;

/// Where a worker is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// Asked for or forked; the application is not loaded yet. Watched.
    Booting,
    /// Ready since then. Watched.
    Serving {
        /// When it became ready.
        since: Millis,
    },
    /// Told to stop.
    Stopping {
        /// When it was told.
        since: Millis,
        /// When patience ends.
        deadline: Millis,
    },
    /// Silent for too long and told to write its stacks and die.
    Aborted {
        /// Whether it had been ready, and when.
        since: Option<Millis>,
        /// When patience ends.
        deadline: Millis,
    },
    /// SIGKILL was sent and its place is given away; only the kernel is waited for.
    Killed,
}

/// What time says about a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Silent for too long.
    Abort,
    /// Did not even obey the last order, given for this long.
    Kill {
        /// The time it had.
        allowed: Millis,
    },
}

/// One worker.
#[derive(Debug)]
pub(super) struct Worker {
    /// Known from the fork on.
    pub(super) pid: Option<Pid>,
    pub(super) life: Life,
    heard: Millis,
}

impl Worker {
    pub(super) fn new(now: Millis) -> Self {
        Self { pid: None, life: Life::Booting, heard: now }
    }

    /// Note a sign of life.
    pub(super) fn hear(&mut self, at: Millis) {
        self.heard = self.heard.max(at);
    }

    /// Note how far it says that it is; true if it has just become ready.
    pub(super) fn advance(&mut self, stage: Stage, now: Millis) -> bool {
        // A stop may follow so soon that nobody looked in between.
        let became_ready = match stage {
            Stage::Booting => false,
            Stage::Ready | Stage::Stopping => self.life == Life::Booting,
        };
        if became_ready {
            self.life = Life::Serving { since: now };
        }
        became_ready
    }

    /// Whether it fills one of the configured places.
    pub(super) fn fills_a_place(&self) -> bool {
        match self.life {
            Life::Booting | Life::Serving { .. } | Life::Aborted { .. } => true,
            Life::Stopping { .. } | Life::Killed => false,
        }
    }

    /// When it became ready, if it ever did and was not told to stop.
    pub(super) fn ready_since(&self) -> Option<Millis> {
        match self.life {
            Life::Serving { since } => Some(since),
            Life::Aborted { since, .. } => since,
            Life::Booting | Life::Stopping { .. } | Life::Killed => None,
        }
    }

    /// When [`Self::verdict`] will say something, unless a sign of life comes.
    pub(super) fn deadline(&self, timeout: Option<Millis>) -> Option<Millis> {
        match self.life {
            Life::Booting | Life::Serving { .. } => {
                timeout.and_then(|timeout| self.pid.map(|_| self.heard.saturating_add(timeout)))
            }
            Life::Stopping { deadline, .. } | Life::Aborted { deadline, .. } => Some(deadline),
            Life::Killed => None,
        }
    }

    /// What time says, and the step in its life that follows from it.
    pub(super) fn verdict(&mut self, now: Millis, timeout: Option<Millis>) -> Option<Verdict> {
        if self.deadline(timeout).is_none_or(|deadline| now < deadline) {
            return None;
        }
        match self.life {
            Life::Booting | Life::Serving { .. } => {
                let since = self.ready_since();
                self.life = Life::Aborted { since, deadline: now + ABORT_GRACE };
                Some(Verdict::Abort)
            }
            Life::Aborted { .. } => {
                self.life = Life::Killed;
                Some(Verdict::Kill { allowed: ABORT_GRACE })
            }
            Life::Stopping { since, deadline } => {
                self.life = Life::Killed;
                Some(Verdict::Kill { allowed: deadline.saturating_sub(since) })
            }
            Life::Killed => None,
        }
    }

    /// Put it on the way out until `deadline`, or sooner where it already is; false if it needs no signal any more.
    pub(super) fn dismiss(&mut self, now: Millis, deadline: Millis) -> bool {
        match &mut self.life {
            Life::Booting | Life::Serving { .. } => {
                self.life = Life::Stopping { since: now, deadline };
                true
            }
            Life::Stopping { deadline: old, .. } => {
                *old = deadline.min(*old);
                true
            }
            Life::Aborted { deadline: old, .. } => {
                *old = deadline.min(*old);
                false
            }
            Life::Killed => false,
        }
    }
}
