"""Clients that keep a server busy while it changes, and account for every request.

Nothing is retried: what a client does not get is a `Failure` with its reason. A connection that the
server closes while it is silent, before anything was sent on it, is none, unless it is new.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from support.address import Address
from support.waiting import wait_until

#: Longest time a client waits for one answer, in seconds.
PATIENCE = 10.0
#: A worker that leaves closes a new connection after a second of silence, and not sooner than this,
#: in seconds. On a busy machine a client may take as long from `connect` to `send`.
SILENT = 0.9
#: The server has closed, and nothing else is known of the connection (`tcp_states.h` of Linux).
CLOSE_WAIT = 8


@dataclass(frozen=True)
class Failure:
    """A request that was not answered as it should have been."""

    #: What went wrong, as `refused`, `closed before the response`, `truncated` or `status 500`.
    reason: str
    #: `keep-alive` or `one-shot`.
    kind: str
    #: The client's own port.
    port: int
    #: Who answered last on this connection, if anybody did.
    worker: int | None
    #: When it was sent and when it failed, by `time.monotonic()`.
    began: float
    ended: float


class UnansweredError(Exception):
    """A request failed for this reason."""


@dataclass(frozen=True)
class Answer:
    """What a client wants to know of a response."""

    worker: int
    version: str
    closes: bool


class Client(threading.Thread):
    """One client: it asks, reads the answer, thinks for a moment, and asks again."""

    def __init__(self, load: Load, number: int, *, stays: bool) -> None:
        super().__init__(name=f"client {number}", daemon=True)
        self.load = load
        self.stays = stays
        self.answers: Counter[tuple[int, str]] = Counter()
        self.failures: list[Failure] = []
        self.answered = 0
        self.reopened = 0
        self.longest = 0.0
        self._random = random.Random(number)
        self._sock: socket.socket | None = None
        self._worker: int | None = None

    def run(self) -> None:
        """Ask until the load ends."""
        while not self.load.ended.is_set():
            self._drop_if_closed()
            self._account()
            self.load.ended.wait(self._random.uniform(0, 2 * self.load.pause))
        self._drop()

    def _account(self) -> None:
        began = time.monotonic()
        token = b"%x" % self._random.getrandbits(64)
        self._port = 0
        try:
            answer = self._ask(token)
        except UnansweredError as problem:
            kind = "keep-alive" if self.stays else "one-shot"
            ended = time.monotonic()
            self.failures.append(
                Failure(str(problem), kind, self._port, self._worker, began, ended)
            )
            self._drop()
            return
        self.longest = max(self.longest, time.monotonic() - began)
        self.answered += 1
        self.answers[answer.worker, answer.version] += 1
        self._worker = answer.worker
        if answer.closes:
            self._drop()

    def _ask(self, token: bytes) -> Answer:
        sock = self._to_send_on()
        close = b"" if self.stays else b"Connection: close\r\n"
        request = b"GET %s?%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
        try:
            sock.sendall(request % (self.load.path, token, close))
        except TimeoutError:
            raise UnansweredError("timed out") from None
        except ConnectionError:
            # What the server has sent before it closed is judged below.
            pass
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive(sock, received)
        head, _, body = received.partition(b"\r\n\r\n")
        status, fields = read_head(head)
        length = int(fields.get(b"content-length", b"0"))
        while len(body) < length:
            body += self._receive(sock, received)
        if status != 200:
            raise UnansweredError(f"status {status}")
        if body != token:
            raise UnansweredError("the answer to another request")
        closes = not self.stays or fields.get(b"connection", b"").lower() == b"close"
        version = fields.get(b"x-version", b"").decode()
        return Answer(int(fields.get(b"x-worker", b"0")), version, closes)

    def _to_send_on(self) -> socket.socket:
        """A connection that the server has not closed while nothing was sent on it."""
        while True:
            began = time.monotonic()
            new = self._sock is None
            sock = self._connected()
            if not is_closed(sock):
                return sock
            if new and time.monotonic() - began < SILENT:
                raise UnansweredError("closed as soon as it was open")
            self.reopened += 1
            self._drop()

    def _connected(self) -> socket.socket:
        if self._sock is None:
            self._worker = None
            try:
                self._sock = self.load.address.open(PATIENCE)
            except ConnectionRefusedError:
                raise UnansweredError("refused") from None
            except TimeoutError:
                raise UnansweredError("timed out while connecting") from None
            except OSError as problem:
                raise UnansweredError(f"cannot connect: {problem}") from None
            if not self.load.address.path:
                self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self.load.address.path:
            self._port = int(self._sock.getsockname()[1])
        return self._sock

    def _receive(self, sock: socket.socket, received: bytes) -> bytes:
        try:
            data = sock.recv(65536)
        except TimeoutError:
            raise UnansweredError("timed out") from None
        except ConnectionError:
            reason = "truncated by a reset" if received else "reset before the response"
            raise UnansweredError(reason) from None
        if not data:
            raise UnansweredError("truncated" if received else "closed before the response")
        return data

    def _drop_if_closed(self) -> None:
        """Let go of an idle connection that the server has closed: nobody asked for anything."""
        if self._sock is None:
            return
        # With a timeout, Python would wait for something to read whatever the flags say.
        self._sock.setblocking(False)
        try:
            left = self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            self._sock.settimeout(PATIENCE)
            return
        except ConnectionError:
            left = b""
        if left:
            reason = f"unasked bytes: {self._sock.recv(100)!r}"
            now = time.monotonic()
            self.failures.append(Failure(reason, "keep-alive", 0, self._worker, now, now))
        self.reopened += 1
        self._drop()

    def _drop(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None


class Load:
    """Many clients at the same time; leave the `with` block and every one of them has ended."""

    def __init__(
        self,
        address: Address,
        *,
        stay: int = 32,
        leave: int = 32,
        pause: float = 0.02,
        path: str = "/",
    ) -> None:
        self.address = address
        #: Mean time between an answer and the next request of a client, in seconds.
        self.pause = pause
        self.path = path.encode()
        self.ended = threading.Event()
        self.clients = [Client(self, number, stays=number < stay) for number in range(stay + leave)]

    def __enter__(self) -> Load:  # noqa: PYI034 - typing.Self is of 3.11
        for client in self.clients:
            client.start()
        self.wait_round()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        for client in self.clients:
            client.join(2 * PATIENCE)
            assert not client.is_alive(), f"{client.name} does not end"

    def wait_round(self, within: float = 2 * PATIENCE) -> None:
        """Wait until every client has had an answer to a request sent from now on, or a failure."""
        before = [(client, client.answered + len(client.failures)) for client in self.clients]
        # The first one may have been sent before.
        wait_until(
            lambda: all(each.answered + len(each.failures) >= done + 2 for each, done in before),
            within=within,
            what="an answer for every client",
        )

    @property
    def answered(self) -> int:
        """How many requests were answered."""
        return sum(client.answered for client in self.clients)

    @property
    def reopened(self) -> int:
        """How many idle connections the server has closed."""
        return sum(client.reopened for client in self.clients)

    @property
    def longest(self) -> float:
        """The longest that a request has taken, in seconds."""
        return max(client.longest for client in self.clients)

    @property
    def failures(self) -> list[Failure]:
        """Every request that failed, the first one first."""
        every = [failure for client in self.clients for failure in list(client.failures)]
        return sorted(every, key=lambda failure: failure.ended)

    @property
    def by_worker(self) -> Counter[int]:
        """How many requests each worker has answered."""
        total: Counter[int] = Counter()
        for (worker, _), count in self._answers():
            total[worker] += count
        return total

    @property
    def by_version(self) -> Counter[str]:
        """How many requests each version of the application has answered."""
        total: Counter[str] = Counter()
        for (_, version), count in self._answers():
            total[version] += count
        return total

    def _answers(self) -> list[tuple[tuple[int, str], int]]:
        return [pair for client in self.clients for pair in list(client.answers.items())]

    def check(self, forgiven: Iterable[Failure] = ()) -> None:
        """Fail the test if any request failed that is not forgiven."""
        excused = list(forgiven)
        failures = [each for each in self.failures if each not in excused]
        reasons = Counter((each.kind, each.reason) for each in failures)
        assert not failures, f"{dict(reasons)} of {self.answered} requests: {failures[:5]}"


def is_closed(sock: socket.socket) -> bool:
    """Whether the end of what the server sends has arrived.

    Asking does not let go of the interpreter, as `recv` does: a client that waits for it again
    before it sends would know no more than it did.
    """
    if sock.family == socket.AF_UNIX:
        return False
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == CLOSE_WAIT


def read_head(head: bytes) -> tuple[int, dict[bytes, bytes]]:
    """The status and the fields of a response head."""
    line, *fields = head.split(b"\r\n")
    try:
        status = int(line.split(b" ")[1])
        pairs = (field.split(b": ", 1) for field in fields)
        return status, {name.lower(): value for name, value in pairs}
    except (IndexError, ValueError):
        raise UnansweredError(f"no response: {head[:100]!r}") from None
