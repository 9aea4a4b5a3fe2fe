//! A directory, and files that lie in it: whatever a name or a symbolic link says, nothing outside is opened.

use std::{
    fs::{File, Metadata},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2},
    sys::stat::Mode,
};
use rgunicorn_scoreboard::Millis;

/// The directory is looked up by its name again after so many milliseconds: a deployment may have replaced it.
const FRESH: Millis = 1000;
/// Opening is tried again so often when the kernel cannot tell whether a name leads out, because something is being moved.
const TRIES: usize = 8;

/// A directory.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    /// `None` while there is none of that name.
    directory: Option<OwnedFd>,
    opened: Millis,
    how: How,
}

/// How a name is kept inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// The kernel sees to it (`openat2`), and follows links that stay inside.
    Beneath,
    /// Where it cannot (before Linux 5.6, or forbidden in a container): step by step, following no link.
    Stepwise,
}

/// Something that was opened.
#[derive(Debug)]
pub(super) enum Entry {
    /// A regular file.
    File(File, Metadata),
    /// A directory.
    Directory,
}

/// Why nothing was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// There is no such file, or it is neither a file nor a directory, or it is outside.
    NotFound,
    /// It may not be read.
    Forbidden,
    /// The process has no descriptor or memory left.
    Busy,
    /// The disk fails.
    Broken,
}

impl Root {
    /// Open the directory with this absolute path.
    ///
    /// # Errors
    /// When there is none, or it may not be searched.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let directory = open_directory(path)?;
        let how = match open_beneath(&directory, Path::new(".")) {
            Err(Errno::ENOSYS | Errno::EPERM) => How::Stepwise,
            Ok(_) => How::Beneath,
            // A directory that may be searched but not listed.
            Err(Errno::EACCES) => How::Beneath,
            Err(error) => return Err(error.into()),
        };
        Ok(Self { path: path.to_owned(), directory: Some(directory), opened: 0, how })
    }

    /// Open what `name` is, relative to the directory.
    pub(super) fn find(&mut self, name: &[u8], now: Millis) -> Result<Entry, Missing> {
        let file = self.open_inside(name, now).map_err(|error| self.judge(name, error))?;
        let metadata = file.metadata().map_err(|_| Missing::Broken)?;
        if metadata.is_file() {
            Ok(Entry::File(file, metadata))
        } else if metadata.is_dir() {
            Ok(Entry::Directory)
        } else {
            Err(Missing::NotFound)
        }
    }

    fn open_inside(&mut self, name: &[u8], now: Millis) -> Result<File, Errno> {
        if now >= self.opened.saturating_add(FRESH) {
            self.directory = open_directory(&self.path).ok();
            self.opened = now;
        }
        let directory = self.directory.as_ref().ok_or(Errno::ENOENT)?;
        let name = Path::new(std::ffi::OsStr::from_bytes(if name.is_empty() { b"." } else { name }));
        let opened = match self.how {
            How::Beneath => open_beneath(directory, name)?,
            How::Stepwise => open_stepwise(directory, name)?,
        };
        Ok(File::from(opened))
    }

    fn judge(&self, name: &[u8], error: Errno) -> Missing {
        match error {
            Errno::EACCES | Errno::EPERM => Missing::Forbidden,
            Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM => {
                tracing::error!("cannot open a static file: {error} (raise the limit on open files)");
                Missing::Busy
            }
            Errno::EIO => {
                tracing::error!("cannot open `{}` of the static files: {error}", name.escape_ascii());
                Missing::Broken
            }
            Errno::EXDEV => {
                tracing::warn!(
                    "`{}` is not served: a symbolic link leads out of `{}`, or is absolute",
                    name.escape_ascii(),
                    self.path.display()
                );
                Missing::NotFound
            }
            // No such name, or a link that leads in circles, or what cannot be opened as a file.
            _ => Missing::NotFound,
        }
    }
}

/// Never wait for the other end of a pipe, and never become somebody's terminal.
fn flags() -> OFlag {
    OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC
}

fn open_directory(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    nix::fcntl::open(path, flags, Mode::empty())
}

fn open_beneath(directory: &OwnedFd, name: &Path) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    let how = OpenHow::new().flags(flags()).resolve(resolve);
    for _ in 0..TRIES {
        match openat2(directory, name, how) {
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            result => return result,
        }
    }
    Err(Errno::EAGAIN)
}

fn open_stepwise(directory: &OwnedFd, name: &Path) -> Result<OwnedFd, Errno> {
    let parent = name.parent().unwrap_or(Path::new(""));
    let mut at = None;
    for step in parent {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let from = at.as_ref().unwrap_or(directory);
        at = Some(openat(from.as_fd(), step, flags, Mode::empty())?);
    }
    let from = at.as_ref().unwrap_or(directory);
    let last = name.file_name().unwrap_or(std::ffi::OsStr::new("."));
    openat(from.as_fd(), last, flags() | OFlag::O_NOFOLLOW, Mode::empty())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn found(root: &mut Root, name: &str) -> Result<&'static str, Missing> {
        root.find(name.as_bytes(), 0).map(|entry| match entry {
            Entry::File(..) => "file",
            Entry::Directory => "directory",
        })
    }

    #[test]
    fn nothing_outside_is_opened_and_nothing_waits() {
        let outside = tempfile::TempDir::new().unwrap();
        let path = outside.path().join("root");
        fs::create_dir_all(path.join("sub")).unwrap();
        fs::write(outside.path().join("secret"), "x").unwrap();
        fs::write(path.join("sub/file"), "x").unwrap();
        symlink("../secret", path.join("out")).unwrap();
        symlink("..", path.join("up")).unwrap();
        symlink(outside.path().join("secret"), path.join("absolute")).unwrap();
        symlink("/proc/self/root", path.join("magic")).unwrap();
        symlink("loop", path.join("loop")).unwrap();
        symlink("sub/file", path.join("inside")).unwrap();
        symlink("sub", path.join("below")).unwrap();
        nix::unistd::mkfifo(&path.join("fifo"), Mode::S_IRWXU).unwrap();
        for how in [How::Beneath, How::Stepwise] {
            let mut root = Root { how, ..Root::open(&path).unwrap() };
            for name in [
                "out",
                "up",
                "up/secret",
                "absolute",
                "magic",
                "magic/etc",
                "loop",
                "fifo",
                "none",
                "sub/file/x",
            ] {
                assert_eq!(found(&mut root, name), Err(Missing::NotFound), "{name} {how:?}");
            }
            assert_eq!(found(&mut root, &"x".repeat(300)), Err(Missing::NotFound));
            assert_eq!(found(&mut root, "sub/file"), Ok("file"));
            assert_eq!(found(&mut root, "sub"), Ok("directory"));
            assert_eq!(found(&mut root, ""), Ok("directory"));
            let linked = if how == How::Beneath { Ok("file") } else { Err(Missing::NotFound) };
            assert_eq!(found(&mut root, "inside"), linked);
            assert_eq!(found(&mut root, "below/file"), linked);
        }
    }

    #[test]
    fn a_directory_that_was_replaced_is_found_again() {
        let parent = tempfile::TempDir::new().unwrap();
        let path = parent.path().join("current");
        for name in ["one", "two"] {
            fs::create_dir(parent.path().join(name)).unwrap();
            fs::write(parent.path().join(name).join(name), "x").unwrap();
        }
        symlink("one", &path).unwrap();
        let mut root = Root::open(&path).unwrap();
        assert!(root.find(b"one", 0).is_ok());
        fs::remove_file(&path).unwrap();
        assert!(root.find(b"one", FRESH - 1).is_ok());
        assert_eq!(root.find(b"one", FRESH).unwrap_err(), Missing::NotFound);
        symlink("two", &path).unwrap();
        assert!(root.find(b"two", 2 * FRESH).is_ok());
        assert!(root.find(b"one", 2 * FRESH).is_err());
    }
}
