//! How this process was started, recorded when the package is imported: before a config file, a setting or a program
//! that embeds the server has changed the directory or the environment.

use std::{
    ffi::OsString,
    os::unix::{ffi::OsStringExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use pyo3::prelude::*;
use rgunicorn_arbiter::Origin;

use crate::title;

static RECORDED: OnceLock<Origin> = OnceLock::new();

/// Remember how this process was started. The first call counts.
pub(crate) fn record(py: Python<'_>) -> PyResult<()> {
    if RECORDED.get().is_some() {
        return Ok(());
    }
    let sys = py.import("sys")?;
    let mut origin = Origin::of_this_process();
    // Where Python is embedded in another program there is neither; an upgrade then executes that program.
    if let Some(program) =
        sys.getattr("executable")?.extract::<Option<OsString>>()?.filter(|name| !name.is_empty())
    {
        let arguments: Vec<OsString> = sys.getattr("orig_argv")?.extract()?;
        // By its path, as the shell has found it: the new process may have another PATH.
        origin.arguments = [program.clone()].into_iter().chain(arguments.into_iter().skip(1)).collect();
        origin.program = program.into();
    }
    if let Some(environment) = environment_at_exec() {
        origin.environment = environment;
    }
    origin.directory = by_its_name(&origin);
    // Whoever was faster has recorded the same.
    let _ = RECORDED.set(origin);
    Ok(())
}

/// How this process was started. What was meant for the master alone leaves `os.environ`: the application, and what it
/// executes, must not take it for theirs.
pub(crate) fn take(py: Python<'_>) -> PyResult<Origin> {
    record(py)?;
    title::prepare(py);
    let mut origin = RECORDED.get().cloned().unwrap_or_else(Origin::of_this_process);
    let environ = py.import("os")?.getattr("environ")?;
    for name in Origin::PRIVATE {
        // A second server of the same process finds nothing to take.
        if environ.call_method1("pop", (name, py.None()))?.is_none() {
            origin.environment.retain(|(known, _)| known != name);
        }
    }
    Ok(origin)
}

/// What the process was executed with, also if a program has changed its environment before it imported the package.
fn environment_at_exec() -> Option<Vec<(OsString, OsString)>> {
    let block = std::fs::read("/proc/self/environ").ok()?;
    let block = block.strip_suffix(b"\0")?;
    let pair = |entry: &[u8]| {
        let at = entry.iter().position(|byte| *byte == b'=')?;
        Some((OsString::from_vec(entry[..at].to_vec()), OsString::from_vec(entry[at + 1..].to_vec())))
    };
    // A process that has changed its title has written over it.
    block.split(|byte| *byte == 0).map(pair).collect()
}

/// The directory as the shell called it, if that is the same one: where `current` is a link to a release, an upgrade
/// starts in the release that it leads to by then.
fn by_its_name(origin: &Origin) -> PathBuf {
    let identity = |path: &Path| std::fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    let named =
        origin.environment.iter().find(|(name, _)| name == "PWD").map(|(_, path)| PathBuf::from(path));
    let same = |path: &PathBuf| {
        path.is_absolute() && identity(path).is_some_and(|it| identity(&origin.directory) == Some(it))
    };
    named.filter(same).unwrap_or_else(|| origin.directory.clone())
}
