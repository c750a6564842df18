"""What a broken wire means, and where requests may go."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from instep.core.errors import Bug, InputError, Retry, Scope
from instep.crm import transport as transport_module
from instep.crm.addresses import LOOPBACK, check_url
from instep.crm.transport import Transport


def resolver(*addresses: str) -> Callable[[str, int], list[str]]:
    return lambda host, port: list(addresses)


@pytest.mark.parametrize(
    ("url", "addresses", "origin"),
    [
        ("https://acme.example/path?x=1", ("93.184.216.34",), "https://acme.example"),
        ("https://acme.example:8443", ("93.184.216.34",), "https://acme.example:8443"),
        ("http://127.0.0.1:8080/", ("127.0.0.1",), "http://127.0.0.1:8080"),
        ("http://localhost:8080", ("127.0.0.1", "::1"), "http://localhost:8080"),
        ("http://[::1]:8080", ("::1",), "http://[::1]:8080"),
    ],
)
def test_a_public_or_loopback_address_is_allowed(url: str, addresses: tuple[str, ...], origin: str) -> None:
    assert check_url(url, (LOOPBACK,), resolver=resolver(*addresses)) == origin


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost", "https://[::1]:8080"])
def test_this_machine_is_inside_unless_the_operator_names_it(url: str) -> None:
    """An administrator of an account must not have Instep knock at the doors of the machine that it runs on."""
    with pytest.raises(InputError, match="private network"):
        check_url(url)
    assert check_url(url, (LOOPBACK,)) == url
    with pytest.raises(InputError, match="private network"):
        # any name can be made to lead there
        check_url("https://acme.example", (LOOPBACK,), resolver=resolver("127.0.0.1"))
    with pytest.raises(InputError, match="private network"):
        Transport().send("GET", url)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.5",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.5",
        "64:ff9b::a00:5",
        "2002:a00:5::",
        "64:ff9b:1::a00:5",
        "fec0::1",
        "::a00:5",
        "127.0.0.1",
        "::1",
    ],
)
def test_a_name_that_leads_into_a_private_network_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="private network"):
        check_url("https://acme.example", resolver=resolver("93.184.216.34", address))


def test_the_allow_list_names_hosts_and_networks() -> None:
    inside = resolver("10.0.0.5")
    assert check_url("https://crm.internal", ("crm.internal",), resolver=inside)
    assert check_url("https://crm.internal", ("10.0.0.0/8",), resolver=inside)
    with pytest.raises(InputError):
        check_url("https://crm.internal", ("other.internal", "10.1.0.0/16"), resolver=inside)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://acme.example", "not encrypted"),
        ("ftp://acme.example", "no|not a web address"),
        ("acme.example", "not a web address"),
        ("https://", "not a web address"),
        ("https://user:secret@acme.example", "user name"),
        ("https://acme.example:notaport", "cannot be read"),
    ],
)
def test_other_addresses_are_refused_in_clear_words(url: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        check_url(url, resolver=resolver("93.184.216.34"))
    assert caught.value.cure
    assert "secret" not in str(caught.value)


def test_an_unknown_host_is_an_input_error() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(InputError, match="not found"):
        check_url("https://acme.invalid", resolver=unknown)


def test_a_name_that_changes_after_the_check_reaches_nothing() -> None:
    """DNS rebinding: public when it was typed, private when it is called."""
    answers = [["93.184.216.34"], ["10.0.0.5"]]
    rebinding = Transport(resolver=lambda host, port: answers.pop(0))
    assert check_url("https://acme.example", resolver=rebinding._wire._resolver)  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="private network"):
        rebinding.send("GET", "https://acme.example/")


def test_the_checked_address_is_the_one_that_is_called(loopback: Loopback) -> None:
    transport = Transport(allow=("somewhere.example",), resolver=resolver("127.0.0.1"))
    answer = transport.send("GET", f"http://somewhere.example:{loopback.port}/x?secret=1")
    assert answer.status == 200
    assert f"host: somewhere.example:{loopback.port}" in loopback.seen[0].lower()


def test_a_cookie_of_one_org_is_told_to_nobody(loopback: Loopback) -> None:
    """Tenants share a transport: what one org's answer sets must not travel with another's request."""
    loopback.answer = _ANSWER.replace(b"content", b"set-cookie: BrowserId=abc; path=/\r\ncontent")
    transport = Transport(allow=(LOOPBACK,))
    for _ in range(2):
        assert "set-cookie" in transport.send("GET", f"http://127.0.0.1:{loopback.port}/").headers
    assert not [seen for seen in loopback.seen if "cookie" in seen.lower()]


def test_a_redirect_is_not_followed(loopback: Loopback) -> None:
    loopback.answer = _ANSWER.replace(b"200 OK", b"302 Found\r\nlocation: http://127.0.0.1:1/")
    assert Transport(allow=(LOOPBACK,)).send("GET", f"http://127.0.0.1:{loopback.port}/").status == 302


def test_the_second_address_of_a_host_is_tried_with_the_same_request(loopback: Loopback) -> None:
    transport = Transport(allow=("127.0.0.0/8",), resolver=resolver("127.0.0.2", "127.0.0.1"))
    answer = transport.send("POST", f"http://two.example:{loopback.port}/x", json={"a": 1})
    assert answer.status == 200
    assert f"host: two.example:{loopback.port}" in loopback.seen[0].lower()
    assert "content-length: 7" in loopback.seen[0].lower()


def test_the_name_service_is_asked_once_and_again_after_trouble(loopback: Loopback) -> None:
    asked: list[str] = []

    def here(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    transport = Transport(allow=("127.0.0.0/8",), resolver=here)
    for _ in range(3):
        transport.send("GET", f"http://somewhere.example:{loopback.port}/")
    assert len(asked) == 1
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for _ in range(2):
        with pytest.raises(Retry):
            transport.send("GET", f"http://somewhere.example:{port}/")
    assert len(asked) == 3


def test_an_answer_beyond_all_measure_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "LARGEST_ANSWER", 1024 * 1024)
    bomb = gzip.compress(b"x" * 50_000_000)
    inner = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"Content-Encoding": "gzip"}, content=bomb)
    )
    with pytest.raises(Retry, match="more than 1 MB") as caught:
        Transport(inner=inner).send("POST", "https://acme.example/", json={}, changes=True)
    assert caught.value.outcome_unknown


_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"


class Loopback:
    """A server that does one odd thing with each connection."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.answer: bytes | None = _ANSWER
        self.hold = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self.seen.append(connection.recv(65536).decode())
                if self.answer is None:
                    self.hold.wait(5)
                else:
                    connection.sendall(self.answer)

    def close(self) -> None:
        self.hold.set()
        self._socket.close()


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    server = Loopback()
    yield server
    server.close()


@pytest.mark.parametrize("changes", [True, False])
def test_no_answer_in_time_leaves_the_outcome_of_a_change_unknown(loopback: Loopback, changes: bool) -> None:
    loopback.answer = None
    with pytest.raises(Retry) as caught:
        Transport(read_seconds=0.1, allow=(LOOPBACK,)).send(
            "POST", f"http://127.0.0.1:{loopback.port}/", changes=changes
        )
    assert caught.value.code == "timeout"
    assert caught.value.scope is Scope.BATCH
    assert caught.value.outcome_unknown is changes


def test_a_connection_that_ends_without_an_answer_leaves_the_outcome_unknown(loopback: Loopback) -> None:
    loopback.answer = b""
    with pytest.raises(Retry) as caught:
        Transport(allow=(LOOPBACK,)).send(
            "PATCH", f"http://127.0.0.1:{loopback.port}/", json={}, changes=True
        )
    assert caught.value.code == "connection_lost"
    assert caught.value.outcome_unknown


def test_a_refused_connection_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Retry) as caught:
        Transport(allow=(LOOPBACK,)).send("POST", f"http://127.0.0.1:{port}/", json={}, changes=True)
    assert caught.value.code == "unreachable"
    assert caught.value.scope is Scope.CONNECTION
    assert not caught.value.outcome_unknown


def test_a_name_service_in_trouble_is_passing() -> None:
    def down(host: str, port: int) -> list[str]:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    with pytest.raises(Retry, match="could not be reached"):
        Transport(resolver=down).send("GET", "https://acme.example/")


def test_what_is_no_json_is_refused_before_sending() -> None:
    never = Transport(inner=httpx2.MockTransport(lambda request: pytest.fail("was sent")))
    for value in (float("nan"), "\ud800"):
        with pytest.raises(Bug):
            never.send("POST", "https://acme.example/", json={"x": value})


def test_the_log_names_the_call_but_no_query_and_no_token(
    loopback: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "instep.crm.transport")
    url = f"http://127.0.0.1:{loopback.port}/query?q=guest@guest.example"
    Transport(allow=(LOOPBACK,)).send("GET", url, headers={"Authorization": "Bearer secret"})
    (record,) = caplog.records
    assert (record.path, record.status) == ("/query", 200)  # type: ignore[attr-defined]
    assert "guest.example" not in str(record.__dict__)
    assert "secret" not in str(record.__dict__)


# -- encryption ----------------------------------------------------------------------------------


def certificate(folder: Path, *names: str) -> Path:
    """A self-signed certificate for these names, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        signed.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


@pytest.fixture
def encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of an https server whose certificate is for acme.example, trusted by the operator."""
    path = certificate(tmp_path, "acme.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)

    class Quiet(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    server.daemon_threads = True
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_the_certificate_must_be_that_of_the_name_that_was_called(encrypted: int) -> None:
    """Two orgs behind one address: a connection that was checked for one is not used for the other."""
    transport = Transport(allow=("127.0.0.1",), resolver=resolver("127.0.0.1"))
    assert transport.send("GET", f"https://acme.example:{encrypted}/").status == 200
    with pytest.raises(Retry, match=r"other\.example could not be reached: .*certificate"):
        transport.send("GET", f"https://other.example:{encrypted}/")
    transport.close()
