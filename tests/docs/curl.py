"""What stands in for curl on machines without it: the options that the pages use."""

from __future__ import annotations

import argparse
import gzip
import http.client
import socket
import sys
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser("curl")
    options.add_argument("-s", "--silent", action="store_true")
    options.add_argument("-i", "--include", action="store_true")
    options.add_argument("-D", "--dump-header", choices=["-"])
    options.add_argument("-o", "--output", type=Path)
    options.add_argument("-w", "--write-out", default="")
    options.add_argument("-d", "--data", "--data-binary")
    options.add_argument("-H", "--header", action="append", default=[])
    options.add_argument("-r", "--range")
    options.add_argument("--compressed", action="store_true")
    options.add_argument("--unix-socket")
    options.add_argument("--haproxy-protocol", action="store_true")
    options.add_argument("url")
    return options


def connect(address: str, options: argparse.Namespace) -> http.client.HTTPConnection:
    """A connection, perhaps with the header of the PROXY protocol in front."""
    client = http.client.HTTPConnection(address)
    if options.unix_socket:
        client.sock = socket.socket(socket.AF_UNIX)
        client.sock.connect(options.unix_socket)
    else:
        client.connect()
    if options.haproxy_protocol:
        (source, source_port), (target, target_port) = (
            client.sock.getsockname(),
            client.sock.getpeername(),
        )
        line = f"PROXY TCP4 {source} {target} {source_port} {target_port}\r\n"
        client.sock.sendall(line.encode())
    return client


def main() -> None:
    """One request; its answer goes to the standard output."""
    options = parser().parse_args()
    address, _, target = options.url.removeprefix("http://").partition("/")
    fields = {"Accept": "*/*"}
    if options.compressed:
        fields["Accept-Encoding"] = "gzip"
    data = sys.stdin.buffer.read() if options.data == "@-" else options.data
    if options.range:
        fields["Range"] = f"bytes={options.range}"
    if data is not None:
        fields["Content-Type"] = "application/x-www-form-urlencoded"
    for field in options.header:
        name, _, value = field.partition(":")
        fields[name] = value.strip()
    client = connect(address, options)
    method = "GET" if data is None else "POST"
    client.request(method, "/" + target, body=data, headers=fields)
    answer = client.getresponse()
    body = answer.read()
    if options.compressed and answer.getheader("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    if options.include or options.dump_header:
        print(f"HTTP/1.1 {answer.status} {answer.reason}")
        print(*(f"{name}: {value}" for name, value in answer.getheaders()), sep="\n", end="\n\n")
    sys.stdout.flush()
    if options.output:
        options.output.write_bytes(body)
    else:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
    status = options.write_out.replace("%{http_code}", str(answer.status))
    print(status.replace("\\n", "\n"), end="")


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"curl: (7) {error}")
