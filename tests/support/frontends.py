"""What frontends send around HTTP: headers of the PROXY protocol, packets of the uwsgi protocol."""

from __future__ import annotations

import struct
from ipaddress import ip_address

#: The first bytes of a binary header.
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"

#: A client that no test can be, and what it connected to.
CLIENT = ("192.0.2.1", 56324)
SITE = ("198.51.100.2", 443)

#: The variables nginx sends with every request.
PLAIN = {
    "QUERY_STRING": "x=1",
    "REQUEST_METHOD": "GET",
    "CONTENT_TYPE": "",
    "CONTENT_LENGTH": "",
    "REQUEST_URI": "/a%20b?x=1",
    "PATH_INFO": "/a b",
    "DOCUMENT_ROOT": "/srv/www",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REQUEST_SCHEME": "http",
    "REMOTE_ADDR": CLIENT[0],
    "REMOTE_PORT": str(CLIENT[1]),
    "SERVER_PORT": "80",
    "SERVER_NAME": "site.example",
    "HTTP_HOST": "site.example",
}


def proxy_v1(client: tuple[str, int] = CLIENT, site: tuple[str, int] = SITE) -> bytes:
    """The line that says whose connection this is."""
    family = f"TCP{ip_address(client[0]).version}"
    return f"PROXY {family} {client[0]} {site[0]} {client[1]} {site[1]}\r\n".encode()


def proxy_v2(
    client: tuple[str, int] = CLIENT, site: tuple[str, int] = SITE, *tlvs: tuple[int, bytes]
) -> bytes:
    """The same in binary, with type-length-value vectors."""
    source, destination = ip_address(client[0]), ip_address(site[0])
    family = 0x11 if source.version == 4 else 0x21
    block = source.packed + destination.packed + struct.pack("!HH", client[1], site[1])
    block += b"".join(struct.pack("!BH", kind, len(value)) + value for kind, value in tlvs)
    return proxy_v2_raw(0x21, family, block)


def proxy_v2_raw(code: int, family: int, block: bytes = b"") -> bytes:
    """A binary header of any content: version and command, family and transport, the rest."""
    return SIGNATURE + struct.pack("!BBH", code, family, len(block)) + block


def packet(*more: tuple[str, str], modifier: int = 0, plain: dict[str, str] | None = None) -> bytes:
    """A uwsgi packet of the plain variables and `more`, of which the last of a name counts."""
    pairs = [*(PLAIN if plain is None else plain).items(), *more]
    block = b"".join(_part(key) + _part(value) for key, value in pairs)
    return struct.pack("<BHB", modifier, len(block), 0) + block


def _part(text: str) -> bytes:
    data = text.encode("latin-1")
    return struct.pack("<H", len(data)) + data
