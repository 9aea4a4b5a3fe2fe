//! What the settings mean to the machine, and to one worker.

use rgunicorn_settings::{ReloadStrategy, Settings};

use crate::machine::event::{Age, Limits, millis, spread};

/// What the machine decides by. `seed` is the server's.
pub(super) fn limits(settings: &Settings, seed: u64) -> Limits {
    let workers = &settings.workers;
    // The jitter is what a worker may live longer; the machine counts back from the end.
    let jitter = millis(workers.max_worker_lifetime_jitter.0);
    let lifetime = workers.max_worker_lifetime.0.map(|least| (millis(least) + jitter, jitter));
    Limits {
        workers: workers.workers.0,
        timeout: workers.timeout.0.map(millis),
        boot: workers.boot_limit().map(millis),
        graceful: millis(workers.graceful_timeout.0),
        drain: millis(workers.drain_delay.0),
        rolling: workers.reload_strategy == ReloadStrategy::Rolling,
        preload: workers.preload_app,
        lifetime,
        seed,
        waits_for_changes: settings.reloading.reload,
        daemon: settings.process.daemon,
    }
}

/// After how many requests this worker asks for a successor.
pub(crate) fn retire_after(settings: &Settings, seed: u64, age: Age) -> Option<u64> {
    let jitter = u64::from(settings.workers.max_requests_jitter.0);
    let least = u64::from(settings.workers.max_requests.0?);
    Some(least + spread(seed, age) % (jitter + 1))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use rgunicorn_settings::{Jitter, RequestLimit, Seconds, Watchdog};

    use super::*;

    #[test]
    fn the_jitter_of_requests_is_added_and_differs_between_workers() {
        let mut settings = Settings::default();
        assert_eq!(retire_after(&settings, 7, Age(1)), None);
        settings.workers.max_requests = RequestLimit(Some(500));
        assert_eq!(retire_after(&settings, 7, Age(1)), Some(500));
        settings.workers.max_requests_jitter = Jitter(50);
        let each: BTreeSet<_> = (1..100).filter_map(|age| retire_after(&settings, 7, Age(age))).collect();
        assert!(each.len() > 20 && each.iter().all(|after| (500..=550).contains(after)), "{each:?}");
    }

    #[test]
    fn the_jitter_of_lifetimes_is_added() {
        let mut settings = Settings::default();
        assert_eq!(limits(&settings, 1).lifetime, None);
        settings.workers.max_worker_lifetime = Watchdog(Some(Duration::from_secs(60)));
        settings.workers.max_worker_lifetime_jitter = Seconds(Duration::from_secs(6));
        assert_eq!(limits(&settings, 1).lifetime, Some((66_000, 6_000)));
    }

    #[test]
    fn the_boot_has_a_limit_of_its_own() {
        let limits = limits(&Settings::default(), 1);
        assert_eq!((limits.timeout, limits.boot), (Some(30_000), Some(60_000)));
    }
}
