//! The watchdog of `request_timeout`: a thread that gives up requests which take too long.
//!
//! Each thread that calls the application has a [`Post`], where it notes what it begins and ends: two short locks a
//! request, and no wake-up. The watchdog looks when something may be overdue, and needs no interpreter until it is, nor to
//! answer the client: a thread that is stuck in C code may hold the interpreter for ever.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use pyo3::prelude::*;
use rgunicorn_bridge::{Interruptible, stacks};
use rgunicorn_http::{Event, Exchange, Handle};
use rgunicorn_scoreboard::{Millis, now};

use crate::call::{Shared, State, body_of};

/// What is answered for a request that took too long.
pub(crate) const TIMED_OUT: &str = "504 Gateway Timeout";
/// What is answered for a request that waits behind one that does not return.
const NOBODY: &str = "503 Service Unavailable";

/// How long the interpreter is waited for, to tell where the thread is.
const GLANCE: Duration = Duration::from_millis(250);
/// How long a thread in which the exception was raised has to answer by itself, in milliseconds.
const CLEANUP: Millis = 500;
/// How long it may then take to return before the worker is given up, in milliseconds.
const RETURN: Millis = 5000;
/// How often those are looked at who wait behind a thread that does not return, in milliseconds.
const TEND: Millis = 100;

/// What one thread does, for the watchdog to see.
pub(crate) struct Post {
    thread: Interruptible,
    work: Mutex<Work>,
}

#[derive(Default)]
struct Work {
    /// How many requests it has begun.
    number: u64,
    call: Option<Shared>,
    stage: Stage,
}

/// How far a request has come, and since when.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Idle,
    Working(Millis),
    /// The exception is raised.
    Interrupted(Millis),
    /// The client was answered in place of the thread.
    Answered(Millis),
    /// The thread does not return.
    Stuck,
}

impl Post {
    pub(crate) fn new(thread: Interruptible) -> Self {
        Self { thread, work: Mutex::default() }
    }

    /// The thread begins to work on a request.
    pub(crate) fn begin(&self, call: &Shared, at: Millis) {
        let mut work = self.work();
        work.number += 1;
        work.call = Some(Arc::clone(call));
        work.stage = Stage::Working(at);
    }

    /// It is done with it.
    pub(crate) fn end(&self, py: Python<'_>) {
        let mut work = self.work();
        work.call = None;
        if !matches!(std::mem::take(&mut work.stage), Stage::Idle | Stage::Working(_)) {
            self.thread.calm(py);
        }
    }

    /// Whether the request that the thread works on has been given up.
    pub(crate) fn is_overdue(&self) -> bool {
        !matches!(self.work().stage, Stage::Idle | Stage::Working(_))
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        // Nothing that may panic runs between two consistent states.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it does, if that is still this request.
    fn at(&self, number: u64) -> Option<MutexGuard<'_, Work>> {
        let work = self.work();
        (work.number == number && work.stage != Stage::Idle).then_some(work)
    }
}

/// What is done about a request that is overdue; in how many milliseconds it is to be looked at again.
type Act = fn(&Watchdog, &Post, u64) -> Millis;

/// Looks after the posts.
pub(crate) struct Watchdog {
    pub(crate) limit: Duration,
    /// Called when a thread does not return.
    pub(crate) stuck: Box<dyn Fn() + Send>,
    pub(crate) engine: Handle,
    pub(crate) posts: Vec<Arc<Post>>,
}

impl Watchdog {
    /// Look after them for as long as the process lives.
    ///
    /// # Errors
    /// When there is no room for another thread.
    pub(crate) fn start(self) -> io::Result<()> {
        thread::Builder::new().name("rgunicorn-watchdog".to_owned()).spawn(move || self.run()).map(drop)
    }

    fn run(self) {
        loop {
            let waits = self.posts.iter().map(|post| self.look(post));
            let wait = waits.min().unwrap_or_else(|| self.millis());
            thread::park_timeout(Duration::from_millis(wait.max(1)));
            if self.posts.iter().all(|post| post.work().stage == Stage::Stuck) {
                self.tend_others();
            }
        }
    }

    fn millis(&self) -> Millis {
        self.limit.as_millis() as Millis
    }

    /// Do what is due at a post; how long it may be left alone now. What begins meanwhile is not due earlier.
    fn look(&self, post: &Post) -> Millis {
        let (now, limit) = (now(), self.millis());
        let (number, stage) = {
            let work = post.work();
            (work.number, work.stage)
        };
        let (due, act): (Millis, Act) = match stage {
            Stage::Idle => return limit,
            Stage::Stuck => return TEND,
            Stage::Working(since) => (since.saturating_add(limit), Self::interrupt),
            Stage::Interrupted(since) => (since + CLEANUP, Self::answer),
            Stage::Answered(since) => (since + RETURN, Self::give_up),
        };
        if now < due { due - now } else { act(self, post, number) }
    }

    /// Log what the thread does, and raise the exception in it.
    fn interrupt(&self, post: &Post, number: u64) -> Millis {
        let Some(line) = note(post, number, Stage::Interrupted(now())) else { return 0 };
        let stack = stack_of(post.thread.name());
        let limit = self.limit.as_secs_f64();
        tracing::error!(
            "Request {line} has taken longer than {limit} s (--request-timeout): interrupted\n{stack}"
        );
        post.thread.interrupt(|| post.at(number));
        CLEANUP
    }

    /// The thread has not answered: answer for it. What it sends from now on goes nowhere.
    fn answer(&self, post: &Post, number: u64) -> Millis {
        let taken = {
            // The state of the call is used again for the next request, which begins when the lock is released.
            let Some(mut work) = post.at(number) else { return 0 };
            work.stage = Stage::Answered(now());
            work.call.as_ref().and_then(|call| locked(call).exchange.take())
        };
        if let Some(exchange) = taken {
            self.close_with(exchange, TIMED_OUT);
        }
        RETURN
    }

    /// The thread does not return: the worker has to be replaced.
    fn give_up(&self, post: &Post, number: u64) -> Millis {
        if note(post, number, Stage::Stuck).is_none() {
            return 0;
        }
        tracing::error!(
            "A request that was given up has not returned after {} s: this worker is to be replaced\n{}",
            (CLEANUP + RETURN) as f64 / 1000.0,
            stack_of(post.thread.name()),
        );
        (self.stuck)();
        TEND
    }

    /// No thread is left that could serve: whoever waits for one hears so at once, and no new connection is accepted.
    fn tend_others(&self) {
        self.engine.lock().pause();
        while self.posts.iter().all(|post| post.work().stage == Stage::Stuck) {
            let turned = self.engine.lock().turn(Some(Duration::ZERO));
            while let (Ok(()), Some(event)) = (&turned, self.next_event()) {
                if let Event::Request(exchange) = event {
                    tracing::warn!("{}: no thread is left to serve it", exchange.line());
                    self.close_with(exchange, NOBODY);
                }
            }
            thread::park_timeout(Duration::from_millis(TEND));
        }
        self.engine.lock().resume();
    }

    fn next_event(&self) -> Option<Event> {
        self.engine.lock().next()
    }

    /// Answer where nothing has been sent, and close the connection: nobody is there for the next request.
    fn close_with(&self, mut exchange: Box<Exchange>, status: &'static str) {
        let mut engine = self.engine.lock();
        if !exchange.is_started() {
            exchange.reply.begin_text(status);
            let closed = exchange.reply.field(b"Connection", b"close");
            debug_assert!(closed.is_ok());
            // The client may be gone, which is as well.
            let _ = engine.send(&mut exchange, &body_of(status), true);
        }
        engine.finish(exchange);
        if let Some(log) = engine.access_log() {
            log.flush();
        }
    }
}

/// Note how far a request has come, if the thread is still at it; its line for the log.
fn note(post: &Post, number: u64, stage: Stage) -> Option<String> {
    let mut work = post.at(number)?;
    work.stage = stage;
    let state = locked(work.call.as_ref()?);
    Some(state.exchange.as_ref().map(|exchange| exchange.line()).unwrap_or_default())
}

fn locked(call: &Shared) -> MutexGuard<'_, State> {
    call.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many threads wait for the interpreter to tell where another one is.
static ASKING: AtomicUsize = AtomicUsize::new(0);
/// How long those have, at the end of the process, to be told.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where a thread is. Asked by a thread of its own, which may have to wait for the interpreter longer than we do.
fn stack_of(thread: std::ffi::c_long) -> String {
    let (tell, told) = mpsc::channel();
    ASKING.fetch_add(1, SeqCst);
    let asked = thread::Builder::new().name("rgunicorn-stack".to_owned()).spawn(move || {
        // Nobody listens any more if it took too long.
        let _ = tell.send(Python::attach(|py| stacks::of_thread(py, thread)));
        ASKING.fetch_sub(1, SeqCst);
    });
    match asked.map(|_| told.recv_timeout(GLANCE)) {
        Ok(Ok(Some(stack))) => stack,
        Ok(Ok(None)) => "(no stack: the thread runs no Python code)".to_owned(),
        Ok(Err(_)) => "(no stack: something does not let go of the interpreter)".to_owned(),
        Err(error) => {
            ASKING.fetch_sub(1, SeqCst);
            format!("(no stack: {error})")
        }
    }
}

/// Let nobody wait for the interpreter when it ends: CPython would end such a thread in the middle, and the process with it.
pub(crate) fn let_finish(py: Python<'_>) {
    py.detach(|| {
        let since = Instant::now();
        while ASKING.load(SeqCst) > 0 && since.elapsed() < LAST_WORDS {
            thread::park_timeout(Duration::from_millis(1));
        }
    });
}
