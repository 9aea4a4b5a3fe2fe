//! The extension module: exports, and the worker classes by name. No logic of its own.
//!
//! [`command`] is the way from a command line, or a call of `rgunicorn.run()`, to a running arbiter; [`host`] is the
//! Python that the arbiter asks for; [`worker`] is the way from a forked process to a worker class.

mod command;
mod foreign;
mod hooks;
mod host;
mod origin;
mod status;
mod template;
mod title;
mod worker;

use pyo3::prelude::*;

/// The extension module of the package.
#[pymodule(gil_used = false)]
mod _rgunicorn {
    use pyo3::prelude::*;
    use rgunicorn_bridge::RequestTimeout;

    #[pymodule_export]
    use crate::{
        command::{main, run},
        hooks::hooks,
        status::status,
    };

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("RequestTimeout", module.py().get_type::<RequestTimeout>())?;
        crate::origin::record(module.py())
    }
}
