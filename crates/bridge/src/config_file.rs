//! Config files: the Python that `rgunicorn._config_file` runs, and what becomes of its names.

use pyo3::{
    prelude::*,
    types::{PyDict, PyFrozenSet, PyTuple},
};
use rgunicorn_settings::{ConfigLocation, Value, setting_names};

use crate::{failure::describe, values::value_of};

/// What a config file brought beside settings.
#[derive(Debug)]
pub(crate) struct Brought {
    /// The hooks by name.
    pub(crate) hooks: Py<PyDict>,
    /// The modules of the project that were imported for it, by name.
    pub(crate) modules: Py<PyDict>,
}

impl Brought {
    /// Nothing.
    #[must_use]
    pub(crate) fn nothing(py: Python<'_>) -> Self {
        Self { hooks: PyDict::new(py).unbind(), modules: PyDict::new(py).unbind() }
    }
}

/// Runs config files for one reading of the configuration.
pub(crate) struct ConfigFiles<'py> {
    py: Python<'py>,
    /// The modules that earlier readings imported: this one imports them again.
    earlier: Py<PyFrozenSet>,
    brought: Brought,
}

impl<'py> ConfigFiles<'py> {
    /// To read a configuration again, after ones that brought these modules.
    ///
    /// # Errors
    /// When memory is exhausted.
    pub(crate) fn new(py: Python<'py>, earlier: &[&Brought]) -> PyResult<Self> {
        let mut names = Vec::new();
        for brought in earlier {
            names.extend(brought.modules.bind(py).keys());
        }
        Ok(Self { py, earlier: PyFrozenSet::new(py, names)?.unbind(), brought: Brought::nothing(py) })
    }

    /// What the files brought.
    #[must_use]
    pub(crate) fn brought(self) -> Brought {
        self.brought
    }

    /// Take functions given in a call of `rgunicorn.run()` for hooks; they are stronger than those of a file.
    ///
    /// # Errors
    /// With the text for the operator.
    pub(crate) fn accept(&mut self, hooks: &Bound<'py, PyDict>) -> Result<(), String> {
        let accepted = self.module().and_then(|module| module.call_method1("accept_hooks", (hooks,)));
        let accepted = accepted.and_then(|accepted| Ok(accepted.cast_into::<PyDict>()?));
        let added =
            accepted.and_then(|accepted| self.brought.hooks.bind(self.py).update(accepted.as_mapping()));
        added.map_err(|error| self.told(&error))
    }

    fn module(&self) -> PyResult<Bound<'py, PyModule>> {
        self.py.import("rgunicorn._config_file")
    }

    fn run(&mut self, place: &str, is_module: bool) -> PyResult<Vec<(String, Value)>> {
        let names = PyFrozenSet::new(self.py, setting_names())?;
        let evaluated =
            self.module()?.call_method1("evaluate", (place, is_module, names, self.earlier.bind(self.py)))?;
        let part = |name| evaluated.getattr(name);
        self.brought.modules = part("modules")?.cast_into::<PyDict>()?.unbind();
        // What is there already comes from a stronger source.
        let hooks = part("hooks")?.cast_into::<PyDict>()?;
        hooks.update(self.brought.hooks.bind(self.py).as_mapping())?;
        self.brought.hooks = hooks.unbind();
        let mut values = Vec::new();
        for pair in part("values")?.try_iter()? {
            let pair = pair?.cast_into::<PyTuple>()?;
            values.push((pair.get_item(0)?.extract()?, value_of(&pair.get_item(1)?)?));
        }
        Ok(values)
    }

    /// The text for the operator: that of our own exceptions as it is, others with their traceback.
    fn told(&self, error: &PyErr) -> String {
        let ours = self.module().and_then(|module| module.getattr("ConfigFileError"));
        match ours {
            Ok(ours) if error.matches(self.py, &ours).unwrap_or(false) => error.value(self.py).to_string(),
            _ => describe(self.py, error),
        }
    }
}

impl rgunicorn_settings::ConfigFiles for ConfigFiles<'_> {
    fn read(&mut self, location: &ConfigLocation) -> Result<Vec<(String, Value)>, String> {
        let read = match location {
            ConfigLocation::File(path) => self.run(&path.to_string_lossy(), false),
            ConfigLocation::Module(name) => self.run(name, true),
        };
        read.map_err(|error| self.told(&error))
    }
}
