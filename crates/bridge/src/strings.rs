//! Bytes and Python strings, by the rules of PEP 3333 ("native strings" hold latin-1) and RFC 3986.

use std::borrow::Cow;

use pyo3::{
    ffi,
    prelude::*,
    types::{PyDict, PyString},
};

/// A string that has characters beyond latin-1 where PEP 3333 allows none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("holds characters beyond latin-1 (PEP 3333 allows none; encode the text first)")]
pub struct NotLatin1;

/// A Python string whose characters are the bytes.
///
/// # Panics
/// When memory is exhausted.
#[must_use]
pub fn latin1<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    // A slice is never longer than isize::MAX bytes.
    let len = bytes.len() as ffi::Py_ssize_t;
    // SAFETY: the pointer and the length are those of a live slice, and the default error handler is never asked:
    // every byte is a latin-1 character.
    #[allow(unsafe_code, reason = "pyo3 offers no latin-1 decoding")]
    let string = unsafe { ffi::PyUnicode_DecodeLatin1(bytes.as_ptr().cast(), len, std::ptr::null()) };
    // SAFETY: the call returned a new reference to a string, or null with an exception set, which panics here.
    #[allow(unsafe_code, reason = "the raw call returns a raw pointer")]
    let string = unsafe { Bound::from_owned_ptr(py, string) };
    // SAFETY: `PyUnicode_DecodeLatin1` returns nothing but strings.
    #[allow(unsafe_code, reason = "the type is known")]
    unsafe {
        string.cast_into_unchecked()
    }
}

/// The bytes that a latin-1 string stands for.
///
/// # Errors
/// When it has other characters.
pub fn latin1_bytes<'a>(string: &'a Bound<'_, PyString>) -> Result<Cow<'a, [u8]>, NotLatin1> {
    // Only lone surrogates have no UTF-8, and they are not latin-1 either.
    let text = string.to_str().map_err(|_| NotLatin1)?;
    if text.is_ascii() {
        return Ok(Cow::Borrowed(text.as_bytes()));
    }
    let bytes: Result<Vec<u8>, _> = text.chars().map(|c| u8::try_from(u32::from(c))).collect();
    bytes.map(Cow::Owned).map_err(|_| NotLatin1)
}

/// Undo percent-encoding (RFC 3986 2.1); a percent sign that begins no triplet stays as it is.
#[must_use]
pub fn percent_decoded(path: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = path.iter().position(|byte| *byte == b'%') else { return Cow::Borrowed(path) };
    let digit = |at: usize| path.get(at).and_then(|byte| (*byte as char).to_digit(16));
    let mut decoded = path[..first].to_vec();
    let mut at = first;
    while let Some(&byte) = path.get(at) {
        if byte == b'%'
            && let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2))
        {
            decoded.push((high << 4 | low) as u8);
            at += 3;
        } else {
            decoded.push(byte);
            at += 1;
        }
    }
    Cow::Owned(decoded)
}

/// What is left of a path below `mount`, a path without a slash at its end; `None` where the path is not below it.
#[must_use]
pub fn below<'p>(path: &'p [u8], mount: &[u8]) -> Option<&'p [u8]> {
    path.strip_prefix(mount).filter(|rest| matches!(rest.first(), None | Some(b'/')))
}

/// Put a key into a dict unless it is there; says whether it was put.
///
/// # Errors
/// When memory is exhausted.
pub fn insert_new(
    dict: &Bound<'_, PyDict>,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    let before = dict.len();
    // SAFETY: all three are live objects, and the first is a dict. The result is borrowed and only compared with null.
    #[allow(unsafe_code, reason = "pyo3 offers no setdefault")]
    let there = unsafe { ffi::PyDict_SetDefault(dict.as_ptr(), key.as_ptr(), value.as_ptr()) };
    if there.is_null() {
        return Err(PyErr::fetch(dict.py()));
    }
    Ok(dict.len() > before)
}

/// How many references to the object there are; one means that only the caller has it.
#[must_use]
pub fn references(object: &Bound<'_, PyAny>) -> isize {
    // SAFETY: the object is live and the interpreter attached.
    #[allow(unsafe_code, reason = "the count has no safe interface")]
    unsafe {
        ffi::Py_REFCNT(object.as_ptr()) as isize
    }
}
