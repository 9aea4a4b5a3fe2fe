"""Workers as another user, for real: these tests need root, and say so where they are not."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path

import pytest
from conftest import Serve
from support.accounts import NOBODY, OTHER_GROUP, root
from support.address import Address
from support.commandline import patience, run
from support.processes import is_alive, session_members
from support.server import Server

__all__ = ["root"]

pytestmark = [pytest.mark.only("rgunicorn"), pytest.mark.usefixtures("root")]

APP = "apps.processes_wsgi:app"


def same(number: int) -> str:
    """Real, effective, saved and file system id."""
    return " ".join([str(number)] * 4)


@pytest.mark.parametrize("by", ["name", "number"])
def test_a_worker_is_that_user_before_the_application_is_imported(serve: Serve, by: str) -> None:
    user = NOBODY.pw_name if by == "name" else NOBODY.pw_uid
    server = serve(APP, user=user)
    expected = f"{same(NOBODY.pw_uid)}|{same(NOBODY.pw_gid)}|{NOBODY.pw_gid}"
    assert server.get("/imported").text == expected
    assert server.get("/identity").text == expected
    assert f"Uid:\t{os.geteuid()}\t" in Path(f"/proc/{server.pid}/status").read_text()


def test_a_group_alone_leaves_the_user_and_no_further_group(serve: Serve) -> None:
    server = serve(APP, group=OTHER_GROUP.gr_name)
    number = OTHER_GROUP.gr_gid
    assert server.get("/identity").text == f"{same(0)}|{same(number)}|{number}"


def test_initgroups_joins_the_groups_of_the_user(serve: Serve) -> None:
    server = serve(APP, user="nobody", group=OTHER_GROUP.gr_gid, initgroups=True)
    groups = os.getgrouplist("nobody", OTHER_GROUP.gr_gid)
    user, group, further = server.get("/identity").text.split("|")
    assert (user, group) == (same(NOBODY.pw_uid), same(OTHER_GROUP.gr_gid))
    assert sorted(map(int, further.split())) == sorted(groups)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--user", "no-such-user"], "there is no user `no-such-user`"),
        (["--group", "no-such-group"], "there is no group `no-such-group`"),
        (["--socket-owner", "no-such-user"], "there is no user `no-such-user`"),
    ],
)
def test_unknown_names_are_refused_at_the_start(
    tmp_path: Path, options: list[str], reason: str
) -> None:
    outcome = run(["rgunicorn", APP, "--bind", "127.0.0.1:0", *options], tmp_path)
    assert (outcome.status, reason in outcome.text) == (1, True), outcome.text


def test_a_master_that_may_not_change_users_says_so(serve: Serve) -> None:
    nobody = ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups"]
    server = serve(APP, ready=False, user="root", chdir="/", prefix=nobody)
    server.expect("may not change")
    server.expected_status = server.wait_exit()
    assert server.expected_status == 1
    assert "workers cannot run as user 0: this process may not change it (" in server.log()


def test_workers_of_another_user_leave_within_a_second_of_their_master(
    serve: Serve, short_directory: str
) -> None:
    server = serve(APP, user="nobody", workers=2, bind=f"unix:{short_directory}/x.sock")
    server.wait_log("Booting worker", times=2)
    server.get("/pid")
    workers = server.worker_pids()
    assert len(workers) == 2
    server.signal("KILL")
    killed = time.monotonic()
    server.wait_until(lambda: not any(is_alive(pid) for pid in workers))
    assert time.monotonic() - killed < patience(1)
    server.expected_status = -signal.SIGKILL


@pytest.mark.parametrize("settings", [{"preload_app": True}, {"reuse_port": True}])
def test_privileges_go_together_with(serve: Serve, settings: dict[str, bool]) -> None:
    options = {name.replace("preload_app", "preload"): value for name, value in settings.items()}
    server = serve(APP, user="nobody", workers=2, **options)
    server.wait_log("Booting worker", times=2)
    expected = f"{same(NOBODY.pw_uid)}|{same(NOBODY.pw_gid)}|{NOBODY.pw_gid}"
    server.wait_until(lambda: reachable(server))
    assert server.get("/imported").text == server.get("/identity").text == expected
    members = session_members(server.pid) - {server.pid}
    server.signal("KILL")
    killed = time.monotonic()
    server.wait_until(lambda: not any(is_alive(pid) for pid in members))
    assert time.monotonic() - killed < patience(1)
    server.expected_status = -signal.SIGKILL


def reachable(server: Server) -> bool:
    """Whether somebody listens."""
    try:
        return server.get("/pid").status == 200
    except ConnectionRefusedError:
        return False


def test_bodies_and_temporary_files_still_work(serve: Serve) -> None:
    server = serve(APP, user="nobody")
    body = b"x" * 3_000_000
    assert server.post("/spool", body).text == f"{len(body)} {len(body)}"


def test_log_files_are_given_to_the_user_and_can_be_opened_again(
    serve: Serve, short_directory: str
) -> None:
    directory = Path(short_directory)
    directory.chmod(0o755)
    logs = [directory / name for name in ("access.log", "error.log")]
    server = serve(
        APP, ready=False, user="nobody", bind=f"unix:{directory}/x.sock", accesslog=logs[0],
        errorlog=logs[1],
    )  # fmt: skip
    server.__dict__["addresses"] = [Address(path=f"{directory}/x.sock")]
    server.wait_until(lambda: logs[1].exists() and "Booting worker" in logs[1].read_text())
    server.get("/pid")
    server.wait_until(lambda: all(log.stat().st_uid == NOBODY.pw_uid for log in logs))
    for log in logs:
        log.rename(log.with_suffix(".1"))
    server.signal("USR1")
    server.wait_until(lambda: all(log.exists() for log in logs))
    server.wait_until(lambda: bool(server.get("/after")) and "/after" in logs[0].read_text())
    assert all(log.stat().st_uid == NOBODY.pw_uid for log in logs)
    assert "annot reopen" not in logs[1].read_text()


def test_the_socket_is_the_users_and_is_removed_by_the_master(
    serve: Serve, short_directory: str
) -> None:
    path = Path(short_directory) / "x.sock"
    server = serve(APP, user="nobody", bind=f"unix:{path}", umask="0o117")
    found = path.stat()
    assert (found.st_uid, found.st_gid) == (NOBODY.pw_uid, NOBODY.pw_gid)
    assert stat.S_IMODE(found.st_mode) == 0o660
    assert server.get("/umask").text == "117"
    server.stop()
    assert not path.exists()


def test_mode_and_owner_of_the_socket_may_be_others(serve: Serve, short_directory: str) -> None:
    path = Path(short_directory) / "x.sock"
    settings = {"user": "nobody", "umask": "0o177", "socket_mode": "620", "socket_owner": ":daemon"}
    serve(APP, bind=f"unix:{path}", **settings)
    found = path.stat()
    assert (found.st_uid, found.st_gid) == (NOBODY.pw_uid, OTHER_GROUP.gr_gid)
    assert stat.S_IMODE(found.st_mode) == 0o620


def test_the_pid_file_stays_the_masters(serve: Serve) -> None:
    server = serve(APP, user="nobody", pidfile="x.pid")
    path = server.directory / "x.pid"
    assert path.stat().st_uid == 0
    server.stop()
    assert not path.exists()
