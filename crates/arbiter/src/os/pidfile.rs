//! The pid file: written whole or not at all, never over a live server's.

use std::{
    fs::{File, OpenOptions, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use nix::{errno::Errno, sys::signal::kill, unistd::Pid as RawPid};

use super::{files::OwnFile, fork::this_process, process};
use crate::{error::StartError, machine::event::Pid};

/// Boot time and start times are known no better than this.
const PRECISION: Duration = Duration::from_secs(2);

/// Write this process' pid to `path`, unless the file there names a live server.
pub(crate) fn create(path: &Path) -> Result<OwnFile, StartError> {
    if let Some(pid) = live_owner(path)? {
        return Err(StartError::AlreadyRunning { pid: pid.0, path: path.to_owned() });
    }
    write(path).map_err(StartError::pid_file(path))
}

/// What an upgrade calls the pid file while the old master has the name.
pub(crate) fn of_second(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".2");
    name.into()
}

/// Give the file of the second master the name that the first one had.
pub(crate) fn promote(second: &OwnFile, path: &Path) -> Result<OwnFile, StartError> {
    if let Some(pid) = live_owner(path)? {
        return Err(StartError::AlreadyRunning { pid: pid.0, path: path.to_owned() });
    }
    let renamed = std::fs::rename(second.path(), path).and_then(|()| OwnFile::new(path));
    renamed.map_err(StartError::pid_file(path))
}

/// Written aside and moved into place, so that nobody reads half a number.
fn write(path: &Path) -> io::Result<OwnFile> {
    let pid = this_process();
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?.to_string_lossy().into_owned();
    let aside = path.with_file_name(format!(".{name}.{pid}"));
    let written = write_aside(&aside, pid).and_then(|()| std::fs::rename(&aside, path));
    if let Err(error) = written {
        // Perhaps it was never there; the first error is the one to report.
        let _ = std::fs::remove_file(&aside);
        return Err(error);
    }
    OwnFile::new(path)
}

fn write_aside(aside: &PathBuf, pid: Pid) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(aside)?;
    // gunicorn's mode, whatever the umask is.
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.write_all(format!("{pid}\n").as_bytes())
}

/// The live process that the file names, if it can have written the file.
fn live_owner(path: &Path) -> Result<Option<Pid>, StartError> {
    let unreadable = StartError::pid_file(path);
    let refused = |reason| StartError::NotAPidFile { path: path.to_owned(), reason };
    let metadata = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(&unreadable)?,
    };
    if metadata.is_dir() {
        return Err(StartError::pid_file(path)(io::ErrorKind::IsADirectory.into()));
    }
    if !metadata.is_file() {
        return Err(refused("it is not a regular file"));
    }
    let mut text = String::new();
    let file = File::open(path).map_err(&unreadable)?;
    file.take(64).read_to_string(&mut text).map_err(|_| refused("it does not hold a process id"))?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let pid = text.trim().parse().map(Pid).map_err(|_| refused("it does not hold a process id"))?;
    let written = metadata.modified().map_err(&unreadable)?;
    Ok(Some(pid).filter(|pid| *pid != this_process() && is_alive(*pid) && !is_younger(*pid, written)))
}

fn is_alive(pid: Pid) -> bool {
    pid.0 > 0 && !matches!(kill(RawPid::from_raw(pid.0), None), Err(Errno::ESRCH)) && !process::has_ended(pid)
}

/// Whether the process began after the file was written: then its pid was used before, and it is somebody else.
fn is_younger(pid: Pid, written: SystemTime) -> bool {
    process::started(pid).is_some_and(|started| started > written + PRECISION)
}

#[cfg(test)]
mod tests {
    use nix::sys::wait::{Id, WaitPidFlag, waitid};

    use super::*;

    fn in_a_fresh_directory(test: impl FnOnce(&Path)) {
        let directory = tempfile::tempdir().unwrap();
        test(&directory.path().join("server.pid"));
    }

    fn is_alone(path: &Path) -> bool {
        std::fs::read_dir(path.parent().unwrap()).unwrap().count() == 1
    }

    #[test]
    fn it_holds_the_pid_and_goes_with_its_owner() {
        in_a_fresh_directory(|path| {
            let file = create(path).unwrap();
            assert_eq!(std::fs::read_to_string(path).unwrap(), format!("{}\n", std::process::id()));
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o644);
            assert!(is_alone(path));
            drop(file);
            assert!(!path.exists());
        });
    }

    #[test]
    fn the_file_of_a_second_master_takes_the_name_of_the_first() {
        in_a_fresh_directory(|path| {
            std::fs::write(path, "999999999\n").unwrap();
            let second = create(&of_second(path)).unwrap();
            assert!(second.path().to_str().unwrap().ends_with("server.pid.2"));
            let file = promote(&second, path).unwrap();
            drop(second);
            assert_eq!(std::fs::read_to_string(path).unwrap(), format!("{}\n", std::process::id()));
            assert!(is_alone(path));
            drop(file);
            assert!(!path.exists());
        });
    }

    #[test]
    fn a_file_of_somebody_else_in_its_place_is_left_alone() {
        in_a_fresh_directory(|path| {
            let file = create(path).unwrap();
            std::fs::write(path.with_extension("new"), "1\n").unwrap();
            std::fs::rename(path.with_extension("new"), path).unwrap();
            drop(file);
            assert!(path.exists());
        });
    }

    #[test]
    fn a_live_owner_is_named() {
        in_a_fresh_directory(|path| {
            let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
            std::fs::write(path, format!("{}\n", other.id())).unwrap();
            let refused = create(path).unwrap_err().to_string();
            other.kill().unwrap();
            assert!(refused.contains(&format!("Already running on PID {}", other.id())), "{refused}");
            let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            waitid(Id::Pid(RawPid::from_raw(i32::try_from(other.id()).unwrap())), ended).unwrap();
            assert!(create(path).is_ok(), "a dead owner is not asked, whether its parent has noticed or not");
            other.wait().unwrap();
        });
    }

    #[test]
    fn a_process_that_is_younger_than_the_file_did_not_write_it() {
        in_a_fresh_directory(|path| {
            std::fs::write(path, "1\n").unwrap();
            let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
            File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
            assert!(create(path).is_ok());
        });
    }

    #[test]
    fn what_cannot_be_a_pid_file_is_not_overwritten() {
        in_a_fresh_directory(|path| {
            std::fs::write(path, "precious").unwrap();
            assert!(create(path).unwrap_err().to_string().contains("does not hold a process id"));
            assert_eq!(std::fs::read_to_string(path).unwrap(), "precious");
        });
    }

    #[test]
    fn a_directory_is_not_offered_for_removal() {
        let refused = create(Path::new("/")).unwrap_err().to_string();
        assert!(refused.ends_with("it is a directory (name a file in it)"), "{refused}");
    }

    #[test]
    fn a_missing_directory_is_named() {
        let refused = create(Path::new("/nonexistent/server.pid")).unwrap_err().to_string();
        assert_eq!(
            refused,
            "cannot write the pid file `/nonexistent/server.pid`: its directory does not exist (create the directory or \
             choose another path)"
        );
    }
}
