//! Who may import whom: the table of ARCHITECTURE.md, read against `cargo metadata`.
//!
//! Only what is built counts, not what tests use. Bans hold through every dependency.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value;

use super::Finding;

/// The platform whose graph is read, so that the answer is the same everywhere.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// What a crate of ours may import of ours, and what must not be anywhere beneath it.
struct Rule {
    name: &'static str,
    may: &'static [&'static str],
    never: &'static [&'static str],
}

const RULES: [Rule; 10] = [
    Rule { name: "settings", may: &[], never: &["pyo3", "tokio", "hyper"] },
    Rule { name: "scoreboard", may: &[], never: &["pyo3", "tokio", "hyper"] },
    Rule { name: "logging", may: &["settings"], never: &["pyo3", "tokio", "hyper"] },
    Rule { name: "arbiter", may: &["settings", "scoreboard", "logging"], never: &["pyo3", "tokio", "hyper"] },
    Rule { name: "http", may: &["settings", "scoreboard", "logging"], never: &["pyo3"] },
    Rule { name: "bridge", may: &["settings", "scoreboard", "logging", "http"], never: &["hyper"] },
    Rule { name: "wsgi", may: &["http", "bridge", "settings", "scoreboard"], never: &[] },
    Rule { name: "asgi", may: &["http", "bridge", "settings", "scoreboard"], never: &[] },
    Rule {
        name: "",
        may: &["settings", "scoreboard", "logging", "arbiter", "http", "bridge", "wsgi", "asgi"],
        never: &[],
    },
    Rule { name: "dev", may: &["settings", "arbiter", "logging"], never: &["pyo3", "tokio", "hyper"] },
];

/// Which package is built from which, by name; ours are the keys that start with `rgunicorn`.
pub(super) type Graph = BTreeMap<String, BTreeSet<String>>;

/// Every edge and every dependency that a rule forbids.
pub(super) fn forbidden(graph: &Graph) -> Vec<Finding> {
    let ours = graph.keys().filter(|name| is_ours(name));
    ours.flat_map(|package| match RULES.iter().find(|rule| package_of(rule.name) == *package) {
        Some(rule) => broken(rule, package, graph),
        None => vec![finding(
            package,
            "no rule says what it may import (add it to ARCHITECTURE.md and to `tidy`)",
        )],
    })
    .collect()
}

fn broken(rule: &Rule, package: &str, graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    let allowed: Vec<_> = rule.may.iter().map(|name| package_of(name)).collect();
    for import in graph[package].iter().filter(|name| is_ours(name)) {
        if !allowed.contains(import) {
            findings.push(finding(package, &format!("imports `{import}`, which it may not")));
        }
    }
    for below in beneath(package, graph) {
        if let Some(banned) = rule.never.iter().find(|banned| is_of(&below, banned)) {
            findings.push(finding(
                package,
                &format!("depends on `{below}`, and `{banned}` is banned beneath it"),
            ));
        }
    }
    findings
}

fn package_of(name: &str) -> String {
    if name.is_empty() { "rgunicorn".to_owned() } else { format!("rgunicorn-{name}") }
}

fn is_ours(package: &str) -> bool {
    package == "rgunicorn" || package.starts_with("rgunicorn-")
}

/// Whether the package is the banned one or a part of it, as `pyo3-ffi` is of `pyo3`.
fn is_of(package: &str, banned: &str) -> bool {
    package.strip_prefix(banned).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn finding(package: &str, problem: &str) -> Finding {
    let directory = package.strip_prefix("rgunicorn-").unwrap_or(package);
    Finding { path: format!("crates/{directory}/Cargo.toml"), line: 0, problem: problem.to_owned() }
}

/// Everything that a package is built from.
fn beneath(package: &str, graph: &Graph) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![package];
    while let Some(name) = open.pop() {
        for below in graph.get(name).into_iter().flatten() {
            if found.insert(below.clone()) {
                open.push(below);
            }
        }
    }
    found
}

/// The graph as Cargo resolves it.
pub(super) fn graph(root: &Path) -> Result<Graph, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--filter-platform", PLATFORM])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let metadata =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    read(&metadata).ok_or_else(|| "cargo metadata has another form than expected".to_owned())
}

fn read(metadata: &Value) -> Option<Graph> {
    let mut names = BTreeMap::new();
    for package in metadata["packages"].as_array()? {
        names.insert(package["id"].as_str()?, package["name"].as_str()?);
    }
    let mut graph = Graph::new();
    for node in metadata["resolve"]["nodes"].as_array()? {
        let edges = graph.entry((*names.get(node["id"].as_str()?)?).to_owned()).or_default();
        for dependency in node["deps"].as_array()? {
            if is_built(dependency) {
                edges.insert((*names.get(dependency["pkg"].as_str()?)?).to_owned());
            }
        }
    }
    Some(graph)
}

/// Whether the dependency is part of the product: not for tests, not for build scripts.
fn is_built(dependency: &Value) -> bool {
    dependency["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph_of(edges: &[(&str, &[&str])]) -> Graph {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        edges.iter().map(|(name, below)| ((*name).to_owned(), set(below))).collect()
    }

    fn problems(edges: &[(&str, &[&str])]) -> Vec<String> {
        forbidden(&graph_of(edges)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_allowed_graph_has_no_finding() {
        let edges: [(&str, &[&str]); 3] = [
            ("rgunicorn", &["rgunicorn-asgi", "pyo3"]),
            ("rgunicorn-asgi", &["rgunicorn-http", "pyo3"]),
            ("rgunicorn-http", &["rgunicorn-settings", "mio"]),
        ];
        assert_eq!(problems(&edges), [""; 0]);
    }

    #[test]
    fn an_edge_that_no_rule_allows_is_found() {
        assert_eq!(
            problems(&[("rgunicorn-asgi", &["rgunicorn-wsgi"])]),
            ["crates/asgi/Cargo.toml: imports `rgunicorn-wsgi`, which it may not"]
        );
        assert_eq!(problems(&[("rgunicorn-settings", &["rgunicorn-scoreboard"])]).len(), 1);
        assert_eq!(problems(&[("rgunicorn-http", &["rgunicorn-arbiter"])]).len(), 1);
    }

    #[test]
    fn a_ban_holds_through_other_packages() {
        let edges: [(&str, &[&str]); 3] =
            [("rgunicorn-arbiter", &["x"]), ("x", &["y"]), ("y", &["pyo3-ffi", "tokio", "hyperlink"])];
        assert_eq!(
            problems(&edges),
            [
                "crates/arbiter/Cargo.toml: depends on `pyo3-ffi`, and `pyo3` is banned beneath it",
                "crates/arbiter/Cargo.toml: depends on `tokio`, and `tokio` is banned beneath it",
            ]
        );
    }

    #[test]
    fn a_crate_without_a_rule_is_found() {
        assert!(problems(&[("rgunicorn-new", &[])])[0].contains("no rule says"));
    }

    #[test]
    fn metadata_becomes_a_graph_of_what_is_built() {
        let metadata = serde_json::json!({
            "packages": [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}, {"id": "3", "name": "c"}],
            "resolve": {"nodes": [
                {"id": "1", "deps": [
                    {"pkg": "2", "dep_kinds": [{"kind": null}]},
                    {"pkg": "3", "dep_kinds": [{"kind": "dev"}]},
                ]},
                {"id": "2", "deps": []},
            ]},
        });
        assert_eq!(read(&metadata), Some(graph_of(&[("a", &["b"]), ("b", &[])])));
        assert_eq!(read(&serde_json::json!({})), None);
    }
}
