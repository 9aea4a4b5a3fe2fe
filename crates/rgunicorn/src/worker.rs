//! From a forked process to a worker class: the application is loaded, the class chosen, the engine set up.

use std::{sync::Arc, time::Duration};

use pyo3::{exceptions::PyOSError, prelude::*};
use rgunicorn_arbiter::{Socket, WorkerBoot};
use rgunicorn_asgi::Ended;
use rgunicorn_bridge::{
    ErrorsFile, Interface,
    app::{self, LoadError},
    arm_faulthandler, arm_interrupt,
    hooks::WorkerHooks,
    interface_of, loaded_files, watch_forks,
};
use rgunicorn_http::{
    Config, Deadlines, Engine, Handle, Leniency, Limits, Listener, MountError, Mounts,
    client::{Policy, Tradition},
    wire::Frontends,
};
use rgunicorn_logging::AccessLog;
use rgunicorn_scoreboard::Wear;
use rgunicorn_settings::{AppSpec, Application, Settings, WorkerClass};
use rgunicorn_wsgi::Patience;

use crate::{foreign, status};

/// What a worker ends with whose application cannot start, as gunicorn's.
pub(crate) const BOOT_FAILED: u8 = 3;

/// An application and the interface to serve it by.
pub(crate) struct Loaded<'py> {
    app: Bound<'py, PyAny>,
    interface: Interface,
    why: Option<&'static str>,
}

impl Loaded<'_> {
    /// The application alone.
    pub(crate) fn into_app(self) -> Py<PyAny> {
        self.app.unbind()
    }

    /// Say how it was found out what the application is. Every process finds the same; the first one says so.
    pub(crate) fn announce(&self, spec: &AppSpec, age: u32) {
        if let (Some(why), 1) = (self.why, age) {
            let class = class_of(self.interface);
            tracing::info!(target: "rgunicorn", "Worker class of `{spec}`: {class} ({why})");
        }
    }
}

/// Load the application and choose the interface.
///
/// # Errors
/// When it cannot be loaded, or does not fit the worker class that was asked for.
pub(crate) fn load<'py>(
    py: Python<'py>,
    spec: &AppSpec,
    application: &Application,
    class: &WorkerClass,
) -> Result<Loaded<'py>, LoadError> {
    if let Err(error) = app::prepare_path(py, application) {
        return Err(LoadError::NotFound(format!("cannot change sys.path: {error}")));
    }
    if let WorkerClass::Foreign(class) = class {
        foreign::prepare(py, class)?;
    }
    let app = app::load(py, spec)?;
    let evidence = interface_of(&app);
    let (wanted, why) = match class {
        WorkerClass::Auto => (evidence.interface().unwrap_or(Interface::Wsgi), Some(evidence.reason())),
        WorkerClass::Sync => (Interface::Wsgi, None),
        WorkerClass::Asgi => (Interface::Asgi, None),
        // What it serves is its own business.
        WorkerClass::Foreign(_) => return Ok(Loaded { app, interface: Interface::Wsgi, why: None }),
    };
    match evidence.interface() {
        Some(found) if found != wanted => Err(LoadError::NotFound(format!(
            "`{spec}` is {} application ({}), which the worker class `{}` cannot serve: use `-k {}`, or no `-k` at all",
            if found == Interface::Asgi { "an ASGI" } else { "a WSGI" },
            evidence.reason(),
            class_of(wanted),
            class_of(found),
        ))),
        _ => Ok(Loaded { app, interface: wanted, why }),
    }
}

fn class_of(interface: Interface) -> &'static str {
    match interface {
        Interface::Wsgi => "sync",
        Interface::Asgi => "asgi",
    }
}

/// An idle worker shows this often that it is alive, or four times within its timeout.
const BEAT: Duration = Duration::from_secs(1);
const SHORTEST_BEAT: Duration = Duration::from_millis(20);

/// The life of a worker process, which loads the application unless it was forked with it; returns its exit status.
///
/// # Errors
/// When the worker itself fails, which is never a request's doing.
pub(crate) fn run<'py>(
    py: Python<'py>,
    boot: &mut WorkerBoot,
    hooks: &WorkerHooks,
    loaded: Option<Loaded<'py>>,
) -> PyResult<u8> {
    let settings = Arc::clone(&boot.settings);
    if let Err(status) = begin(py, boot, hooks)? {
        return Ok(status);
    }
    let Some(spec) = &settings.application.app else { return Ok(4) };
    let loaded = match load_unless_forked_with_it(py, boot, spec, loaded) {
        Ok(loaded) => loaded,
        Err(status) => return Ok(status),
    };
    loaded.announce(spec, boot.age);
    hooks.post_worker_init(&loaded.app)?;
    let serving = hooks.while_serving(py)?;
    let engine = engine(boot, &settings, loaded.interface)?;
    match loaded.interface {
        Interface::Wsgi => {
            arm_interrupt(py, hooks.interrupted(py)?)?;
            let worker = rgunicorn_wsgi::Worker {
                engine,
                slot: boot.slot.clone(),
                app: loaded.app.unbind(),
                errors: Bound::new(py, ErrorsFile::new(Arc::clone(&boot.error_log)))?.into_any().unbind(),
                multiprocess: settings.workers.workers.0 > 1,
                root_path: settings.protocol.root_path.0.clone(),
                hooks: serving,
                patience: patience(boot),
                warmup: settings.workers.warmup.clone(),
            };
            match rgunicorn_wsgi::run(py, worker, &mut || Ok(boot.ready()?))? {
                rgunicorn_wsgi::Ended::Stopped => Ok(0),
                rgunicorn_wsgi::Ended::StartupFailed(text) => Ok(cannot_start(boot, &text)),
            }
        }
        Interface::Asgi => {
            let worker = rgunicorn_asgi::Worker {
                engine,
                slot: boot.slot.clone(),
                app: loaded.app.unbind(),
                settings: settings.asgi.clone(),
                graceful_timeout: settings.workers.graceful_timeout.0,
                request_timeout: settings.workers.request_timeout.0,
                root_path: settings.protocol.root_path.0.clone(),
                hooks: serving,
                warmup: settings.workers.warmup.clone(),
            };
            match rgunicorn_asgi::run(py, worker, &mut || Ok(boot.ready()?))? {
                Ended::Stopped => Ok(0),
                Ended::StartupFailed(text) => Ok(cannot_start(boot, &text)),
            }
        }
    }
}

/// What comes before the application, whatever the worker class; an exit status if it ends there.
///
/// # Errors
/// When Python refuses, or the hook `post_fork` raises.
pub(crate) fn begin(py: Python<'_>, boot: &mut WorkerBoot, hooks: &WorkerHooks) -> PyResult<Result<(), u8>> {
    status::remember(&boot.slot);
    hooks.expect_abort(py)?;
    arm_faulthandler(py, boot.error_log.fd())?;
    watch_forks(py)?;
    hooks.post_fork(py)?;
    Ok(boot.drop_privileges().map_err(|error| cannot_start(boot, &error.to_string())))
}

/// The application, or why there is none: said by one worker for all, and an exit status.
pub(crate) fn load_unless_forked_with_it<'py>(
    py: Python<'py>,
    boot: &WorkerBoot,
    spec: &AppSpec,
    loaded: Option<Loaded<'py>>,
) -> Result<Loaded<'py>, u8> {
    let settings = &boot.settings;
    let load = || load(py, spec, &settings.application, &settings.workers.worker_class);
    let loaded = loaded.map_or_else(load, Ok);
    // What cannot tell what it consists of is watched less closely. A broken application may be repaired in any file.
    boot.tell_loaded(|| loaded_files(py).unwrap_or_default());
    loaded.map_err(|error| {
        if boot.may_report_failure() {
            tracing::error!("{error}");
        }
        error.exit_status()
    })
}

/// The worker cannot serve; its exit status.
fn cannot_start(boot: &WorkerBoot, why: &str) -> u8 {
    if boot.may_report_failure() {
        tracing::error!("{why}");
    }
    BOOT_FAILED
}

/// The directories of static files.
fn mounts(settings: &Settings) -> Result<Mounts, MountError> {
    let mut mounts = Mounts::default();
    for path in &settings.files.static_path {
        mounts.add(&path.prefix, &path.directory)?;
    }
    Ok(mounts)
}

/// How long a thread may be in Python for a request.
fn patience(boot: &WorkerBoot) -> Option<Patience> {
    let limit = boot.settings.workers.request_timeout.0?;
    let (nudge, slot) = (boot.nudge(), boot.slot.clone());
    Some(Patience { limit, stuck: Box::new(move || nudge.worn(&slot, Wear::Stuck)) })
}

fn deadlines(settings: &Settings, interface: Interface) -> Deadlines {
    let deadlines = Deadlines::new(&settings.protocol).within(settings.workers.graceful_timeout.0);
    match interface {
        Interface::Asgi => Deadlines { request: settings.workers.request_timeout.0, ..deadlines },
        // A thread that is in Python has to be watched from another one.
        Interface::Wsgi => deadlines,
    }
}

fn engine(boot: &mut WorkerBoot, settings: &Settings, interface: Interface) -> PyResult<Handle> {
    let listeners = boot.listeners.drain(..).map(|listener| {
        let listening = match listener.socket {
            Socket::Tcp(socket) => Listener::tcp(socket),
            Socket::Unix(socket) => Listener::unix(socket),
        };
        listening.map(|listening| listening.speaking(listener.protocol))
    });
    let tradition = match interface {
        Interface::Wsgi => Tradition::Gunicorn,
        Interface::Asgi => Tradition::Uvicorn,
    };
    let config = Config {
        limits: Limits::new(&settings.limits, &settings.protocol),
        leniency: Leniency::from(&settings.limits),
        proxies: Policy::new(&settings.proxies, tradition),
        deadlines: deadlines(settings, interface),
        sendfile: settings.protocol.sendfile,
        readiness: settings.protocol.readiness_path.clone(),
        mounts: mounts(settings).map_err(|error| PyOSError::new_err(error.to_string()))?,
        spool_bodies: interface == Interface::Wsgi,
        frontends: Frontends::new(&settings.proxies),
        most_connections: settings.workers.worker_connections.0 as usize,
        beat: settings.workers.timeout.0.map_or(BEAT, |timeout| BEAT.min(timeout / 4).max(SHORTEST_BEAT)),
    };
    let commands = boot.commands.try_clone()?;
    let mut engine = Engine::new(listeners.collect::<Result<_, _>>()?, commands, boot.slot.clone(), config)?;
    if let Some(requests) = boot.retire_after {
        let (nudge, slot) = (boot.nudge(), boot.slot.clone());
        engine.wear_out_after(requests, move || nudge.worn(&slot, Wear::Requests));
    }
    match AccessLog::open(&settings.logging) {
        Ok(Some(log)) => engine.log_access(log),
        Ok(None) => {}
        // The master opened it a moment ago; serving without a log is better than not serving.
        Err(error) => tracing::error!("{error}"),
    }
    Ok(Handle::new(engine))
}
