//! Calling what the operator has configured for moments in the life of the server.

use super::{Master, generations::Number};
use crate::{
    error::StartError,
    host::{Hook, ServerFacts},
    machine::notices::{MASTER, SECOND_MASTER},
};

impl Master<'_> {
    /// Call a hook of this generation. What it raises is in the log and changes nothing.
    pub(super) fn hook(&mut self, generation: Number, hook: Hook) -> bool {
        self.select(generation);
        let facts = self.facts(generation, hook);
        self.host.hook(hook, &facts).is_ok()
    }

    /// Call a hook that must not fail for the server to start.
    pub(super) fn hook_of_start(&mut self, name: &'static str, hook: Hook) -> Result<(), StartError> {
        if self.hook(self.generations.serving_number(), hook) {
            return Ok(());
        }
        Err(StartError::Hook { name })
    }

    /// Have the environment of this generation, and its hooks, in the master until another is needed.
    pub(super) fn select(&mut self, generation: Number) {
        if self.selected != Some(generation) {
            self.selected = Some(generation);
            self.host.select(generation.0);
        }
    }

    fn facts(&self, generation: Number, hook: Hook) -> ServerFacts {
        let own = self.generations.get(generation).unwrap_or_else(|| self.generations.serving());
        let gone = match hook {
            Hook::ChildExit { age, .. } => Some(age),
            _ => None,
        };
        let alive = self.children.iter().filter(|(age, child)| Some(age.0) != gone && child.is_worker());
        ServerFacts {
            pid: self.pid.0,
            master_pid: self.old_master.as_ref().map_or(0, |old| old.pid.0),
            reexec_pid: self.successor.as_ref().map_or(0, |new| new.pid.0),
            generation: generation.0,
            num_workers: self.num_workers,
            workers: alive.map(|(age, child)| (child.slot.pid(), age.0)).collect(),
            addresses: own.bound.addresses(),
            master_name: if self.old_master.is_some() { SECOND_MASTER } else { MASTER },
            pidfile: own.pidfile.as_ref().map(|file| file.path().to_owned()),
        }
    }
}
