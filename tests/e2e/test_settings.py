"""What holds, and who said it: what `--print-config` makes of options, variables and arguments."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from support.commandline import Outcome, run

pytestmark = pytest.mark.only("rgunicorn")

APP = "apps.wsgi_plain:app"


def config(outcome: Outcome) -> dict[str, tuple[str, str]]:
    """The printed settings: value and origin by key."""
    assert outcome.status == 0, outcome.text
    shown = {}
    for line in outcome.output.splitlines():
        key, _, rest = line.partition(" = ")
        value, _, origin = rest.rpartition("  # ")
        shown[key.strip()] = (value, origin)
    return shown


def printed(
    directory: Path, *words: str, env: dict[str, str] | None = None
) -> dict[str, tuple[str, str]]:
    """The settings of a command line and an environment."""
    return config(run(["rgunicorn", *words, "--print-config"], directory, env=env))


def test_what_nobody_said_is_strict_and_bounded(tmp_path: Path) -> None:
    shown = printed(tmp_path, APP)
    for key, value in {
        "header_timeout": "30",
        "body_timeout": "30",
        "write_timeout": "30",
        "min_body_rate": "240",
        "limit_request_line": "4094",
        "limit_request_fields": "100",
        "limit_request_field_size": "8190",
        "limit_request_body": "0",
        "header_map": "drop",
        "permit_obsolete_folding": "False",
        "forwarded_allow_ips": "127.0.0.1,::1",
        "proxy_headers": "auto",
        "proxy_protocol": "off",
        "protocol": "http",
        "sendfile": "True",
        "static_path": "[]",
    }.items():
        assert shown[key] == (value, "default"), key
    scheme_headers = shown["secure_scheme_headers"][0]
    assert ast.literal_eval(scheme_headers) == {
        "X-FORWARDED-PROTOCOL": "ssl",
        "X-FORWARDED-PROTO": "https",
        "X-FORWARDED-SSL": "on",
    }


@pytest.mark.parametrize(
    ("words", "headers", "protocol"),
    [
        (["--proxy-headers", APP], "on", "off"),
        (["--proxy-headers", "forwarded", APP], "forwarded", "off"),
        (["--no-proxy-headers", APP], "off", "off"),
        (["--proxy-protocol", APP], "auto", "auto"),
        (["--proxy-protocol", "v2", "--proxy-headers", APP], "on", "v2"),
    ],
)
def test_a_mode_that_is_left_out_leaves_the_application(
    tmp_path: Path, words: list[str], headers: str, protocol: str
) -> None:
    shown = printed(tmp_path, *words)
    assert shown["wsgi_app"] == (APP, "command line")
    assert (shown["proxy_headers"][0], shown["proxy_protocol"][0]) == (headers, protocol)


def test_variables_of_other_servers_give_defaults(tmp_path: Path) -> None:
    env = {"FORWARDED_ALLOW_IPS": "*", "SCRIPT_NAME": "/a", "SENDFILE": "no"}
    shown = printed(tmp_path, APP, env=env)
    assert shown["forwarded_allow_ips"] == ("*", "environment variable FORWARDED_ALLOW_IPS")
    assert shown["root_path"] == ("/a", "environment variable SCRIPT_NAME")
    assert shown["sendfile"] == ("False", "environment variable SENDFILE")
    said = ["--forwarded-allow-ips", "10.0.0.0/8", "--root-path", "/b/", "--sendfile"]
    shown = printed(tmp_path, APP, *said, env=env)
    assert shown["forwarded_allow_ips"] == ("10.0.0.0/8", "command line")
    assert shown["root_path"] == ("/b", "command line")
    assert shown["sendfile"] == ("True", "command line")
    assert printed(tmp_path, APP, "-e", "SCRIPT_NAME=/c")["root_path"][0] == "/c"


def test_static_files_are_relative_to_chdir(tmp_path: Path) -> None:
    (tmp_path / "site" / "public").mkdir(parents=True)
    shown = printed(tmp_path, APP, "--chdir", "site", "--static-path", "/static/=public")
    assert shown["static_path"][0] == f"['/static={tmp_path / 'site' / 'public'}']"


EMBEDDED = """
import sys
import rgunicorn

sys.exit(rgunicorn.run({app!r}, print_config=True, **{settings!r}))
"""


def embedded(directory: Path, **settings: object) -> Outcome:
    """What `rgunicorn.run()` makes of these arguments."""
    program = EMBEDDED.format(app=APP, settings=settings)
    return run(["python", "-c", program], directory)


def test_python_values_are_settings(tmp_path: Path) -> None:
    outcome = embedded(
        tmp_path,
        secure_scheme_headers={"X-TLS": "1"},
        forwarded_allow_ips=["10.0.0.0/8", "::1"],
        proxy_headers=True,
        proxy_protocol=False,
        sendfile=False,
        limit_request_body=1024,
        raw_env={"A": "1"},
        static_path={"/": str(tmp_path)},
    )
    shown = config(outcome)
    for key, value in {
        "secure_scheme_headers": "{'X-TLS': '1'}",
        "forwarded_allow_ips": "10.0.0.0/8,::1",
        "proxy_headers": "on",
        "proxy_protocol": "off",
        "sendfile": "False",
        "limit_request_body": "1024",
        "raw_env": "['A=1']",
        "static_path": f"['/={tmp_path}']",
    }.items():
        assert shown[key] == (value, "argument of run()"), key


def test_a_python_value_that_is_no_setting_is_refused(tmp_path: Path) -> None:
    outcome = embedded(tmp_path, secure_scheme_headers={"X TLS": "1"})
    assert outcome.status == 1
    assert "secure_scheme_headers" in outcome.errors
    assert "X TLS" in outcome.errors
    outcome = embedded(tmp_path, limit_request_fields=0)
    assert outcome.status == 1
    assert "limit_request_fields" in outcome.errors
    assert "32768" in outcome.errors


#: Options of other servers, and what the complaint tells to write.
FOREIGN = {
    "--static-map": "`--static-path PREFIX=DIRECTORY`",
    "--uwsgi-socket": "`--bind uwsgi://ADDRESS`",
    "--socket": "`--bind uwsgi://ADDRESS`",
    "--limit-post": "`--limit-request-body BYTES`",
    "--buffer-size": "`--limit-request-line BYTES`",
    "--http-timeout": "`--body-timeout SECONDS`",
    "--h11-max-incomplete-event-size": "`--limit-request-line BYTES`",
    "--static-path-route": "`--static-path ROUTE=DIRECTORY`",
    "--static-path-mount": "`--static-path ROUTE=DIRECTORY`",
    "--http1-header-read-timeout": "`--header-timeout SECONDS`",
}


@pytest.mark.parametrize("option", FOREIGN)
def test_an_option_of_another_server_says_what_to_write(tmp_path: Path, option: str) -> None:
    outcome = run(["rgunicorn", APP, option, "value"], tmp_path)
    assert outcome.status == 2
    assert option in outcome.errors
    assert FOREIGN[option] in outcome.errors
