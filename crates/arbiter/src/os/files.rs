//! Files that the server leaves in the file system, and how to remove them without removing somebody else's.

use std::{
    ffi::{CStr, CString},
    io,
    mem::MaybeUninit,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicI32, Ordering::Relaxed},
};

use nix::libc;

use super::fork::this_process;
use crate::machine::event::Pid;

/// A file of ours: removed by the process that made it, and only while it is still that file.
#[derive(Debug)]
pub(crate) struct OwnFile {
    path: PathBuf,
    mark: Mark,
    /// The process that removes it; 0 while another server has it.
    owner: AtomicI32,
}

impl OwnFile {
    /// The file that this process has just made.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let mark = Mark::new(&path)?;
        Ok(Self { path, mark, owner: AtomicI32::new(this_process().0) })
    }

    /// Leave it to another server, until [`Self::claim`].
    pub(crate) fn leave(&self) {
        self.owner.store(0, Relaxed);
    }

    /// It is this process that removes it.
    pub(crate) fn claim(&self) {
        self.owner.store(this_process().0, Relaxed);
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What removes it when this process cannot.
    pub(crate) fn mark(&self) -> Mark {
        self.mark.clone()
    }

    /// Remove it, unless somebody else did or has put another file in its place.
    pub(crate) fn remove(&self) -> Result<(), (PathBuf, io::Error)> {
        if Pid(self.owner.load(Relaxed)) != this_process() || !self.mark.is_there() {
            return Ok(());
        }
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err((self.path.clone(), error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        // Whoever wants to hear of a failure has called `remove`.
        let _ = self.remove();
    }
}

/// Which file stands at a path: enough to tell it from a later one that the kernel gave the same inode.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    path: CString,
    identity: Identity,
}

type Identity = (libc::dev_t, libc::ino_t, libc::time_t, i64);

impl Mark {
    fn new(path: &Path) -> io::Result<Self> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        let identity = identify(&path).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { path, identity })
    }

    /// Whether the file is still there. Safe to call from a signal handler.
    pub(crate) fn is_there(&self) -> bool {
        identify(&self.path) == Some(self.identity)
    }

    /// Remove the file if it is still there. Safe to call from a signal handler.
    pub(crate) fn remove(&self) {
        if self.is_there() {
            // SAFETY: the path is a string with an end, and unlink touches no memory of ours.
            #[allow(unsafe_code, reason = "safe wrappers allocate, which a signal handler must not")]
            unsafe {
                libc::unlink(self.path.as_ptr());
            }
        }
    }
}

fn identify(path: &CStr) -> Option<Identity> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the path is a string with an end, and the buffer has the size of what is written.
    #[allow(unsafe_code, reason = "safe wrappers allocate, which a signal handler must not")]
    let found = unsafe { libc::lstat(path.as_ptr(), stat.as_mut_ptr()) } == 0;
    if !found {
        return None;
    }
    // SAFETY: lstat returned 0, so it filled the buffer.
    #[allow(unsafe_code, reason = "the buffer was filled by the kernel")]
    let stat = unsafe { stat.assume_init() };
    // A chmod or chown by the operator changes neither of these.
    #[allow(clippy::useless_conversion, reason = "the width differs between platforms")]
    Some((stat.st_dev, stat.st_ino, stat.st_mtime, i64::from(stat.st_mtime_nsec)))
}
