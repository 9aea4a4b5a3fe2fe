//! The upgrade: a new master beside this one, started by USR2. Operators end whichever they want to; either is told.

use super::{
    Arbiter,
    event::{Action, Exit, Pid},
    notices::{MASTER, Notice, Renewal, SECOND_MASTER},
};

/// What other master there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kin {
    /// None.
    Alone,
    /// The one that started this one.
    Parent,
    /// One that is asked for.
    Expected,
    /// One that this one started.
    Child(Pid),
}

impl Arbiter {
    /// Start a new master, unless there already are two.
    pub(super) fn upgrade(&mut self) {
        match self.kin {
            Kin::Alone => {
                self.kin = Kin::Expected;
                self.actions.push_back(Action::Upgrade);
            }
            Kin::Parent => self.renewal(Renewal::ParentExists),
            Kin::Expected | Kin::Child(_) => self.renewal(Renewal::ChildExists),
        }
    }

    pub(super) fn upgrade_forked(&mut self, pid: Pid) {
        self.kin = Kin::Child(pid);
        self.renewal(Renewal::UpgradeBegun { pid });
    }

    pub(super) fn upgrade_failed(&mut self, reason: String) {
        self.kin = Kin::Alone;
        self.renewal(Renewal::UpgradeFailed { reason });
    }

    /// A child was reaped that is no worker: perhaps the new master.
    pub(super) fn upgrade_exited(&mut self, pid: Pid, exit: Exit) {
        if self.kin == Kin::Child(pid) {
            self.kin = Kin::Alone;
            self.renewal(Renewal::UpgradeEnded { pid, exit });
        }
    }

    /// The old master has left: this one is the server now.
    pub(super) fn parent_gone(&mut self) {
        if self.kin == Kin::Parent {
            self.kin = Kin::Alone;
            self.renewal(Renewal::Promoted);
            self.actions.push_back(Action::Promote);
        }
    }

    /// What this master is called while there are two.
    pub(super) fn name(&self) -> &'static str {
        if self.kin == Kin::Parent { SECOND_MASTER } else { MASTER }
    }

    pub(super) fn renewal(&mut self, renewal: Renewal) {
        self.log(Notice::Renewal(renewal));
    }
}
