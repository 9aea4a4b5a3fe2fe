//! Which interface an application has: found by looking at it, without calling it.

use pyo3::{prelude::*, types::PyType};

/// CPython's flag for the code of a coroutine function (`inspect.CO_COROUTINE`).
const CO_COROUTINE: u32 = 0x80;

/// How a server talks to an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// PEP 3333.
    Wsgi,
    /// ASGI 3.
    Asgi,
}

/// What an application looks like, and what tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// It is a coroutine function, or its `__call__` is one.
    Coroutine,
    /// It takes `(scope, receive, send)`.
    ThreeArguments,
    /// It takes `(environ, start_response)`.
    TwoArguments,
    /// Nothing tells.
    None,
}

impl Evidence {
    /// The interface that the evidence speaks for.
    #[must_use]
    pub fn interface(self) -> Option<Interface> {
        match self {
            Self::Coroutine | Self::ThreeArguments => Some(Interface::Asgi),
            Self::TwoArguments => Some(Interface::Wsgi),
            Self::None => None,
        }
    }

    /// For the log: why the interface was chosen.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Coroutine => "it is a coroutine function",
            Self::ThreeArguments => "it takes scope, receive and send",
            Self::TwoArguments => "it takes environ and start_response",
            Self::None => "it does not look like an ASGI application",
        }
    }
}

/// Look at an application.
#[must_use]
pub fn interface_of(app: &Bound<'_, PyAny>) -> Evidence {
    let Some((code, bound)) = code_of(app, 8) else { return Evidence::None };
    let number = |name: &str| code.getattr(name).and_then(|value| value.extract::<u32>()).unwrap_or(0);
    if number("co_flags") & CO_COROUTINE != 0 {
        return Evidence::Coroutine;
    }
    match number("co_argcount").saturating_sub(bound) {
        3 => Evidence::ThreeArguments,
        2 => Evidence::TwoArguments,
        _ => Evidence::None,
    }
}

/// The code that runs when `callable` is called, and how many of its arguments are bound already.
fn code_of<'py>(callable: &Bound<'py, PyAny>, depth: u32) -> Option<(Bound<'py, PyAny>, u32)> {
    if depth == 0 || callable.cast::<PyType>().is_ok() {
        return None;
    }
    if let Ok(code) = callable.getattr("__code__") {
        return Some((code, 0));
    }
    if let Ok(function) = callable.getattr("__func__") {
        let (code, bound) = code_of(&function, depth - 1)?;
        return Some((code, bound + 1));
    }
    // functools.partial: bound arguments by name are not counted among the positional ones.
    if let (Ok(function), Ok(arguments)) = (callable.getattr("func"), callable.getattr("args")) {
        let (code, bound) = code_of(&function, depth - 1)?;
        return Some((code, bound + arguments.len().map_or(0, |len| len as u32)));
    }
    let call = callable.get_type().getattr("__call__").ok()?;
    let (code, bound) = code_of(&call, depth - 1)?;
    Some((code, bound + 1))
}
