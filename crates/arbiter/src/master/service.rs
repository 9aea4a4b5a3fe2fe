//! What others see of the server: the service manager, `ps`, and whoever reads its logs.

use std::path::PathBuf;

use rgunicorn_scoreboard::{Millis, State};
use rgunicorn_settings::{Destination, Settings};

use super::Master;

impl Master<'_> {
    /// When the loop has to come round again by itself.
    pub(super) fn deadline(&self) -> Option<Millis> {
        let machine = self.arbiter.next_deadline();
        let others = [self.notifier.deadline(), self.ask_for_old_master(), self.next_weighing()];
        others.into_iter().chain([machine, self.changes.deadline()]).flatten().min()
    }

    /// Tell the service manager how many workers there are, and that the master is alive.
    pub(super) fn report_status(&mut self) {
        self.notifier.tick(rgunicorn_scoreboard::now());
        if !self.notifier.is_heard() {
            return;
        }
        let workers = || self.children.values().filter(|child| !child.is_template());
        let count = |state: State| workers().filter(|child| child.slot.state() == state).count();
        let (ready, booting, stopping) = (count(State::Ready), count(State::Booting), count(State::Stopping));
        self.notifier.status(status(ready, booting, stopping));
    }

    /// Tell the service manager that a reload has ended; at the start it waits for the first workers.
    pub(super) fn announce_end_of_reload(&mut self) {
        if self.announced {
            self.notifier.ready();
        }
    }

    /// Tell the service manager that this server ends, or who goes on. Said once.
    pub(super) fn announce_stop(&mut self) {
        match &self.successor {
            Some(successor) => self.notifier.main_process(successor.pid),
            None => self.notifier.stopping(),
        }
    }

    /// The sockets are closed; their files stay if another master has them.
    pub(super) fn close_listeners(&mut self) {
        self.announce_stop();
        if self.is_alone() {
            // Perhaps only now.
            self.claim_files();
        } else {
            let files = self.generations.all().flat_map(|generation| &generation.bound.opened);
            self.left = files.filter_map(|opened| opened.file.clone()).collect();
        }
        self.generations.close_listeners();
    }

    /// Have `ps` call this process what the serving configuration wants.
    pub(super) fn name(&mut self) {
        let settings = &self.generations.serving().settings;
        let title = title("master", settings, self.old_master.is_some());
        self.host.name_process(&title);
    }
}

/// What `systemctl status` shows.
fn status(ready: usize, booting: usize, stopping: usize) -> String {
    let noun = if ready == 1 { "worker" } else { "workers" };
    let mut line = format!("{ready} {noun} ready");
    for (count, what) in [(booting, "booting"), (stopping, "stopping")] {
        if count > 0 {
            line += &format!(", {count} {what}");
        }
    }
    line
}

/// What `ps` shows: gunicorn's titles.
pub(crate) fn title(role: &str, settings: &Settings, second: bool) -> String {
    let app = settings.application.app.as_ref().map(ToString::to_string);
    let name = settings.process.proc_name.clone().or(app).unwrap_or_default();
    format!("rgunicorn: {role} [{name}{}]", if second { ".2" } else { "" })
}

/// Whether the processes of these settings let go of the terminal once they are up.
pub(super) fn lets_go(settings: &Settings) -> bool {
    settings.process.daemon && !settings.process.enable_stdio_inheritance
}

/// The files that workers open again by themselves.
pub(super) fn log_files(settings: &Settings) -> Vec<PathBuf> {
    let logging = &settings.logging;
    let destinations = [Some(&logging.errorlog), logging.accesslog.as_ref()];
    let path = |destination: &Destination| match destination {
        Destination::File(path) => std::path::absolute(path).ok(),
        Destination::Stderr | Destination::Stdout => None,
    };
    destinations.into_iter().flatten().filter_map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_counts_workers_by_what_they_do() {
        assert_eq!(status(1, 0, 0), "1 worker ready");
        assert_eq!(status(3, 1, 2), "3 workers ready, 1 booting, 2 stopping");
    }

    #[test]
    fn a_process_is_called_by_the_name_or_else_by_the_application() {
        let mut settings = Settings::default();
        settings.application.app = Some("mysite.wsgi:application".parse().unwrap());
        assert_eq!(title("worker", &settings, false), "rgunicorn: worker [mysite.wsgi:application]");
        settings.process.proc_name = Some("site".to_owned());
        assert_eq!(title("master", &settings, true), "rgunicorn: master [site.2]");
    }
}
