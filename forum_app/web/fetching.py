"""The one client for addresses that people give us: public hosts only, few bytes, little time, few redirects.

A name is resolved once, each of its addresses must be public, and the connection goes to what was checked:
a name that answers differently the second time gains nothing. Redirects are followed by the same rules.
Addresses are secrets (whoever knows one reads the calendar): they appear in no log and in no error.
"""

import http.client
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from threading import Timer
from typing import cast
from urllib.parse import quote, urljoin, urlsplit

from flask import current_app

from forum_app.core.errors import Invalid, Unavailable
from forum_app.core.text import N_

Ip = IPv4Address | IPv6Address
SECONDS = 20.0
MOST_BYTES = 10 * 1024 * 1024
MOST_REDIRECTS = 5
PORTS = frozenset({80, 443, 8080, 8443})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 64 * 1024
_NAT64 = IPv6Network("64:ff9b::/96")
NO_ADDRESS = N_("This is not an address that can be read: it begins with https://, http:// or webcal://.")
NOT_PUBLIC = N_("This address does not lie on the public internet, so it is not read.")
SILENT = N_("The other side cannot be reached just now.")
TOO_SLOW = N_("The other side is too slow: it has %(seconds)s seconds.")
TOO_LARGE = N_("What is there is too large: at most %(most)s MB are read.")
ASTRAY = N_("The other side sends from one address to the next without end.")
NOT_SAFE = N_("The other side cannot prove who it is (its certificate is not valid).")
ANSWERS = {
    401: N_("The other side asks for a password. Take the secret address of the calendar instead."),
    403: N_("The other side does not let us read this. Is the calendar shared by this address?"),
    404: N_("There is nothing at this address any more."),
    410: N_("There is nothing at this address any more."),
    429: N_("The other side asks us to come back later."),
}
ANSWERED = N_("The other side answers with an error (%(status)s).")


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address. url: normal form; host: ASCII, may be shown; path: with the query."""

    url: str
    secure: bool
    host: str
    port: int
    path: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer. body: None if nothing has changed (304). etag, modified: as sent, or empty."""

    body: bytes | None
    etag: str = ""
    modified: str = ""


def parse_address(text: str) -> Address:
    """An address as somebody typed it; raises Invalid for what is none."""
    try:
        parts = urlsplit(text.strip())
        scheme = {"webcal": "https", "webcals": "https"}.get(parts.scheme.lower(), parts.scheme.lower())
        name = (parts.hostname or "").rstrip(".")
        host = name if ":" in name else name.encode("idna").decode("ascii").lower()
        port = parts.port or (443 if scheme == "https" else 80)
    except (ValueError, UnicodeError) as error:
        raise Invalid(NO_ADDRESS) from error
    if scheme not in ("http", "https") or not host or len(host) > 253:
        raise Invalid(NO_ADDRESS)
    if parts.username is not None or parts.password is not None:
        raise Invalid(N_("Addresses with a name and a password in them are not read."))
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        path += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
    shown = f"[{host}]" if ":" in host else host
    place = shown if port == (443 if scheme == "https" else 80) else f"{shown}:{port}"
    return Address(f"{scheme}://{place}{path}", scheme == "https", host, port, path)


def is_public(ip: Ip) -> bool:
    """Whether an address lies on the public internet; what wraps a private one does not."""
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(ip.ipv4_mapped)
        inner = ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None and not is_public(inner):
            return False
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


@dataclass(frozen=True, slots=True)
class Fetcher:
    """What may be fetched. allowed: whether an IP address and port may be spoken to."""

    allowed: Callable[[Ip, int], bool] = lambda ip, port: port in PORTS and is_public(ip)
    seconds: float = SECONDS
    most_bytes: int = MOST_BYTES
    trust: Callable[[], ssl.SSLContext] = ssl.create_default_context

    def fetch(self, url: str, *, etag: str = "", modified: str = "") -> Fetched:
        """What is at an address, asked with what is known of it.

        Raises Invalid for an address that is not read, Unavailable for one that does not answer as it should;
        both with a sentence for the person whose calendar it is.
        """
        ends = time.monotonic() + self.seconds
        address = parse_address(url)
        headers = {
            "Accept": "text/calendar, */*;q=0.1",
            "Accept-Encoding": "identity",
            "User-Agent": "forum-app",
            "Connection": "close",
        }
        if etag:
            headers["If-None-Match"] = etag
        if modified:
            headers["If-Modified-Since"] = modified
        for _ in range(MOST_REDIRECTS + 1):
            found = self._ask(address, headers, ends)
            if isinstance(found, Fetched):
                return found
            following = parse_address(urljoin(address.url, found))
            if address.secure and not following.secure:
                raise Unavailable(N_("The other side sends on to an address that is not encrypted."))
            address = following
        raise Unavailable(ASTRAY)

    def _resolve(self, address: Address) -> tuple[str, int]:
        """(IP address, family) to speak to: the first, if all are allowed."""
        try:
            found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unavailable(N_("There is no such address: the name is not known.")) from error
        places = [(str(where[0]).partition("%")[0], family) for family, _, _, _, where in found]
        if not places or not all(self.allowed(ip_address(ip), address.port) for ip, _ in places):
            raise Invalid(NOT_PUBLIC)
        return places[0]

    def _ask(self, address: Address, headers: Mapping[str, str], ends: float) -> Fetched | str:
        """One request: the answer, or where the other side sends us."""
        ip, family = self._resolve(address)
        left = ends - time.monotonic()
        if left <= 0:
            raise self._late()
        connection = http.client.HTTPConnection(address.host, address.port)
        try:
            raw = socket.socket(cast(socket.AddressFamily, family), socket.SOCK_STREAM)
            connection.sock = raw
            raw.settimeout(left)
            # drips of one byte keep a timeout of reading alive for ever: this one ends it all
            watch = Timer(left, _cut_off, (raw,))
            watch.daemon = True
            watch.start()
            try:
                raw.connect((ip, address.port))
                if address.secure:
                    connection.sock = self.trust().wrap_socket(raw, server_hostname=address.host)
                connection.request("GET", address.path, headers=dict(headers))
                return self._answer(connection.getresponse(), ends)
            finally:
                watch.cancel()
        except ssl.SSLCertVerificationError as error:
            raise Unavailable(NOT_SAFE) from error
        except (OSError, http.client.HTTPException, ValueError, zlib.error) as error:
            raise (self._late() if time.monotonic() >= ends - 0.01 else Unavailable(SILENT)) from error
        finally:
            connection.close()

    def _answer(self, response: http.client.HTTPResponse, ends: float) -> Fetched | str:
        if response.status in REDIRECTS and (target := response.getheader("Location")):
            return target
        tags = response.getheader("ETag") or "", response.getheader("Last-Modified") or ""
        if response.status == 304:
            return Fetched(None, *tags)
        if response.status != 200:
            sentence = ANSWERS.get(response.status, ANSWERED)
            raise Unavailable(sentence, status=response.status)
        encoding = (response.getheader("Content-Encoding") or "identity").strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip"):
            raise Unavailable(SILENT)
        body = self._body(response, encoding != "identity", ends)
        return Fetched(body, *tags)

    def _body(self, response: http.client.HTTPResponse, packed: bool, ends: float) -> bytes:
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if packed else None
        body = bytearray()
        while chunk := response.read1(_CHUNK):
            body += unpack.decompress(chunk, self.most_bytes + 1) if unpack else chunk
            if len(body) > self.most_bytes:
                raise Unavailable(TOO_LARGE, most=self.most_bytes // 1024 // 1024)
        if time.monotonic() >= ends - 0.01:  # the end of the time looks like the end of the body
            raise self._late()
        if (response.length or 0) > 0 or (unpack is not None and not unpack.eof):
            raise http.client.IncompleteRead(b"")
        return bytes(body)

    def _late(self) -> Unavailable:
        return Unavailable(TOO_SLOW, seconds=int(self.seconds))


def _cut_off(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def current_fetcher() -> Fetcher:
    """The client of the running application."""
    return cast(Fetcher, current_app.extensions.get("forum_fetcher") or Fetcher())
