//! The story of a server from its first line to its last.

use std::sync::Arc;

use rgunicorn_logging::ErrorLog;
use rgunicorn_settings::Settings;

use crate::host::Host;

/// Run a server. Returns in the master, and in every worker process, with the status that the process should end with.
pub fn run(settings: Settings, error_log: Arc<ErrorLog>, host: &mut dyn Host) -> u8 {
    drop((settings, error_log));
    host.check()
}
