//! How a worker serves: the worker class.

use std::{fmt, str::FromStr};

use super::{Newtype, ValueError};

/// The kind of worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerClass {
    /// Look at the application and decide.
    Auto,
    /// WSGI, one request at a time in each worker.
    Sync,
    /// ASGI on an event loop.
    Asgi,
    /// A class with gunicorn's worker interface, as `package.module.Class`.
    Foreign(String),
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

const REMEDY: &str = "choose `sync` for WSGI, `asgi` for ASGI, or `auto` to let the application decide";

impl WorkerClass {
    /// The class that the text names even if it is another server's name for one of ours.
    ///
    /// # Errors
    /// As for any text.
    pub(crate) fn literal(text: &str) -> Result<Self, ValueError> {
        if is_class(text) { Ok(Self::Foreign(text.to_owned())) } else { text.parse() }
    }
}

/// Whether the text is a dotted path to a class.
fn is_class(text: &str) -> bool {
    let identifier = |part: &str| {
        let starts = part.starts_with(|c: char| c.is_alphabetic() || c == '_');
        starts && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    text.contains('.') && text.split('.').all(identifier)
}

impl FromStr for WorkerClass {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "auto" => Ok(Self::Auto),
            "sync" => Ok(Self::Sync),
            "asgi" => Ok(Self::Asgi),
            _ if MEANS_SYNC.contains(&text) => Ok(Self::Sync),
            _ if MEANS_ASGI.contains(&text) => Ok(Self::Asgi),
            _ if is_class(text) => Ok(Self::Foreign(text.to_owned())),
            _ => {
                let known = ABSENT.contains(&text);
                let problem = if known {
                    "this worker class is not available"
                } else {
                    "there is no such worker class"
                };
                Err(ValueError::new(problem, REMEDY))
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
            Self::Foreign(class) => class,
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
        for name in ABSENT {
            let error = name.parse::<WorkerClass>().unwrap_err();
            assert_eq!(error, ValueError::new("this worker class is not available", REMEDY));
        }
        for name in ["fast", "my..Worker", "my.Worker()", ".Worker", "egg:other#worker"] {
            let error = name.parse::<WorkerClass>().unwrap_err();
            assert_eq!(error, ValueError::new("there is no such worker class", REMEDY));
        }
    }

    #[test]
    fn a_dotted_path_is_a_class_of_somebody_else() {
        let foreign = |name: &str| Ok(WorkerClass::Foreign(name.to_owned()));
        assert_eq!("aiohttp.GunicornWebWorker".parse(), foreign("aiohttp.GunicornWebWorker"));
        assert_eq!("uvicorn_worker.UvicornWorker".parse(), Ok(WorkerClass::Asgi));
        assert_eq!(
            WorkerClass::literal("uvicorn_worker.UvicornWorker"),
            foreign("uvicorn_worker.UvicornWorker")
        );
        assert_eq!(WorkerClass::literal("sync"), Ok(WorkerClass::Sync));
    }
}
