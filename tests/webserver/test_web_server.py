"""The web server of pages: who is answered, what may be sent, and how it ends. All over a real connection."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator

import numpy as np
import pytest

from galaxtool.errors import ConfigError
from galaxtool.types import Silent
from galaxtool.webserver.answers import answer_array
from galaxtool.webserver.page_files import PageFile
from galaxtool.webserver.requests import Fields
from galaxtool.webserver.routes import get, post, serve_files, upload
from galaxtool.webserver.server import ServerOptions, WebServer

pytestmark = pytest.mark.usefixtures("loopback")


def fail(fields: Fields) -> dict[str, object]:
    if "deep" in fields:
        raise RuntimeError("secret detail")
    raise ConfigError("No such thing.", hint="Try another.")


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    routes = [
        *serve_files({"index.html": PageFile(b"<p>page</p>", "text/html"), "a.js": PageFile(b"1", "text/javascript")}),
        get("/api/k", lambda fields: {"k": fields.integer("k", 3, 1, 9), "nan": np.float32("nan"), "row": np.int64(2)}),
        get("/api/array", lambda fields: answer_array(np.arange(3, dtype=">f4"))),
        get("/api/fail", fail),
        post("/api/rows", lambda fields: {"rows": fields.rows("rows", 10)}),
        upload("/api/file", lambda content, fields: {"size": len(content)}, limit=1000),
    ]
    options = ServerOptions(browser=False)
    with WebServer("test", options).start(routes, Silent()) as found:
        yield found


def ask(
    server: WebServer, path: str, *, method: str = "GET", body: bytes = b"", token: bool = True, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        named["Authorization"] = f"Bearer {server.access.token}"
    if method != "GET":
        named.setdefault("X-Galaxtool", "1")
    connection.request(method, path, body or None, {name: value for name, value in named.items() if value})
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def test_the_address_lets_a_browser_in_once_it_has_the_token(server: WebServer) -> None:
    path = server.address.removeprefix(f"http://127.0.0.1:{server.port}")
    status, headers, _ = ask(server, path, token=False)
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie and "samesite=strict" in cookie.lower()
    status, headers, body = ask(server, "/", token=False, Cookie=cookie.partition(";")[0])
    assert (status, body) == (200, b"<p>page</p>")
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    # a second browser has no cookie, and needs the address again
    assert ask(server, "/", token=False)[0] == 403
    assert ask(server, path, token=False)[0] == 303


def test_a_code_works_once(server: WebServer) -> None:
    code = server.access.make_code()
    assert [ask(server, f"/?code={code}", token=False)[0] for _ in range(2)] == [303, 403]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Cookie": "galaxtool=x"},
        {"Cookie": "\x7f;;=,"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic Og=="},
    ],
)
@pytest.mark.parametrize("path", ["/", "/files/a.js", "/api/k", "/?token=wrong", "/?code=", "/nothing"])
def test_without_the_token_nothing_is_answered(server: WebServer, path: str, headers: dict[str, str]) -> None:
    status, _, body = ask(server, path, token=False, **headers)
    assert status == 403
    assert b"token" in body and server.access.token.encode() not in body


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "localhost.evil", "10.0.0.1", "[::"])
def test_a_foreign_host_is_refused_even_with_the_token(server: WebServer, host: str) -> None:
    assert ask(server, "/", Host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost:9999", "127.0.0.1", "[::1]:80", "LOCALHOST"])
def test_names_of_this_machine_are_taken_at_any_port_for_tunnels(server: WebServer, host: str) -> None:
    assert ask(server, "/", Host=host)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Galaxtool": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_orders_come_from_the_page_alone(server: WebServer, headers: dict[str, str]) -> None:
    assert ask(server, "/api/rows", method="POST", body=b"{}", **headers)[0] == 403


def test_orders_of_the_page_are_taken(server: WebServer) -> None:
    origin = f"http://127.0.0.1:{server.port}"
    status, _, body = ask(server, "/api/rows", method="POST", body=b'{"rows": [1, 9]}', Origin=origin)
    assert (status, json.loads(body)) == (200, {"rows": [1, 9]})


@pytest.mark.parametrize(
    "body", [b"{", b"[1]", b'{"rows": [10]}', b'{"rows": [-1]}', b'{"rows": [true]}', b'{"rows": "1"}', b"[" * 100_000]
)
def test_values_are_checked(server: WebServer, body: bytes) -> None:
    status, _, answer = ask(server, "/api/rows", method="POST", body=body)
    assert status == 400
    assert json.loads(answer)["error"].endswith(".")


def test_answers_are_strict_json_and_little_endian(server: WebServer) -> None:
    status, headers, body = ask(server, "/api/k?k=4")
    assert (status, json.loads(body)) == (200, {"k": 4, "nan": None, "row": 2})
    assert headers["cache-control"] == "no-store" and headers["x-content-type-options"] == "nosniff"
    assert np.frombuffer(ask(server, "/api/array")[2], "<f4").tolist() == [0, 1, 2]
    assert ask(server, "/api/k?k=10")[0] == ask(server, "/api/k?k=nan")[0] == ask(server, "/api/k?k=1.5")[0] == 400


def test_uploads_are_bounded(server: WebServer) -> None:
    assert json.loads(ask(server, "/api/file", method="POST", body=b"x" * 1000)[2]) == {"size": 1000}
    assert ask(server, "/api/file", method="POST", body=b"x" * 1001)[0] == 413


@pytest.mark.parametrize(
    "path", ["/files/../server.py", "/files/%2e%2e%2fserver.py", "/files//etc/passwd", "/files/b.js", "/files/a.js/x"]
)
def test_no_path_leads_to_a_file_that_is_not_part_of_the_page(server: WebServer, path: str) -> None:
    assert ask(server, "/files/a.js")[2] == b"1"
    assert ask(server, path)[0] == 404


def test_errors_say_what_they_were_raised_to_say(server: WebServer) -> None:
    assert json.loads(ask(server, "/api/fail")[2]) == {"error": "No such thing.", "hint": "Try another."}
    status, _, body = ask(server, "/api/fail?deep=1")
    assert status == 500 and b"secret" not in body


def test_a_port_in_use_is_one_sentence(server: WebServer) -> None:
    with pytest.raises(ConfigError, match=rf"Port {server.port} is in use\."):
        WebServer("second", ServerOptions(port=server.port, browser=False))
    with pytest.raises(ConfigError, match="from 0 to 65535"):
        ServerOptions(port=70_000)
    with pytest.raises(ConfigError, match=r"no address 'no\.such\.invalid'"):
        WebServer("nowhere", ServerOptions(host="no.such.invalid", browser=False))


def test_it_stops_and_frees_the_port() -> None:
    closed: list[bool] = []
    server = WebServer("short", ServerOptions(browser=False), lambda: closed.append(True)).start([], Silent())
    idle = socket.create_connection(("127.0.0.1", server.port))
    server.stop()
    idle.close()
    assert closed == [True]
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)
