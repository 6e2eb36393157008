"""The guarded client, against real servers on this machine that behave badly."""

import gzip
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any

import pytest

from forum_app.core.errors import Invalid, Unavailable
from forum_app.web.fetching import Fetcher, is_public, parse_address

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def serving(answer: Answer) -> Iterator[int]:
    """A server on 127.0.0.1; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def body(content: bytes, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        for name, value in {"Content_Length": str(len(content)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(content)

    return answer


def local(port: int, **values: Any) -> Fetcher:
    """Speaks to one port of this machine, and to the public."""
    return Fetcher(
        allowed=lambda ip, at: is_public(ip) or (str(ip) == "127.0.0.1" and at == port),
        **{"seconds": 5, **values},
    )


@pytest.mark.parametrize(
    "ip",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
        *("::", "::1", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:c0a8:1::1"),
    ],
)
def test_private_addresses_are_not_public(ip: str) -> None:
    assert not is_public(ip_address(ip))


@pytest.mark.parametrize("ip", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are(ip: str) -> None:
    assert is_public(ip_address(ip))


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://0x7f.1/", "http://2130706433/"),
        *(
            "http://0/",
            "http://127.1/",
            "https://[::ffff:127.0.0.1]/",
            "http://169.254.169.254/latest/meta-data",
        ),
        *("http://10.0.0.1:8080/", "http://8.8.8.8:22/", "http://8.8.8.8:25/"),
    ],
)
def test_nothing_but_the_public_internet_is_spoken_to(url: str) -> None:
    with pytest.raises(Invalid):
        Fetcher(seconds=2).fetch(url)


@pytest.mark.parametrize(
    "text",
    [
        *("", "calendar", "ftp://example.org/a", "file:///etc/passwd", "javascript:alert(1)", "https://"),
        *("https://user:word@example.org/", "http://example.org:99999/", "https://[::1/", "gopher://x/1"),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_address(text)


def test_an_address_in_normal_form() -> None:
    assert (
        parse_address(" webcal://Example.ORG/a b/c.ics?k=1#part ").url
        == "https://example.org/a%20b/c.ics?k=1"
    )
    assert parse_address("https://例え.jp/予定").host == "xn--r8jz45g.jp"
    assert "\r" not in parse_address("https://example.org/a\r\nX: y").url


def test_a_calendar_with_its_marks() -> None:
    with serving(body(b"BEGIN:VCALENDAR", ETag='"1"', Last_Modified="Mon")) as port:
        found = local(port).fetch(f"http://127.0.0.1:{port}/secret.ics")
    assert (found.body, found.etag, found.modified) == (b"BEGIN:VCALENDAR", '"1"', "Mon")


def test_what_is_known_is_asked_for_by_its_marks() -> None:
    asked: list[tuple[str | None, str | None]] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append((request.headers["If-None-Match"], request.headers["If-Modified-Since"]))
        request.send_response(304)
        request.end_headers()

    with serving(answer) as port:
        found = local(port).fetch(f"http://127.0.0.1:{port}/", etag='"1"', modified="Mon")
    assert found.body is None
    assert asked == [('"1"', "Mon")]


def redirecting(target: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", target)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:1/",
        "http://localhost:9/",
        "http://[::1]/",
        "//10.0.0.1/",
        "file:///etc/passwd",
        "http://u:p@a.example/",
    ],
)
def test_no_redirect_leads_inside(target: str) -> None:
    with serving(redirecting(target)) as port, pytest.raises(Invalid):
        local(port).fetch(f"http://127.0.0.1:{port}/")


def test_redirects_end() -> None:
    with serving(redirecting("/again")) as port, pytest.raises(Unavailable) as refused:
        local(port).fetch(f"http://127.0.0.1:{port}/")
    assert "without end" in str(refused.value)


def slow(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(100):
        request.wfile.write(b"B")
        time.sleep(0.1)


def slow_head(request: BaseHTTPRequestHandler) -> None:
    for letter in b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 100:
        request.wfile.write(bytes([letter]))
        time.sleep(0.1)


@pytest.mark.parametrize("answer", [slow, slow_head])
def test_drips_are_cut_off(answer: Answer) -> None:
    began = time.monotonic()
    with serving(answer) as port, pytest.raises(Unavailable) as refused:
        local(port, seconds=0.6).fetch(f"http://127.0.0.1:{port}/")
    assert "slow" in str(refused.value)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "answer",
    [
        body(b"x" * 2000),
        body(gzip.compress(b"x" * 3_000_000), Content_Encoding="gzip"),
        body(b"x" * 2000, Content_Length="10000000000"),
    ],
)
def test_too_much_is_not_read(answer: Answer) -> None:
    with serving(answer) as port, pytest.raises(Unavailable) as refused:
        local(port, most_bytes=1000).fetch(f"http://127.0.0.1:{port}/")
    assert "too large" in str(refused.value)


def test_gzip_is_read() -> None:
    with serving(body(gzip.compress(b"BEGIN"), Content_Encoding="gzip")) as port:
        assert local(port).fetch(f"http://127.0.0.1:{port}/").body == b"BEGIN"


def test_half_an_answer_is_none() -> None:
    with serving(body(b"BEGIN", Content_Length="100")) as port, pytest.raises(Unavailable):
        local(port).fetch(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 500, 503, 206])
def test_an_error_is_told_in_words(status: int) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", "0")
        request.end_headers()

    with serving(answer) as port, pytest.raises(Unavailable) as refused:
        local(port).fetch(f"http://127.0.0.1:{port}/hush")
    assert str(refused.value).endswith((".", "?"))
    assert "hush" not in str(refused.value)


def test_what_is_no_answer_is_told() -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"SSH-2.0-OpenSSH\r\n")

    with serving(answer) as port, pytest.raises(Unavailable):
        local(port).fetch(f"http://127.0.0.1:{port}/")


def test_a_server_without_a_certificate_is_not_read() -> None:
    with serving(body(b"BEGIN")) as port, pytest.raises(Unavailable):
        local(port, trust=ssl.create_default_context).fetch(f"https://127.0.0.1:{port}/")
