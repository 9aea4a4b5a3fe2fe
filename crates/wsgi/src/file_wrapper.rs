//! `wsgi.file_wrapper` (PEP 3333, "Optional Platform-Specific File Handling").

use pyo3::{intern, prelude::*};
use rgunicorn_bridge::{RegularFile, regular_file};

/// An iterable over a file's blocks, closed with the file. Where the file is a regular one, it is not iterated: the engine
/// takes the file over.
#[pyclass(frozen, module = "rgunicorn")]
pub(crate) struct FileWrapper {
    file: Py<PyAny>,
    block: usize,
}

impl FileWrapper {
    /// The regular file to send instead of iterating, where there is one.
    pub(crate) fn regular_file(&self, py: Python<'_>) -> Option<RegularFile> {
        regular_file(self.file.bind(py))
    }
}

#[pymethods]
impl FileWrapper {
    /// Wrap `filelike`, read in blocks of `blksize` bytes.
    #[new]
    #[pyo3(signature = (filelike, blksize=65536))]
    fn new(filelike: Py<PyAny>, blksize: usize) -> Self {
        Self { file: filelike, block: blksize.max(1) }
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let block = self.file.bind(py).call_method1(intern!(py, "read"), (self.block,))?;
        Ok(block.is_truthy()?.then_some(block))
    }

    /// Close the file, if it can be closed.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.file.bind(py).getattr_opt(intern!(py, "close"))? {
            Some(close) => close.call0().map(drop),
            None => Ok(()),
        }
    }
}
