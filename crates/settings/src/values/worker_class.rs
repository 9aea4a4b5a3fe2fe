//! How a worker serves: the worker class.

use std::{fmt, str::FromStr};

use super::{Newtype, ValueError};

/// The kind of worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerClass {
    /// Look at the application and decide.
    Auto,
    /// WSGI, one request at a time in each worker.
    Sync,
    /// ASGI on an event loop.
    Asgi,
}

/// Other servers' names for what [`WorkerClass::Sync`] does.
const MEANS_SYNC: &[&str] = &["gunicorn.workers.sync.SyncWorker", "egg:gunicorn#sync"];

/// Other servers' names for what [`WorkerClass::Asgi`] does.
const MEANS_ASGI: &[&str] = &[
    "uvicorn.workers.UvicornWorker",
    "uvicorn.workers.UvicornH11Worker",
    "uvicorn_worker.UvicornWorker",
    "uvicorn_worker.UvicornH11Worker",
    "gunicorn.workers.gasgi.ASGIWorker",
    "egg:gunicorn#asgi",
];

/// gunicorn's classes that there is no counterpart for.
const ABSENT: &[&str] = &["gthread", "gevent", "gevent_wsgi", "gevent_pywsgi", "eventlet", "tornado"];

impl FromStr for WorkerClass {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "auto" => Ok(Self::Auto),
            "sync" => Ok(Self::Sync),
            "asgi" => Ok(Self::Asgi),
            _ if MEANS_SYNC.contains(&text) => Ok(Self::Sync),
            _ if MEANS_ASGI.contains(&text) => Ok(Self::Asgi),
            _ => {
                let known = ABSENT.contains(&text);
                let problem = if known {
                    "this worker class is not available"
                } else {
                    "there is no such worker class"
                };
                let remedy =
                    "choose `sync` for WSGI, `asgi` for ASGI, or `auto` to let the application decide";
                Err(ValueError::new(problem, remedy))
            }
        }
    }
}

impl fmt::Display for WorkerClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Sync => "sync",
            Self::Asgi => "asgi",
        })
    }
}

impl Newtype for WorkerClass {
    const CHOICES: &'static [&'static str] = &["auto", "sync", "asgi"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_servers_mean_ours() {
        for name in MEANS_ASGI {
            assert_eq!(name.parse(), Ok(WorkerClass::Asgi));
        }
        for name in MEANS_SYNC {
            assert_eq!(name.parse(), Ok(WorkerClass::Sync));
        }
    }

    #[test]
    fn a_class_that_is_not_there_is_told_from_one_that_is_unknown() {
        let remedy = "choose `sync` for WSGI, `asgi` for ASGI, or `auto` to let the application decide";
        for name in ABSENT {
            let error = name.parse::<WorkerClass>().unwrap_err();
            assert_eq!(error, ValueError::new("this worker class is not available", remedy));
        }
        let error = "my.Worker".parse::<WorkerClass>().unwrap_err();
        assert_eq!(error, ValueError::new("there is no such worker class", remedy));
    }
}
