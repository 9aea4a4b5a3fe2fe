# Recipes of the project. `just` comes with `./dev setup` (.venv/bin/just); every recipe is `./dev NAME`.

# list the recipes
[private]
default:
    @"{{ just_executable() }}" --list --unsorted

# the virtual environment, its tools, cargo-deny, cargo-machete, nginx and HAProxy
setup:
    ./dev setup

# a release wheel in target/wheels
build *args:
    ./dev build {{ args }}

# a debug build, installed into .venv in place
dev *args:
    ./dev develop {{ args }}

# format Rust and Python
fmt:
    ./dev fmt

# formatting, clippy, ruff and mypy
lint:
    ./dev lint

# unit tests, then all of pytest on a fresh debug build
test *args:
    ./dev test {{ args }}

# Rust's tests
unit *args:
    ./dev unit {{ args }}

# pytest on the real command
e2e *args:
    ./dev e2e {{ args }}

# the same test files against gunicorn, uvicorn and us
compat *args:
    ./dev compat {{ args }}

# write the generated pages (`just gen --check` only compares)
gen *args:
    ./dev gen {{ args }}

# sizes, imports and names
tidy:
    ./dev tidy

# licences, sources, duplicate and unused dependencies
deny:
    ./dev deny

# known vulnerabilities of the dependencies (needs GitHub)
audit:
    ./dev audit

# execute the examples of README and docs
docs *args:
    ./dev docs {{ args }}

# every fuzz target for a minute (`just fuzz TARGET SECONDS`; needs a nightly compiler)
fuzz *args:
    ./dev fuzz {{ args }}

# the benchmark beside every installed peer (needs wrk)
bench *args:
    ./dev bench {{ args }}

# 1,000 slow clients beside eight quick ones, for us and for peers
slow *args:
    ./dev slow {{ args }}

# reloads, killed workers and broken releases under load, for us and for peers
deploys *args:
    ./dev deploys {{ args }}

# reloads and memory of the Django example with and without --preload, beside gunicorn
reload *args:
    ./dev reload {{ args }}

# serve the built-in demo
demo *args:
    ./dev demo {{ args }}

# serve the Django example
mysite *args:
    ./dev mysite {{ args }}

# everything the CI machine runs
ci:
    ./dev ci
