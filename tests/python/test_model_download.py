"""Models over https, from a server on this machine with a certificate of its own."""

from __future__ import annotations

import http.server
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from toy_models import PAYLOAD, leftovers, sha256, url_registry

import guise
from guise.models import fetch, store
from guise.models.fetch import fetch_model
from guise.models.registry import ModelEntry


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/to-http"):
            self.send_response(302)
            self.send_header("Location", "http://localhost:1/toy")
            self.end_headers()
            return
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
            return
        body = {
            "/good": PAYLOAD,
            "/flip": PAYLOAD[:-1] + b"!",
            "/long": PAYLOAD * 100,
            "/short": PAYLOAD[:500],
        }.get(self.path)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:  # the client stops reading a body that is too long
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost with its key, made for this run."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command to make a certificate for localhost")
    folder = tmp_path_factory.mktemp("certificate")
    both = folder / "both.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(command, check=True, capture_output=True)
    both.write_bytes((folder / "key.pem").read_bytes() + (folder / "certificate.pem").read_bytes())
    return both


@pytest.fixture
def server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """An https server on this machine; call it with a path to get the address."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    yield lambda path: f"https://localhost:{httpd.server_port}{path}"
    httpd.shutdown()
    httpd.server_close()


def quiet(_: str) -> None:
    pass


@pytest.mark.parametrize("path", ["/good", "/moved"])
def test_https_brings_the_file(empty_store: Path, server: Callable[[str], str], path: str) -> None:
    stored = fetch_model("toy", registry=url_registry(server(path)), announce=quiet)
    assert stored.read_bytes() == PAYLOAD
    assert leftovers(empty_store) == []


@pytest.mark.parametrize(
    ("path", "error", "text"),
    [
        ("/flip", guise.CorruptFile, "must be toy.onnx with sha256"),
        ("/long", guise.CorruptFile, "more came"),
        ("/short", guise.Unavailable, "ended after 500"),
        ("/none", guise.Unavailable, "guise models fetch toy"),
        ("/to-http", guise.Unavailable, "must stay on https"),
    ],
)
def test_https_refuses_what_is_not_the_file(
    empty_store: Path,
    server: Callable[[str], str],
    path: str,
    error: type[Exception],
    text: str,
) -> None:
    with pytest.raises(error, match=text):
        fetch_model("toy", registry=url_registry(server(path)), announce=quiet)
    assert list(empty_store.iterdir()) == []


@pytest.mark.parametrize("path", ["/good", "/flip", "/long", "/short"])
def test_a_checkpoint_is_verified_before_it_is_converted(
    empty_store: Path, server: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    made = b"made of it"
    pin = f'{{file = "toy.pth", sha256 = "{sha256(PAYLOAD)}", bytes = {len(PAYLOAD)}}}'
    registry = url_registry(server(path), payload=made, converted_from=pin)

    def convert(entry: ModelEntry, checkpoint: Path, folder: Path) -> Path:
        assert checkpoint.read_bytes() == PAYLOAD
        (folder / entry.file).write_bytes(made)
        return store.put(entry, folder / entry.file, origin="here")

    monkeypatch.setattr(fetch, "convert_into_store", convert)
    said: list[str] = []
    if path == "/good":
        stored = fetch_model("toy", registry=registry, announce=said.append)
        assert stored.read_bytes() == made
        assert f"download {len(PAYLOAD) / 1e6:.1f} MB" in said[0]
    else:
        with pytest.raises((guise.CorruptFile, guise.Unavailable), match=r"toy"):
            fetch_model("toy", registry=registry, announce=said.append)
        assert list(empty_store.iterdir()) == []


def test_a_server_with_an_unknown_certificate_is_refused(
    empty_store: Path, server: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(guise.Unavailable, match=r"(?i)certificate"):
        fetch_model("toy", registry=url_registry(server("/good")), announce=quiet)


def test_http_is_refused_by_the_registry() -> None:
    with pytest.raises(ValueError, match="https://"):
        url_registry("http://localhost/toy")
