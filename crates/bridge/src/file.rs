//! The kernel's file behind a Python file.

use std::{
    fs::File,
    os::fd::{BorrowedFd, RawFd},
};

use pyo3::{
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyCFunction, PyType},
};

/// A regular file that a Python file object stands for.
#[derive(Debug)]
pub struct RegularFile {
    /// The file, under a descriptor of our own.
    pub file: File,
    /// Where the Python file stands, in bytes.
    pub position: u64,
    /// How many bytes follow.
    pub rest: u64,
}

/// The regular file whose bytes `filelike.read()` would return, unchanged; `None` for everything else, which has to be
/// read: text files, buffers, pipes, files of `/proc`, and objects that have a descriptor and yet return something else
/// than what is behind it, as `gzip.GzipFile` does.
///
/// So what is asked is whose `read` it is: proxies such as Django's `File` hand out that of the file behind them.
#[must_use]
pub fn regular_file(filelike: &Bound<'_, PyAny>) -> Option<RegularFile> {
    // Whatever is raised here is raised again when the object is read.
    find(filelike).ok().flatten()
}

fn find(filelike: &Bound<'_, PyAny>) -> PyResult<Option<RegularFile>> {
    let py = filelike.py();
    let read = filelike.getattr(intern!(py, "read"))?;
    // Of a subclass from CPython 3.12 on, where a method wants to know the class that defines it.
    if !read.is_instance_of::<PyCFunction>() || !read.getattr(intern!(py, "__name__"))?.eq("read")? {
        return Ok(None);
    }
    let file = read.getattr(intern!(py, "__self__"))?;
    let is = |object: &Bound<'_, PyAny>, class: Bound<'_, PyType>| object.get_type().is(class);
    let raw = if is(&file, class(py, &BUFFERED_READER, "BufferedReader")?) {
        file.getattr(intern!(py, "raw"))?
    } else if is(&file, class(py, &BUFFERED_RANDOM, "BufferedRandom")?) {
        file.call_method0(intern!(py, "flush"))?;
        file.getattr(intern!(py, "raw"))?
    } else {
        file.clone()
    };
    if !is(&raw, class(py, &FILE_IO, "FileIO")?) || !raw.call_method0(intern!(py, "readable"))?.is_truthy()? {
        return Ok(None);
    }
    let position: u64 = file.call_method0(intern!(py, "tell"))?.extract()?;
    let file = duplicate(raw.call_method0(intern!(py, "fileno"))?.extract()?)?;
    let metadata = file.metadata()?;
    // Files of /proc say that they are empty, and are not.
    let rest = metadata.len().saturating_sub(position);
    Ok((metadata.is_file() && rest > 0).then_some(RegularFile { file, position, rest }))
}

static BUFFERED_READER: PyOnceLock<Py<PyType>> = PyOnceLock::new();
static BUFFERED_RANDOM: PyOnceLock<Py<PyType>> = PyOnceLock::new();
static FILE_IO: PyOnceLock<Py<PyType>> = PyOnceLock::new();

fn class<'py>(
    py: Python<'py>,
    cell: &'static PyOnceLock<Py<PyType>>,
    name: &str,
) -> PyResult<Bound<'py, PyType>> {
    cell.import(py, "io", name).cloned()
}

/// Another descriptor of the same file.
fn duplicate(descriptor: RawFd) -> PyResult<File> {
    if descriptor < 0 {
        return Err(std::io::Error::from_raw_os_error(nix::libc::EBADF).into());
    }
    // SAFETY: the caller holds a reference to the Python file whose descriptor this is. Should another thread close it
    // at this moment, the kernel refuses to duplicate it, as it would for Python's own `os.dup`.
    #[allow(unsafe_code, reason = "Python has descriptors as numbers")]
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
    Ok(File::from(borrowed.try_clone_to_owned()?))
}
