//! The files that the modules of a process come from, for `--reload`.

use std::path::{Path, PathBuf};

use pyo3::{prelude::*, types::PyDict};

/// Where packages are installed; what is there changes by an installer, not by an editor.
const INSTALLED: [&str; 2] = ["site-packages", "dist-packages"];

/// The absolute paths of the files of all modules that are loaded, but for those of the Python installation.
///
/// # Errors
/// When Python cannot say what is loaded.
pub fn loaded_files(py: Python<'_>) -> PyResult<Vec<PathBuf>> {
    let paths = py.import("sysconfig")?;
    let library = |name| -> PyResult<PathBuf> { paths.call_method1("get_path", (name,))?.extract() };
    let libraries = [library("stdlib")?, library("platstdlib")?];
    let here: PathBuf = py.import("os")?.call_method0("getcwd")?.extract()?;
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    let file = |module: &Bound<'_, PyAny>| -> Option<PathBuf> {
        // Modules may be anything: one without a file, or with something odd in its place, has none.
        let file: PathBuf = module.getattr("__file__").ok()?.extract().ok()?;
        Some(here.join(file))
    };
    let ours =
        |file: &PathBuf| !is_installed(file) && !libraries.iter().any(|library| file.starts_with(library));
    Ok(modules.values().iter().filter_map(|module| file(&module)).filter(ours).collect())
}

fn is_installed(file: &Path) -> bool {
    file.components().any(|part| INSTALLED.iter().any(|name| part.as_os_str() == *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_installation_is_not_the_applications() {
        for (path, installed) in [
            ("/venv/lib/python3.11/site-packages/django/apps.py", true),
            ("/usr/lib/python3/dist-packages/yaml/__init__.py", true),
            ("/srv/site/views.py", false),
            ("/srv/my-site-packages/views.py", false),
        ] {
            assert_eq!(is_installed(Path::new(path)), installed, "{path}");
        }
    }
}
