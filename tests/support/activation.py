"""What systemd does for a service: sockets from descriptor 3 on, and a socket for its messages.

As a command, ``python -m support.activation ADDRESS... -- COMMAND...`` opens the addresses and
executes the command in its own place. Besides addresses there are ``udp:``, ``idle:`` (bound, but
nobody listens) and ``file:``, which no server can use. Without ``--names`` the variables of systemd
are not set: the command finds the sockets by number.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import socket
import sys

from support.waiting import wait_until

FIRST = 3


def activated(*addresses: str, names: str | None = None) -> list[str]:
    """What stands before a command that is to find these sockets."""
    options = [] if names is None else ["--names", names]
    return [sys.executable, "-m", "support.activation", *options, *addresses, "--"]


def opened(address: str) -> int:
    """The descriptor of an address, out of the way of those that are to come."""
    if address.startswith("file:"):
        return fcntl.fcntl(os.open(address.removeprefix("file:"), os.O_RDONLY), fcntl.F_DUPFD, 100)
    kind = socket.SOCK_DGRAM if address.startswith("udp:") else socket.SOCK_STREAM
    where = address.removeprefix("udp:").removeprefix("idle:")
    if where.startswith("unix:"):
        made = socket.socket(socket.AF_UNIX, kind)
        made.bind(re.sub("^@", "\0", where.removeprefix("unix:")))
    else:
        host, _, port = where.rpartition(":")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.socket(family, kind)
        made.bind((host.strip("[]"), int(port)))
    if not address.startswith(("udp:", "idle:")):
        made.listen(16)
    return fcntl.fcntl(made, fcntl.F_DUPFD, 100)


def main() -> None:
    """Open the sockets and become the command."""
    at = sys.argv.index("--")
    parser = argparse.ArgumentParser()
    parser.add_argument("--names")
    parser.add_argument("addresses", nargs="*")
    asked = parser.parse_args(sys.argv[1:at])
    for number, descriptor in enumerate([opened(address) for address in asked.addresses], FIRST):
        os.dup2(descriptor, number)
        os.close(descriptor)
    if asked.names is not None:
        os.environ["LISTEN_PID"] = str(os.getpid())
        os.environ["LISTEN_FDS"] = str(len(asked.addresses))
        os.environ["LISTEN_FDNAMES"] = asked.names
    command = sys.argv[at + 1 :]
    os.execv(command[0], command)


class ServiceManager:
    """The other end of ``NOTIFY_SOCKET``."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(re.sub("^@", "\0", address))
        self._socket.setblocking(False)

    def messages(self) -> list[str]:
        """Everything it was told so far."""
        while True:
            try:
                self.heard.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return self.heard

    def wait(self, pattern: str, *, times: int = 1) -> str:
        """Wait for a message that matches, and return it."""

        def found() -> list[str]:
            matches = [text for text in self.messages() if re.search(pattern, text)]
            return matches if len(matches) >= times else []

        return wait_until(found, what=f"the message {pattern!r} among {self.heard}")[-1]

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


if __name__ == "__main__":
    main()
