//! The story of a server from its first line to its last.

use std::sync::Arc;

use rgunicorn_logging::{ErrorLog, critical};
use rgunicorn_settings::Settings;

use crate::{
    boot::WorkerBoot,
    error::StartError,
    host::Host,
    machine::notices::{Ending, Fate, Level, MASTER, Notice, Remark},
    master::{Master, Outcome},
    os::{
        daemon::{Detached, Promise, detach},
        fork::{SingleThreaded, this_process},
        upgrade::OldMaster,
    },
    template,
};

/// Run a server until it is told to stop.
///
/// Returns in the master, and in every worker process as well, with the status that the process should end with. With
/// `--daemon` it also returns in the command that started the server, as soon as the outcome of the start is known.
#[must_use]
pub fn run(settings: Settings, error_log: Arc<ErrorLog>, host: &mut dyn Host) -> u8 {
    if settings.debugging.check_config {
        return host.check();
    }
    // A server that cannot start says so where it was started.
    error_log.tee_to_stderr(true);
    let proof = SingleThreaded::prove().unwrap_or_else(|threads| {
        log(&Notice::Remark(Remark::OtherThreads { threads }));
        SingleThreaded::in_spite_of(threads)
    });
    // The new master of an upgrade is in the background already.
    let detaches = settings.process.daemon && OldMaster::new(&host.origin()).is_none();
    let promise = match detaches.then(|| detach(&proof, host)) {
        None => None,
        Some(Ok(Detached::Daemon(promise))) => Some(promise),
        Some(Ok(Detached::Command(status))) => return status,
        Some(Err(error)) => return give_up(&error, None),
    };
    match Master::start(settings, error_log, proof, host) {
        Err(error) => give_up(&error, promise),
        Ok(master) => match master.serve(promise) {
            Outcome::Master(status) => status,
            Outcome::Stillborn(error) => give_up(&error, None),
            Outcome::Worker(boot) => work(*boot, host),
            Outcome::Template(template) => match template.live(host) {
                template::Outcome::Ended(status) => status,
                template::Outcome::Stillborn(error) => give_up(&error, None),
                template::Outcome::Worker(boot) => work(*boot, host),
            },
        },
    }
}

fn work(boot: WorkerBoot, host: &mut dyn Host) -> u8 {
    let pid = this_process();
    log(&Notice::Worker(pid, Fate::Booting));
    let status = host.run_worker(boot);
    log(&Notice::Worker(pid, Fate::Exiting));
    status
}

fn give_up(error: &StartError, promise: Option<Promise>) -> u8 {
    log(&if matches!(error, StartError::Stopped) {
        Notice::ShuttingDown { master: MASTER, ending: Ending::Asked }
    } else {
        Notice::CannotStart { error: error.to_string() }
    });
    if let Some(promise) = promise {
        promise.break_with(error.status());
    }
    error.status()
}

/// Write a line to the error log.
pub(crate) fn log(notice: &Notice) {
    match notice.level() {
        Level::Info => tracing::info!("{notice}"),
        Level::Warning => tracing::warn!("{notice}"),
        Level::Error => tracing::error!("{notice}"),
        Level::Critical => critical!("{notice}"),
    }
}
