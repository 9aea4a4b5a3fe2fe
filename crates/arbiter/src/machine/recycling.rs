//! Worn workers: each goes on serving until another has taken its place, and only a few are replaced at a time.

use super::{
    Arbiter, Phase,
    crew::Side,
    event::{Age, Millis, Wear},
    notices::{Fate, Notice},
    worker::{Life, Worker},
};

impl Arbiter {
    /// A worker should be replaced. What is urgent overrules what is not.
    pub(super) fn worn(&mut self, age: Age, wear: Wear) {
        let Some(worker) = self.workers.get_mut(&age) else { return };
        if worker.wear.is_none() || wear == Wear::Stuck {
            worker.wear = Some(wear);
        }
    }

    /// Let the worn ones go whose replacements serve, and begin to replace others. `places` have to be filled.
    pub(super) fn recycle(&mut self, places: usize, now: Millis) {
        let spare = self.ready(Side::Serving).saturating_sub(places);
        for age in self.queue(|worker| worker.recycled && worker.serves()).into_iter().take(spare) {
            self.dismiss_gracefully(age, now);
        }
        if self.reload.is_some() || !matches!(self.phase, Phase::Running) {
            return;
        }
        let busy = |worker: &Worker| worker.recycled && worker.life != Life::Killed;
        let most = 1.max(self.serving.target / 10) as usize;
        let room =
            most.saturating_sub(self.members(Side::Serving).filter(|(_, worker)| busy(worker)).count());
        for age in self.queue(|worker| !worker.recycled && worker.serves()).into_iter().take(room) {
            self.begin_to_replace(age);
        }
    }

    /// The worn ones among the chosen: who is stuck, then the oldest.
    fn queue(&self, chosen: impl Fn(&Worker) -> bool) -> Vec<Age> {
        let mut worn: Vec<_> = self
            .members(Side::Serving)
            .filter(|(_, worker)| chosen(worker))
            .filter_map(|(age, worker)| worker.wear.map(|wear| (wear != Wear::Stuck, age)))
            .collect();
        worn.sort_unstable();
        worn.into_iter().map(|(_, age)| age).collect()
    }

    fn begin_to_replace(&mut self, age: Age) {
        let Some(worker) = self.workers.get_mut(&age) else { return };
        worker.recycled = true;
        if let (Some(pid), Some(wear)) = (worker.pid, worker.wear) {
            self.log(Notice::Worker(pid, Fate::Worn { wear }));
        }
    }

    /// How many places there are for the time being beside the configured ones: one for each worker that waits for its
    /// replacement.
    pub(super) fn replacing(&self) -> usize {
        self.members(Side::Serving).filter(|(_, worker)| worker.recycled && worker.serves()).count()
    }
}
