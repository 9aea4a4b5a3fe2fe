//! One process of the server as the master sees it: where it is in its life, and until when it may stay there.

use super::event::{Age, Generation, Limits, Millis, Pid, Role, Signal, Spawn, Stage, Wear};

/// Time between SIGABRT, which writes the Python stacks, and SIGKILL.
const ABORT_GRACE: Millis = 1_000;
/// The same for a worker whose time to finish is over: a stop has to end within a second of it.
const OVERDUE_GRACE: Millis = 500;
/// A process that has not booted has nothing to finish.
pub(super) const BOOTING: Millis = 1_000;

/// Where a process is in its life.
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
        /// The last order.
        order: Signal,
        /// When patience ends.
        deadline: Millis,
        /// When it would end for one that has something to finish.
        graceful: Millis,
    },
    /// Silent for too long and told to write its stacks and die.
    Aborted {
        /// Whether it had been ready, and when.
        since: Option<Millis>,
        /// When patience ends.
        deadline: Millis,
        /// Whether its place is not to be filled again.
        dismissed: bool,
    },
    /// SIGKILL was sent and its place is given away; only the kernel is waited for.
    Killed,
}

/// What time says about a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Silent for too long.
    Abort,
    /// Did not finish in the time that it had.
    Overdue {
        /// That time.
        allowed: Millis,
    },
    /// Did not even obey the last order.
    Kill,
    /// The template that should have forked it does not answer.
    Unanswered {
        /// The template.
        template: Age,
    },
    /// It has lived for long enough.
    Old,
}

/// A worker, or a template.
#[derive(Debug)]
pub(super) struct Worker {
    /// Known from the fork on.
    pub(super) pid: Option<Pid>,
    pub(super) generation: Generation,
    pub(super) role: Role,
    /// The template it is forked from.
    pub(super) from: Option<Age>,
    pub(super) life: Life,
    /// Why it should be replaced.
    pub(super) wear: Option<Wear>,
    /// A replacement is under way, or has taken over.
    pub(super) recycled: bool,
    /// It was ready at some time.
    pub(super) booted: bool,
    heard: Millis,
    timeout: Option<Millis>,
    boot: Option<Millis>,
    lifetime: Option<Millis>,
}

impl Worker {
    pub(super) fn new(spawn: &Spawn, limits: &Limits, now: Millis) -> Self {
        Self {
            pid: None,
            generation: spawn.generation,
            role: spawn.role,
            from: spawn.from,
            life: Life::Booting,
            wear: None,
            recycled: false,
            booted: false,
            heard: now,
            timeout: limits.timeout.filter(|_| spawn.role == Role::Worker),
            boot: limits.boot,
            lifetime: limits.lifetime_of(spawn.age).filter(|_| spawn.role == Role::Worker),
        }
    }

    /// It exists now.
    pub(super) fn forked(&mut self, pid: Pid, now: Millis) {
        self.pid = Some(pid);
        self.heard = now;
    }

    /// Forget that it was silent.
    pub(super) fn forgive(&mut self, now: Millis) {
        self.heard = now;
    }

    /// Note how far it says that it is, and its last sign of life; true if it serves from now on.
    pub(super) fn advance(&mut self, stage: Stage, beat: Millis, now: Millis) -> bool {
        // The time to boot is counted from the fork, whatever the signs of life.
        if self.life != Life::Booting {
            self.heard = self.heard.max(beat);
        }
        // A stop may follow so soon that nobody looked in between.
        if self.booted || stage == Stage::Booting {
            return false;
        }
        self.booted = true;
        match &mut self.life {
            Life::Booting => {
                (self.life, self.heard) = (Life::Serving { since: now }, now);
                true
            }
            // It was told to leave while it booted, and may have got a request all the same.
            Life::Stopping { deadline, graceful, .. } => {
                *deadline = *graceful;
                false
            }
            Life::Serving { .. } | Life::Aborted { .. } | Life::Killed => false,
        }
    }

    pub(super) fn serves(&self) -> bool {
        matches!(self.life, Life::Serving { .. })
    }

    /// Whether it fills one of the configured places.
    pub(super) fn fills_a_place(&self) -> bool {
        match self.life {
            Life::Booting | Life::Serving { .. } => true,
            Life::Aborted { dismissed, .. } => !dismissed,
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

    /// The silence that is allowed where it is, if its silence means anything.
    pub(super) fn patience(&self) -> Option<Millis> {
        match self.life {
            Life::Booting => self.boot,
            Life::Serving { .. } => self.timeout,
            Life::Stopping { .. } | Life::Aborted { .. } | Life::Killed => None,
        }
    }

    /// When [`Self::verdict`] will say something, unless a sign of life comes.
    pub(super) fn deadline(&self) -> Option<Millis> {
        match self.life {
            Life::Booting | Life::Serving { .. } => {
                [self.silent_at(), self.old_at()].into_iter().flatten().min()
            }
            Life::Stopping { deadline, .. } | Life::Aborted { deadline, .. } => Some(deadline),
            Life::Killed => None,
        }
    }

    fn silent_at(&self) -> Option<Millis> {
        self.patience().map(|patience| self.heard.saturating_add(patience))
    }

    fn old_at(&self) -> Option<Millis> {
        match self.life {
            Life::Serving { since } if self.wear.is_none() => self.lifetime.map(|lifetime| since + lifetime),
            Life::Booting
            | Life::Serving { .. }
            | Life::Stopping { .. }
            | Life::Aborted { .. }
            | Life::Killed => None,
        }
    }

    /// What time says, and the step in its life that follows from it.
    pub(super) fn verdict(&mut self, now: Millis) -> Option<Verdict> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        match self.life {
            Life::Booting | Life::Serving { .. } if self.silent_at().is_some_and(|at| now >= at) => {
                if self.pid.is_some() {
                    self.abort(now);
                    return Some(Verdict::Abort);
                }
                self.heard = now;
                self.from.map(|template| Verdict::Unanswered { template })
            }
            Life::Booting | Life::Serving { .. } => {
                self.wear = Some(Wear::Lifetime);
                Some(Verdict::Old)
            }
            Life::Aborted { .. } => {
                self.life = Life::Killed;
                Some(Verdict::Kill)
            }
            Life::Stopping { since, order: Signal::Term, deadline, .. } if self.booted => {
                let killed = now + OVERDUE_GRACE;
                self.life = Life::Aborted { since: None, deadline: killed, dismissed: true };
                Some(Verdict::Overdue { allowed: deadline.saturating_sub(since) })
            }
            Life::Stopping { .. } => {
                self.life = Life::Killed;
                Some(Verdict::Kill)
            }
            Life::Killed => None,
        }
    }

    /// It is told to write its stacks and die.
    pub(super) fn abort(&mut self, now: Millis) {
        self.life =
            Life::Aborted { since: self.ready_since(), deadline: now + ABORT_GRACE, dismissed: false };
    }

    /// Put it on the way out until `deadline`, or sooner where it already is or has nothing to finish; false if it needs no
    /// signal any more.
    pub(super) fn dismiss(&mut self, order: Signal, deadline: Millis, now: Millis) -> bool {
        // A template has nothing to finish either.
        let deadline = if self.role == Role::Template { deadline.min(now + BOOTING) } else { deadline };
        match &mut self.life {
            Life::Booting => {
                let soon = deadline.min(now + BOOTING);
                self.life = Life::Stopping { since: now, order, deadline: soon, graceful: deadline };
                true
            }
            Life::Serving { .. } => {
                self.life = Life::Stopping { since: now, order, deadline, graceful: deadline };
                true
            }
            Life::Stopping { order: last, deadline: old, graceful, .. } => {
                (*old, *graceful) = (deadline.min(*old), deadline.min(*graceful));
                // A quick order is not softened.
                let heard = *last == Signal::Quit && order == Signal::Term;
                *last = if heard { *last } else { order };
                !heard
            }
            Life::Aborted { deadline: old, dismissed, .. } => {
                *old = deadline.min(*old);
                *dismissed = true;
                false
            }
            Life::Killed => false,
        }
    }
}
