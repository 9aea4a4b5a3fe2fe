//! What systemd, or another service manager with its protocol, is told: `sd_notify(3)`, `sd_watchdog_enabled(3)`.
//!
//! Without `NOTIFY_SOCKET` nothing is sent. A manager that does not listen never makes the master wait. The crate
//! `sd-notify` knows no abstract socket and waits for a manager whose queue is full; the protocol is one datagram.

use std::{io, os::unix::ffi::OsStrExt as _, path::Path};

use nix::time::{ClockId, clock_gettime};
use rgunicorn_scoreboard::Millis;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::{
    machine::{
        event::Pid,
        notices::{Notice, Remark},
    },
    origin::{NOTIFY_SOCKET, Origin, WATCHDOG_PID, WATCHDOG_USEC},
    run::log,
};

/// The service manager, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Notifier {
    manager: Option<Manager>,
    /// The last `STATUS=`, which is sent only when it changes.
    said: String,
    /// Until its parent is gone, the new master of an upgrade is not the one that the manager listens to.
    muted: bool,
}

#[derive(Debug)]
struct Manager {
    socket: Socket,
    address: SockAddr,
    watchdog: Option<Watchdog>,
    failed: bool,
}

#[derive(Debug)]
struct Watchdog {
    every: Millis,
    next: Millis,
}

impl Notifier {
    /// Whoever the environment names.
    pub(crate) fn new(origin: &Origin) -> Self {
        let Some(name) = origin.variable(NOTIFY_SOCKET) else { return Self::default() };
        match reach(name.as_bytes()) {
            Ok((socket, address)) => {
                let manager = Manager { socket, address, watchdog: watchdog(origin), failed: false };
                Self { manager: Some(manager), ..Self::default() }
            }
            Err(error) => {
                log(&Notice::Remark(Remark::NotNotified { error: error.to_string() }));
                Self::default()
            }
        }
    }

    /// Whether anybody is told anything.
    pub(crate) fn is_heard(&self) -> bool {
        self.manager.is_some() && !self.muted
    }

    /// Say nothing until [`Self::speak`]: the manager listens to the old master, and would log what we say.
    pub(crate) fn mute(&mut self) {
        self.muted = true;
    }

    /// This is the main process now.
    pub(crate) fn speak(&mut self) {
        self.muted = false;
        // What was not said before is said now.
        self.said.clear();
        if let Some(watchdog) = self.manager.as_mut().and_then(|manager| manager.watchdog.as_mut()) {
            watchdog.next = 0;
        }
    }

    /// The server is up, or a reload has ended.
    pub(crate) fn ready(&mut self) {
        self.send("READY=1");
    }

    /// A reload begins; [`Self::ready`] ends it.
    pub(crate) fn reloading(&mut self) {
        let micros = clock_gettime(ClockId::CLOCK_MONOTONIC)
            .map_or(0, |time| i128::from(time.tv_sec()) * 1_000_000 + i128::from(time.tv_nsec()) / 1_000);
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// The server stops. Nothing is said after that.
    pub(crate) fn stopping(&mut self) {
        self.send("STOPPING=1");
        self.mute();
    }

    /// Another process takes over: the manager follows that one from now on, and hears nothing more of this one.
    pub(crate) fn main_process(&mut self, pid: Pid) {
        self.send(&format!("MAINPID={pid}"));
        self.mute();
    }

    /// One line about the server, as `systemctl status` shows it; sent when it has changed.
    pub(crate) fn status(&mut self, line: String) {
        if self.manager.is_none() || self.muted || self.said == line {
            return;
        }
        self.send(&format!("STATUS={line}"));
        self.said = line;
    }

    /// Show that the master is alive, if it is time to.
    pub(crate) fn tick(&mut self, now: Millis) {
        let watchdog = self.manager.as_mut().and_then(|manager| manager.watchdog.as_mut());
        if let Some(watchdog) = watchdog.filter(|watchdog| now >= watchdog.next) {
            watchdog.next = now + watchdog.every;
            self.send("WATCHDOG=1");
        }
    }

    /// When [`Self::tick`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        let manager = self.manager.as_ref().filter(|_| !self.muted)?;
        manager.watchdog.as_ref().map(|watchdog| watchdog.next)
    }

    fn send(&mut self, text: &str) {
        let Some(manager) = self.manager.as_mut().filter(|_| !self.muted) else { return };
        if let Err(error) = manager.socket.send_to(text.as_bytes(), &manager.address)
            && !manager.failed
        {
            // Once is enough: the next failure has the same reason.
            manager.failed = true;
            log(&Notice::Remark(Remark::NotNotified { error: error.to_string() }));
        }
    }
}

fn reach(name: &[u8]) -> io::Result<(Socket, SockAddr)> {
    let mut path = name.to_vec();
    match path.first_mut() {
        Some(first @ b'@') => *first = 0,
        Some(b'/') => {}
        _ => return Err(io::Error::other("it is neither a path nor an abstract name")),
    }
    let address = SockAddr::unix(Path::new(std::ffi::OsStr::from_bytes(&path)))?;
    let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

/// Twice within the time that the manager allows, as it recommends.
fn watchdog(origin: &Origin) -> Option<Watchdog> {
    if origin.is_for_us(WATCHDOG_PID) == Some(false) {
        return None;
    }
    let micros = origin.number(WATCHDOG_USEC).filter(|micros| *micros > 0)?;
    Some(Watchdog { every: (micros / 2_000).max(1), next: 0 })
}

#[cfg(test)]
mod tests {
    use std::{
        ffi::OsString,
        os::unix::net::UnixDatagram,
        path::PathBuf,
        time::{Duration, SystemTime},
    };

    use super::*;

    fn origin(pairs: &[(&str, &str)]) -> Origin {
        let pair = |(name, value): &(&str, &str)| (OsString::from(name), OsString::from(value));
        Origin {
            program: PathBuf::new(),
            arguments: Vec::new(),
            directory: PathBuf::new(),
            environment: pairs.iter().map(pair).collect(),
            pid: std::process::id(),
        }
    }

    fn heard(manager: &UnixDatagram) -> String {
        manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut text = [0; 512];
        let length = manager.recv(&mut text).unwrap();
        String::from_utf8(text[..length].to_vec()).unwrap()
    }

    fn is_silent(manager: &UnixDatagram) -> bool {
        manager.set_nonblocking(true).unwrap();
        let silent = manager.recv(&mut [0; 512]).is_err();
        manager.set_nonblocking(false).unwrap();
        silent
    }

    fn listening(test: impl FnOnce(&UnixDatagram, &str)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        test(&UnixDatagram::bind(&path).unwrap(), path.to_str().unwrap());
    }

    #[test]
    fn each_step_of_a_life_is_told_in_the_words_of_the_protocol() {
        listening(|manager, path| {
            let mut notifier = Notifier::new(&origin(&[(NOTIFY_SOCKET, path)]));
            notifier.ready();
            assert_eq!(heard(manager), "READY=1");
            notifier.reloading();
            let said = heard(manager);
            let micros = said.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().parse::<u64>().unwrap();
            assert!(rgunicorn_scoreboard::now() - micros / 1_000 < 10_000, "{said}");
            notifier.stopping();
            notifier.stopping();
            assert_eq!(heard(manager), "STOPPING=1");
            assert!(is_silent(manager), "once");
            notifier.speak();
            notifier.main_process(Pid(42));
            assert_eq!(heard(manager), "MAINPID=42");
        });
    }

    #[test]
    fn a_status_is_told_when_it_changes() {
        listening(|manager, path| {
            let mut notifier = Notifier::new(&origin(&[(NOTIFY_SOCKET, path)]));
            notifier.status("2 workers".to_owned());
            notifier.status("2 workers".to_owned());
            notifier.status("3 workers".to_owned());
            assert_eq!([heard(manager), heard(manager)], ["STATUS=2 workers", "STATUS=3 workers"]);
            assert!(is_silent(manager));
        });
    }

    #[test]
    fn the_watchdog_is_fed_twice_in_its_time() {
        listening(|manager, path| {
            let pid = std::process::id().to_string();
            let pairs = [(NOTIFY_SOCKET, path), (WATCHDOG_USEC, "3000000"), (WATCHDOG_PID, &pid)];
            let mut notifier = Notifier::new(&origin(&pairs));
            notifier.tick(10_000);
            assert_eq!(heard(manager), "WATCHDOG=1");
            assert_eq!(notifier.deadline(), Some(11_500));
            notifier.tick(11_499);
            assert!(is_silent(manager));
            notifier.tick(11_500);
            assert_eq!(heard(manager), "WATCHDOG=1");
        });
    }

    #[test]
    fn a_watchdog_for_another_process_is_not_fed() {
        listening(|manager, path| {
            for pairs in [
                vec![(NOTIFY_SOCKET, path)],
                vec![(NOTIFY_SOCKET, path), (WATCHDOG_USEC, "3000000"), (WATCHDOG_PID, "1")],
                vec![(NOTIFY_SOCKET, path), (WATCHDOG_USEC, "0")],
                vec![(NOTIFY_SOCKET, path), (WATCHDOG_USEC, "soon")],
            ] {
                let mut notifier = Notifier::new(&origin(&pairs));
                notifier.tick(10_000);
                assert!(notifier.deadline().is_none() && is_silent(manager), "{pairs:?}");
            }
        });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_abstract_socket_is_reached() {
        use std::os::{linux::net::SocketAddrExt as _, unix::net::SocketAddr};
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let name = format!("rgunicorn-notify-{}-{since}", std::process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Notifier::new(&origin(&[(NOTIFY_SOCKET, &format!("@{name}"))])).ready();
        assert_eq!(heard(&manager), "READY=1");
    }

    #[test]
    fn nobody_is_told_where_nobody_asks_or_listens() {
        let mut notifier = Notifier::new(&origin(&[]));
        notifier.ready();
        assert_eq!(notifier.deadline(), None);
        for name in ["", "relative", "vsock:2:1", "/nonexistent/notify"] {
            Notifier::new(&origin(&[(NOTIFY_SOCKET, name)])).ready();
        }
    }

    #[test]
    fn a_manager_that_does_not_read_is_not_waited_for() {
        listening(|_manager, path| {
            let mut notifier = Notifier::new(&origin(&[(NOTIFY_SOCKET, path)]));
            for line in 0..5_000 {
                notifier.status(line.to_string());
            }
        });
    }

    #[test]
    fn a_muted_one_says_nothing_and_then_says_what_holds() {
        listening(|manager, path| {
            let mut notifier = Notifier::new(&origin(&[(NOTIFY_SOCKET, path), (WATCHDOG_USEC, "3000000")]));
            notifier.mute();
            notifier.ready();
            notifier.status("2 workers".to_owned());
            notifier.tick(10_000);
            assert!(notifier.deadline().is_none() && is_silent(manager));
            notifier.speak();
            notifier.status("2 workers".to_owned());
            assert_eq!(heard(manager), "STATUS=2 workers");
        });
    }
}
