//! Settings that are right but do nothing: what the operator is told, who has probably forgotten another one.

use super::{Origin, checks::has_file};
use crate::{
    settings::Settings,
    values::{Address, WorkerClass},
};

/// A sentence for each setting that was given in vain.
pub(super) fn advice(settings: &Settings) -> Vec<String> {
    let workers = &settings.workers;
    let binds = &settings.network.bind;
    let tcp = binds.iter().any(|bind| matches!(bind.address, Address::Tcp { .. }));
    let file = binds.iter().any(|bind| has_file(&bind.address));
    let needs = [
        ("max_requests_jitter", workers.max_requests.0.is_some(), "`max_requests` is not set"),
        (
            "max_worker_lifetime_jitter",
            workers.max_worker_lifetime.0.is_some(),
            "`max_worker_lifetime` is not set",
        ),
        ("initgroups", settings.process.user.is_some(), "`user` is not set"),
        ("enable_stdio_inheritance", settings.process.daemon, "`daemon` is not set"),
        ("reuse_port", tcp, "no address of `bind` is a TCP port"),
        ("socket_mode", file, "no address of `bind` is a unix socket"),
        ("socket_owner", file, "no address of `bind` is a unix socket"),
        ("reload_engine", settings.reloading.reload, "`reload` is not set"),
        ("reload_extra_files", settings.reloading.reload, "`reload` is not set"),
        ("reload_dirs", settings.reloading.reload, "`reload` is not set"),
        ("reload_includes", settings.reloading.reload, "`reload` is not set"),
        ("reload_excludes", settings.reloading.reload, "`reload` is not set"),
        ("request_timeout", !outlives_the_watchdog(settings), "`timeout` is not longer, and comes first"),
    ];
    let vain = needs.iter().filter(|(key, met, _)| !met && settings.origin(key) != Some(&Origin::Default));
    vain.map(|(key, _, why)| format!("the setting `{key}` has no effect: {why}")).collect()
}

/// Whether a `sync` worker is replaced before its request is out of time.
fn outlives_the_watchdog(settings: &Settings) -> bool {
    let workers = &settings.workers;
    let limits = workers.request_timeout.0.zip(workers.timeout.0);
    workers.worker_class == WorkerClass::Sync && limits.is_some_and(|(request, worker)| request >= worker)
}
