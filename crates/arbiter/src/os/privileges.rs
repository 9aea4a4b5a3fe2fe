//! As whom workers run: `user`, `group`, `initgroups` and `umask`.
//!
//! The master resolves the names once, before anything is opened, and keeps its own rights: it has to bind, to signal
//! and to remove files. Every worker gives them up before the application is imported.

use std::{ffi::CString, fs::OpenOptions, path::PathBuf};

use nix::{
    errno::Errno,
    sys::stat::{Mode, umask},
    unistd::{
        Gid, Group, Uid, User, chown, getegid, geteuid, getgid, getuid, initgroups, setgid, setgroups, setuid,
    },
};
use rgunicorn_settings::{Account, Process, Settings};

use super::orphan;
use crate::error::StartError;

/// Whom a worker runs as, in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Privileges {
    user: Option<Uid>,
    group: Option<Gid>,
    groups: Groups,
    umask: Mode,
}

/// The further groups of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Groups {
    /// Those of the master.
    Kept,
    /// None but its own.
    Own(Gid),
    /// Those that the user is a member of, and its own.
    Of(CString, Gid),
}

impl Privileges {
    /// Look the names up, and see whether this process may become what they name.
    pub(crate) fn new(wanted: &Process) -> Result<Self, StartError> {
        let user = wanted.user.as_ref().map(find_user).transpose()?;
        let named = wanted.group.as_ref().map(find_group).transpose()?;
        let uid = user.as_ref().map(|user| user.uid);
        // A worker that gives up being root gives up the groups of root, too.
        let group =
            named.or_else(|| user.as_ref().filter(|user| user.uid != getuid()).and_then(|user| user.group));
        let name = user.and_then(|user| user.name).filter(|_| wanted.initgroups);
        let groups = match (group, name) {
            (Some(group), Some(name)) => Groups::Of(name, group),
            (Some(group), None) => Groups::Own(group),
            (None, Some(name)) => Groups::Of(name, getegid()),
            (None, None) => Groups::Kept,
        };
        let umask = Mode::from_bits_truncate(wanted.umask.0);
        let wanted = Self { user: uid, group, groups, umask };
        wanted.check()?;
        Ok(wanted)
    }

    /// Those that the process has already: what has become another user is it for good, and so is what it forks.
    pub(crate) fn kept() -> Self {
        Self { user: None, group: None, groups: Groups::Kept, umask: Mode::empty() }
    }

    /// Become that user, for good.
    pub(crate) fn assume(&self) -> Result<(), String> {
        // The default says nothing: it is meant for sockets.
        if !self.umask.is_empty() {
            umask(self.umask);
        }
        if !self.differ() {
            return Ok(());
        }
        let refused = |what: &str| {
            let what = what.to_owned();
            move |errno: Errno| format!("cannot {what}: {} (see `user` and `group`)", errno.desc())
        };
        match &self.groups {
            Groups::Kept => {}
            Groups::Own(group) => setgroups(&[*group]).map_err(refused("leave the groups of the master"))?,
            Groups::Of(user, group) => {
                initgroups(user, *group).map_err(refused("join the groups of the user"))?
            }
        }
        if let Some(group) = self.group {
            setgid(group).map_err(refused(&format!("change to the group {group}")))?;
        }
        if let Some(user) = self.user {
            setuid(user).map_err(refused(&format!("change to the user {user}")))?;
        }
        // The kernel forgets the death signal when a process changes its user or group.
        orphan::follow_on().map_err(|error| format!("cannot follow the master: {error}"))
    }

    /// Give log files to the user of the workers, who opens them, perhaps where only the master may create them; only
    /// files, never a device.
    pub(crate) fn own_all(&self, logs: &[PathBuf]) {
        if !self.differ() {
            return;
        }
        for path in logs {
            // The worker reports what it cannot open.
            let _ = OpenOptions::new().append(true).create(true).open(path);
            if std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
                let _ = chown(path, self.user, self.group);
            }
        }
    }

    fn differ(&self) -> bool {
        let user = self.user.is_some_and(|user| user != geteuid() || user != getuid());
        let group = self.group.is_some_and(|group| group != getegid() || group != getgid());
        user || group || matches!(self.groups, Groups::Of(..))
    }

    fn check(&self) -> Result<(), StartError> {
        if !self.differ() || may_change() {
            return Ok(());
        }
        let who = match (self.user, self.group) {
            (Some(user), _) => format!("user {user}"),
            (None, Some(group)) => format!("group {group}"),
            (None, None) => "groups of the user".to_owned(),
        };
        Err(StartError::MayNotChange { who })
    }
}

struct Found {
    uid: Uid,
    /// `None` for a number that no user has.
    name: Option<CString>,
    group: Option<Gid>,
}

fn find_user(account: &Account) -> Result<Found, StartError> {
    let system = |errno: Errno| StartError::System { what: "look up a user", source: errno.into() };
    let known = match account {
        Account::Id(id) => User::from_uid(Uid::from_raw(*id)),
        Account::Name(name) => User::from_name(name),
    };
    match (known.map_err(system)?, account) {
        (Some(user), _) => {
            Ok(Found { uid: user.uid, name: CString::new(user.name).ok(), group: Some(user.gid) })
        }
        (None, Account::Id(id)) => Ok(Found { uid: Uid::from_raw(*id), name: None, group: None }),
        (None, Account::Name(name)) => Err(StartError::NoSuchUser { user: name.clone() }),
    }
}

fn find_group(account: &Account) -> Result<Gid, StartError> {
    let system = |errno: Errno| StartError::System { what: "look up a group", source: errno.into() };
    match account {
        Account::Id(id) => Ok(Gid::from_raw(*id)),
        Account::Name(name) => {
            let known = Group::from_name(name).map_err(system)?;
            known.map(|group| group.gid).ok_or_else(|| StartError::NoSuchGroup { group: name.clone() })
        }
    }
}

/// Whom unix sockets belong to: `socket_owner`, or else the user of the workers, as far as they say.
pub(crate) fn socket_owner(settings: &Settings) -> Result<(Option<Uid>, Option<Gid>), StartError> {
    let (user, group) = match &settings.network.socket_owner {
        Some(owner) => (&owner.user, &owner.group),
        None => (&None, &None),
    };
    let user = user.as_ref().or(settings.process.user.as_ref()).map(find_user).transpose()?;
    let group = group.as_ref().or(settings.process.group.as_ref()).map(find_group).transpose()?;
    Ok((user.as_ref().map(|user| user.uid), group.or_else(|| user.and_then(|user| user.group))))
}

#[cfg(target_os = "linux")]
fn may_change() -> bool {
    /// `CAP_SETGID` and `CAP_SETUID`.
    const NEEDED: u64 = 1 << 6 | 1 << 7;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let capabilities = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    match capabilities.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()) {
        Some(bits) => bits & NEEDED == NEEDED,
        None => geteuid().is_root(),
    }
}

#[cfg(not(target_os = "linux"))]
fn may_change() -> bool {
    geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use rgunicorn_settings::Umask;

    use super::*;

    fn account(text: &str) -> Option<Account> {
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    fn wanted(user: &str, group: &str) -> Process {
        Process { user: account(user), group: account(group), ..Settings::default().process }
    }

    #[test]
    fn a_name_and_its_number_mean_the_same() {
        let root = Privileges::new(&wanted("root", "root"));
        if may_change() {
            assert_eq!(root.unwrap(), Privileges::new(&wanted("0", "0")).unwrap());
        } else {
            assert!(root.unwrap_err().to_string().contains("this process may not change it"));
        }
    }

    #[test]
    fn unknown_names_are_refused() {
        let refused = |wanted: Process| Privileges::new(&wanted).unwrap_err().to_string();
        assert_eq!(
            refused(wanted("no-such-user", "")),
            "there is no user `no-such-user` (user: create it, or give a number)"
        );
        assert_eq!(
            refused(wanted("", "no-such-group")),
            "there is no group `no-such-group` (group: create it, or give a number)"
        );
    }

    #[test]
    fn a_user_comes_with_its_own_group_and_no_other() {
        if !may_change() {
            return;
        }
        let nobody = User::from_name("nobody").unwrap().unwrap();
        let privileges = Privileges::new(&wanted("nobody", "")).unwrap();
        assert_eq!((privileges.user, privileges.group), (Some(nobody.uid), Some(nobody.gid)));
        assert_eq!(privileges.groups, Groups::Own(nobody.gid));
        let all = Process { initgroups: true, ..wanted("nobody", "daemon") };
        let daemon = Group::from_name("daemon").unwrap().unwrap().gid;
        assert_eq!(Privileges::new(&all).unwrap().groups, Groups::Of(c"nobody".to_owned(), daemon));
    }

    #[test]
    fn nothing_changes_where_nothing_was_asked_for() {
        let privileges = Privileges::new(&wanted("", "")).unwrap();
        assert!(!privileges.differ());
        privileges.assume().unwrap();
        let same = Process { user: Some(Account::Id(getuid().as_raw())), ..wanted("", "") };
        assert!(!Privileges::new(&same).unwrap().differ());
        let masked = Process { umask: Umask(0o27), ..wanted("", "") };
        assert!(!Privileges::new(&masked).unwrap().differ());
    }

    #[test]
    fn a_socket_belongs_to_whom_it_says_and_else_to_the_user_of_the_workers() {
        let mut settings = Settings::default();
        assert_eq!(socket_owner(&settings).unwrap(), (None, None));
        settings.process = wanted("nobody", "");
        let nobody = User::from_name("nobody").unwrap().unwrap();
        assert_eq!(socket_owner(&settings).unwrap(), (Some(nobody.uid), Some(nobody.gid)));
        settings.network.socket_owner = Some(":daemon".parse().unwrap());
        let daemon = Group::from_name("daemon").unwrap().unwrap().gid;
        assert_eq!(socket_owner(&settings).unwrap(), (Some(nobody.uid), Some(daemon)));
    }
}
