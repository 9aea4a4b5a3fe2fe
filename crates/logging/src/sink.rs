//! Where log bytes go: a standard stream, or a file that can be reopened.
//!
//! Writing is bounded. A full pipe whose reader has gone to sleep makes [`Sink::write`] give up after the caller's
//! patience; it never stops the process for good. Files are opened non-blocking, which matters only when the path is
//! a named pipe or a terminal. The standard streams are shared with other programs, so their flags stay as they are:
//! for those, `poll` is asked first and no more than the kernel takes without blocking is written at a time.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd as _, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use rgunicorn_settings::Destination;

use crate::LogError;

/// Where the standard streams lead when whoever started this process has closed them.
pub(crate) const NOWHERE: &str = "/dev/null";

/// How much a pipe takes in one piece without blocking once `poll` calls it writable (`PIPE_BUF` of Linux).
const PIECE: usize = 4096;

/// How often one write may be interrupted, or turned away, without progress before it counts as failed.
const RETRIES: usize = 100;

/// An open log destination.
#[derive(Debug)]
pub(crate) struct Sink {
    setting: &'static str,
    target: Target,
    /// The last write ended in the middle of a line that will not be continued.
    torn: AtomicBool,
}

#[derive(Debug)]
enum Target {
    Stdout,
    Stderr,
    File { path: PathBuf, handle: RwLock<OwnedFd> },
}

/// A write that did not get all its bytes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unwritten {
    /// Bytes that did get out.
    pub(crate) written: usize,
    /// Why not the rest; `EAGAIN` when patience ran out.
    pub(crate) errno: Errno,
}

impl Sink {
    /// Open the destination of `setting`.
    pub(crate) fn open(setting: &'static str, destination: &Destination) -> Result<Self, LogError> {
        let target = match destination {
            Destination::Stdout => Target::Stdout,
            Destination::Stderr => Target::Stderr,
            Destination::File(path) => Target::of_path(setting, path)?,
        };
        Ok(Self { setting, target, torn: AtomicBool::new(false) })
    }

    /// The same number for as long as the sink lives, also across [`Self::reopen`].
    pub(crate) fn fd(&self) -> RawFd {
        self.with_fd(|fd| fd.as_raw_fd())
    }

    /// Whether this is standard error itself.
    pub(crate) fn is_stderr(&self) -> bool {
        matches!(self.target, Target::Stderr)
    }

    /// Open the file of this sink again, for log rotation. The old file stays when the new one cannot be had.
    pub(crate) fn reopen(&self) -> Result<(), LogError> {
        let Target::File { path, handle } = &self.target else { return Ok(()) };
        let fresh = append_to(path).map_err(|source| LogError::open(self.setting, path, source))?;
        let mut handle = handle.write().unwrap_or_else(PoisonError::into_inner);
        replace(&fresh, &mut handle)
            .map_err(|errno| LogError::open(self.setting, path, io::Error::from(errno)))?;
        self.torn.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Write whole lines, waiting no longer than `patience` for a reader.
    pub(crate) fn write(&self, lines: &[u8], patience: Duration) -> Result<(), Unwritten> {
        self.with_fd(|fd| {
            let polite = !matches!(self.target, Target::File { .. }) && !is_regular(fd);
            let _allowed = (polite && fd.is_terminal()).then(BackgroundWrites::allow);
            let mut wait = Wait { patience, deadline: None };
            if self.torn.load(Ordering::Relaxed) {
                push(fd, b"\n", polite, &mut wait).map_err(|stop| Unwritten { written: 0, ..stop })?;
                self.torn.store(false, Ordering::Relaxed);
            }
            push(fd, lines, polite, &mut wait)
        })
    }

    /// The rest of a line whose beginning is out will never follow: start the next write on a new line.
    pub(crate) fn abandon_line(&self) {
        self.torn.store(true, Ordering::Relaxed);
    }

    fn with_fd<R>(&self, work: impl FnOnce(BorrowedFd<'_>) -> R) -> R {
        match &self.target {
            Target::Stdout => work(io::stdout().as_fd()),
            Target::Stderr => work(io::stderr().as_fd()),
            Target::File { handle, .. } => {
                work(handle.read().unwrap_or_else(PoisonError::into_inner).as_fd())
            }
        }
    }
}

impl Target {
    fn of_path(setting: &'static str, path: &Path) -> Result<Self, LogError> {
        // Containers often forbid to open these anew, and sockets cannot be opened at all.
        match path.to_str() {
            Some("/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => return Ok(Self::Stdout),
            Some("/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2") => return Ok(Self::Stderr),
            _ => {}
        }
        // A later change of the working directory must not move the file.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let handle = append_to(&path).map_err(|source| LogError::open(setting, &path, source))?;
        Ok(Self::File { path, handle: RwLock::new(handle.into()) })
    }
}

/// Open standard streams that are closed: otherwise the next file or socket would take their number, and what is
/// printed would be written to it.
pub(crate) fn reserve_standard_streams() -> io::Result<()> {
    loop {
        let nowhere = OpenOptions::new().read(true).write(true).open(NOWHERE)?;
        if nowhere.as_raw_fd() > 2 {
            return Ok(());
        }
        // What this process executes needs them as well.
        fcntl(&nowhere, FcntlArg::F_SETFD(FdFlag::empty()))?;
        let _: RawFd = nowhere.into_raw_fd();
    }
}

/// Lets a background process write to its terminal while the value lives, also after `stty tostop`. Otherwise every
/// write would be answered with a SIGTTOU, and begun anew after its handler, for ever.
struct BackgroundWrites {
    before: Option<SigSet>,
}

impl BackgroundWrites {
    fn allow() -> Self {
        let mut stops = SigSet::empty();
        stops.add(Signal::SIGTTOU);
        // Where signals cannot be blocked, the write is tried all the same.
        Self { before: stops.thread_swap_mask(SigmaskHow::SIG_BLOCK).ok() }
    }
}

impl Drop for BackgroundWrites {
    fn drop(&mut self) {
        let restored = self.before.is_none_or(|before| before.thread_set_mask().is_ok());
        debug_assert!(restored, "a mask that the kernel gave is valid");
    }
}

/// How long one write may still wait. The clock starts when the first wait does.
struct Wait {
    patience: Duration,
    deadline: Option<Instant>,
}

impl Wait {
    fn left(&mut self) -> Duration {
        if self.patience.is_zero() {
            return Duration::ZERO;
        }
        let now = Instant::now();
        self.deadline.get_or_insert(now + self.patience).saturating_duration_since(now)
    }

    /// Wait until `fd` takes bytes; false when patience has run out.
    fn until_writable(&mut self, fd: BorrowedFd<'_>) -> Result<bool, Errno> {
        loop {
            let left = self.left();
            let mut polled = [PollFd::new(fd, PollFlags::POLLOUT)];
            match nix::poll::poll(&mut polled, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::EINTR) if !left.is_zero() => {}
                Err(Errno::EINTR) => return Ok(false),
                Err(errno) => return Err(errno),
            }
        }
    }
}

/// Write all of `bytes`. A `polite` write never blocks on a descriptor whose flags are not ours to change.
fn push(fd: BorrowedFd<'_>, bytes: &[u8], polite: bool, wait: &mut Wait) -> Result<(), Unwritten> {
    let (mut written, mut retries) = (0, 0);
    while written < bytes.len() {
        let stop = |errno| Unwritten { written, errno };
        let mut piece = &bytes[written..];
        if polite {
            piece = first_piece(piece);
            if !wait.until_writable(fd).map_err(stop)? {
                return Err(stop(Errno::EAGAIN));
            }
        }
        match nix::unistd::write(fd, piece) {
            Ok(0) => return Err(stop(Errno::EIO)),
            Ok(count) => (written, retries) = (written + count, 0),
            Err(Errno::EINTR) if retries < RETRIES => retries += 1,
            Err(Errno::EAGAIN)
                if !polite && retries < RETRIES && wait.until_writable(fd).map_err(stop)? =>
            {
                retries += 1;
            }
            Err(errno) => return Err(stop(errno)),
        }
    }
    Ok(())
}

/// As many whole lines as one piece holds, so that lines of several processes do not mix in a shared pipe.
fn first_piece(bytes: &[u8]) -> &[u8] {
    if bytes.len() <= PIECE {
        return bytes;
    }
    let lines = bytes[..PIECE].iter().rposition(|&byte| byte == b'\n');
    &bytes[..lines.map_or(PIECE, |end| end + 1)]
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o644)
        .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits())
        .open(path)
}

fn is_regular(fd: BorrowedFd<'_>) -> bool {
    nix::sys::stat::fstat(fd).is_ok_and(|stat| stat.st_mode & nix::libc::S_IFMT == nix::libc::S_IFREG)
}

/// Make `old` refer to the file of `fresh`; the number stays.
#[cfg(target_os = "linux")]
fn replace(fresh: &File, old: &mut OwnedFd) -> nix::Result<()> {
    nix::unistd::dup3(fresh, old, OFlag::O_CLOEXEC)
}

/// Make `old` refer to the file of `fresh`; the number stays.
#[cfg(not(target_os = "linux"))]
fn replace(fresh: &File, old: &mut OwnedFd) -> nix::Result<()> {
    nix::unistd::dup2(fresh, old)?;
    fcntl(&*old, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map(drop)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use nix::unistd::pipe;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    fn wait() -> Wait {
        Wait { patience: SHORT, deadline: None }
    }

    #[test]
    fn a_background_process_may_write_to_its_terminal_for_the_time_of_a_write() {
        let blocked = || SigSet::thread_get_mask().unwrap().contains(Signal::SIGTTOU);
        let allowed = BackgroundWrites::allow();
        assert!(blocked());
        drop(allowed);
        assert!(!blocked());
    }

    #[test]
    fn a_full_pipe_that_may_block_is_left_alone() {
        let (reader, writer) = pipe().unwrap();
        let line = [[b'x'; 99].as_slice(), b"\n"].concat();
        let lines = line.repeat(10_000);
        let start = Instant::now();

        let stop = push(writer.as_fd(), &lines, true, &mut wait()).unwrap_err();

        assert!(start.elapsed() < Duration::from_secs(5));
        assert_eq!(stop.errno, Errno::EAGAIN);
        assert!(stop.written > 0 && stop.written.is_multiple_of(line.len()), "{}", stop.written);
        drop(writer);
        let mut received = Vec::new();
        File::from(reader).read_to_end(&mut received).unwrap();
        assert_eq!(received, &lines[..stop.written]);
    }

    #[test]
    fn a_pipe_without_reader_is_an_error_at_once() {
        for polite in [true, false] {
            let (reader, writer) = pipe().unwrap();
            drop(reader);
            let stop = push(writer.as_fd(), b"line\n", polite, &mut wait()).unwrap_err();
            assert_eq!(stop, Unwritten { written: 0, errno: Errno::EPIPE });
        }
    }

    #[test]
    fn a_piece_ends_with_a_line_where_one_ends() {
        let long = [b'x'; 5000];
        assert_eq!(first_piece(b"a\nb"), b"a\nb");
        assert_eq!(first_piece(&long).len(), PIECE);
        assert_eq!(first_piece(&[b"a\nb\n".as_slice(), &long].concat()), b"a\nb\n");
    }

    #[test]
    fn an_abandoned_line_is_ended_before_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let sink = Sink::open("errorlog", &Destination::File(path.clone())).unwrap();
        sink.write(b"half", SHORT).unwrap();
        sink.abandon_line();
        sink.write(b"whole\n", SHORT).unwrap();
        sink.write(b"next\n", SHORT).unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "half\nwhole\nnext\n");
    }

    #[test]
    fn names_of_the_standard_streams_mean_the_streams() {
        for (name, number) in
            [("/dev/stdout", 1), ("/proc/self/fd/1", 1), ("/dev/stderr", 2), ("/dev/fd/2", 2)]
        {
            let sink = Sink::open("accesslog", &Destination::File(name.into())).unwrap();
            assert_eq!((sink.fd(), sink.is_stderr()), (number, number == 2), "{name}");
            sink.reopen().unwrap();
        }
    }

    #[test]
    fn a_relative_path_is_fixed_when_it_is_opened() {
        let target = Target::of_path("errorlog", Path::new("/dev/../dev/null")).unwrap();
        let Target::File { path, .. } = target else { panic!("a file") };
        assert!(path.is_absolute());
    }
}
