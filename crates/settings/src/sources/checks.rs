//! What can only be checked when all sources are merged: the machine, and settings against each other.

use std::{
    collections::HashSet,
    fs, io,
    path::{self, Path, PathBuf},
};

use crate::{
    error::SettingsError,
    settings::Settings,
    sources::Origin,
    values::{Address, Bind, ConfigLocation, StaticPath, Watchdog},
};

/// The settings, if they agree with the machine and each other.
pub(super) fn checked(mut settings: Settings) -> Result<Settings, SettingsError> {
    if let Some(ConfigLocation::File(path)) = &mut settings.config_file.config {
        // What was read is what a reload reads, wherever the application has gone since.
        *path = path::absolute(&*path).unwrap_or_else(|_| path.clone());
    }
    // Whoever halts a worker in a debugger is not to lose it, unless they have asked for that.
    if settings.reloading.reload && settings.origin("timeout") == Some(&Origin::Default) {
        settings.workers.boot_timeout.get_or_insert(Watchdog(None));
        settings.workers.timeout = Watchdog(None);
    }
    settings.application.chdir = usable_directory(&settings.application.chdir)?;
    binds_differ(&settings.network.bind)?;
    prefixes_differ(&settings.files.static_path)?;
    for mount in &mut settings.files.static_path {
        mount.directory = usable_mount(mount, &settings.application.chdir)?;
    }
    Ok(settings)
}

/// The directory of static files as an absolute path, which starts in `chdir`.
fn usable_mount(mount: &StaticPath, chdir: &Path) -> Result<PathBuf, SettingsError> {
    let path = chdir.join(&mount.directory);
    let refuse = |problem: String, remedy| SettingsError::BadStaticPath {
        prefix: mount.prefix.clone(),
        path: path.clone(),
        problem,
        remedy,
    };
    // Only who may enter it can see what is inside; a file has no inside.
    match fs::metadata(path.join(".")) {
        Ok(_) => Ok(path),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::NotFound => {
                refuse("it does not exist".to_owned(), "create it or name another one")
            }
            io::ErrorKind::NotADirectory => {
                refuse("it is not a directory".to_owned(), "name the directory that the files are in")
            }
            io::ErrorKind::PermissionDenied => {
                refuse("permission denied".to_owned(), "name a directory that this user may enter")
            }
            _ => refuse(error.to_string(), "name a directory that this user may enter"),
        }),
    }
}

fn prefixes_differ(mounts: &[StaticPath]) -> Result<(), SettingsError> {
    let mut seen = HashSet::new();
    match mounts.iter().find(|mount| !seen.insert(&mount.prefix)) {
        Some(mount) => Err(SettingsError::StaticPathTwice { prefix: mount.prefix.clone() }),
        None => Ok(()),
    }
}

/// The directory as an absolute path; symbolic links stay, because a deploy may move them.
fn usable_directory(path: &Path) -> Result<PathBuf, SettingsError> {
    let refuse =
        |problem: String, remedy| SettingsError::BadDirectory { path: path.to_owned(), problem, remedy };
    let told = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => refuse("it does not exist".to_owned(), "create it or name another one"),
        io::ErrorKind::PermissionDenied => {
            refuse("permission denied".to_owned(), "name a directory that this user may enter")
        }
        _ => refuse(error.to_string(), "name a directory that this user may enter"),
    };
    if !fs::metadata(path).map_err(told)?.is_dir() {
        return Err(refuse(
            "it is not a directory".to_owned(),
            "name the directory that the application is in",
        ));
    }
    // Only who may enter it can see what is inside.
    fs::metadata(path.join(".")).map_err(told)?;
    let absolute = path::absolute(path);
    absolute.map_err(|error| refuse(error.to_string(), "start from a directory that exists"))
}

/// Whether the address is that of a unix socket with a file, whose permissions can be set.
pub(super) fn has_file(address: &Address) -> bool {
    matches!(address, Address::Unix(_))
}

fn binds_differ(binds: &[Bind]) -> Result<(), SettingsError> {
    let mut seen = HashSet::new();
    let addresses = binds.iter().map(|bind| &bind.address);
    for address in addresses.filter(|address| !matches!(address, Address::Tcp { port: 0, .. })) {
        if !seen.insert(address) {
            return Err(SettingsError::BindTwice { address: address.to_string() });
        }
    }
    Ok(())
}
