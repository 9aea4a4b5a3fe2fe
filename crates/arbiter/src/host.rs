//! What the arbiter asks of the language that serves.

use rgunicorn_settings::Settings;

use crate::{
    boot::{TemplateBoot, WorkerBoot},
    origin::Origin,
};

/// What the master needs of the interpreter that the application runs in.
///
/// The three fork duties surround every fork of the process, as `os.fork` surrounds its own. What a reload concerns
/// speaks of generations: 0 is what the server started with, the first reload makes 1.
pub trait Host {
    /// Just before a fork.
    fn before_fork(&mut self);
    /// After a fork, or an attempt, in the process that forked.
    fn after_fork_in_parent(&mut self);
    /// After a fork, in the new process.
    fn after_fork_in_child(&mut self);

    /// How this process was started: what an upgrade starts again.
    fn origin(&mut self) -> Origin {
        Origin::of_this_process()
    }

    /// Have `ps` and `top` call this process so, if that is possible.
    fn name_process(&mut self, title: &str) {
        let _ = title;
    }

    /// Read everything that is configured again, as at the start of the server, for this new generation.
    ///
    /// # Errors
    /// The text for the log if it cannot be read, or is wrong. The generation does not exist then.
    fn reread(&mut self, generation: u32) -> Result<Settings, String> {
        let _ = generation;
        Err("this server has nothing that it could read again".to_owned())
    }

    /// From now on the environment, the working directory and the hooks of this generation hold in this process.
    fn select(&mut self, generation: u32) {
        let _ = generation;
    }

    /// This generation was given up or is retired: nothing of it is needed any more.
    fn forget(&mut self, generation: u32) {
        let _ = generation;
    }

    /// Call what the operator has configured for this moment in the life of the server.
    ///
    /// # Errors
    /// If it raised an exception, which is logged by then.
    fn hook(&mut self, hook: Hook, server: &ServerFacts) -> Result<(), HookFailed> {
        let _ = (hook, server);
        Ok(())
    }

    /// Load the application and serve until told to stop. The exit status of the worker process.
    fn run_worker(&mut self, boot: WorkerBoot) -> u8;

    /// Load the application without serving it, in a process that workers are forked from.
    ///
    /// # Errors
    /// The exit status of the process if it cannot be loaded.
    fn load(&mut self, boot: &TemplateBoot) -> Result<(), u8> {
        let _ = boot;
        Ok(())
    }

    /// Wait as long as `wait` does. Other threads of the interpreter may run meanwhile.
    fn wait(&self, wait: &mut (dyn FnMut() + Send)) {
        wait();
    }

    /// `--check-config`: load the application and say what is wrong with it. The exit status.
    fn check(&mut self) -> u8;
}

/// A moment in the life of the server that an operator may have a function for; gunicorn's.
///
/// Those of a worker (`post_fork`, `post_worker_init`, ...) are called by [`Host::run_worker`] itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// Before the sockets are opened. If it fails, the server does not start.
    OnStarting,
    /// A reload has read the configuration again. If it fails, the reload is given up.
    OnReload,
    /// The sockets are open; no worker was made yet. If it fails, the server does not start.
    WhenReady,
    /// A worker is about to be forked.
    PreFork {
        /// Its spawn number.
        age: u32,
    },
    /// A worker was reaped.
    ChildExit {
        /// Its spawn number.
        age: u32,
        /// The process that it was.
        pid: i32,
    },
    /// The number of workers to keep has changed.
    NworkersChanged {
        /// The number from now on.
        new: u32,
        /// The number until now; none when it is the first.
        old: Option<u32>,
    },
    /// In the process that is about to become a new master.
    PreExec,
    /// The workers are gone and the server ends.
    OnExit,
}

/// A hook raised an exception, and the host has logged it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hook failed")]
pub struct HookFailed;

/// What a hook may want to know of the server: the attributes of gunicorn's arbiter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// The master's process.
    pub pid: i32,
    /// The master that this one is to replace (upgrade); 0 if there is none.
    pub master_pid: i32,
    /// The new master that this one has started (upgrade); 0 if there is none.
    pub reexec_pid: i32,
    /// The generation that the hook is called of.
    pub generation: u32,
    /// How many workers to keep.
    pub num_workers: u32,
    /// The workers that live: process and spawn number, oldest first.
    pub workers: Vec<(i32, u32)>,
    /// Where the server listens, as its log says it.
    pub addresses: Vec<String>,
    /// `Master`, or `Master.2` while there is an older one.
    pub master_name: &'static str,
    /// Where the pid file is, if there is one.
    pub pidfile: Option<std::path::PathBuf>,
}
