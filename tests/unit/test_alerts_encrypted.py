"""Mails travel encrypted, to the server that was named, or not at all: against a mail server that the test starts."""

import datetime
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipelines.alerts.alert_settings import load_alerts
from pipelines.alerts.send_alert import send_alert

PASSWORD = "hunter2"


class Server(socketserver.ThreadingTCPServer):
    """A mail server: TLS from the start, by STARTTLS, or (``offers`` off) never; it keeps what it was told, and how."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext, *, at_once: bool, offers: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.context, self.at_once, self.offers = context, at_once, offers
        self.plain: list[bytes] = []
        self.encrypted: list[bytes] = []

    @property
    def letters(self) -> str:
        return b"".join(self.encrypted).decode()


class Talk(socketserver.BaseRequestHandler):
    server: Server

    def handle(self) -> None:
        self.heard, link = self.server.plain, self.request
        try:
            if self.server.at_once:
                link = self._encrypt(link)
            self._talk(link)
        except (ssl.SSLError, ConnectionError):
            return  # the other side did not trust us, or went away

    def _encrypt(self, link: "ssl.SSLSocket") -> ssl.SSLSocket:
        found = self.server.context.wrap_socket(link, server_side=True)
        self.heard = self.server.encrypted
        return found

    def _talk(self, link: "ssl.SSLSocket") -> None:
        link.sendall(b"220 here\r\n")
        lines, letter = link.makefile("rb"), False
        while line := lines.readline():
            self.heard.append(line)
            word = line.strip().upper()
            if letter:
                letter = word != b"."
                if not letter:
                    link.sendall(b"250 kept\r\n")
            elif word.startswith(b"EHLO"):
                more = b"250-STARTTLS\r\n" if self.server.offers else b""
                link.sendall(b"250-here\r\n" + more + b"250 AUTH PLAIN\r\n")
            elif word == b"STARTTLS":
                link.sendall(b"220 go on\r\n")
                link = self._encrypt(link)
                lines = link.makefile("rb")
            elif word == b"DATA":
                letter = True
                link.sendall(b"354 go on\r\n")
            elif word == b"QUIT":
                link.sendall(b"221 bye\r\n")
                return
            else:
                link.sendall(b"235 welcome\r\n" if word.startswith(b"AUTH") else b"250 ok\r\n")


@contextmanager
def running(server: Server) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """What a server named localhost shows, and the file that makes a client trust it."""
    folder, key = tmp_path_factory.mktemp("identity"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, secret)
    return context, certificate


def mail(scheme: str, port: int, host: str = "localhost") -> list[str]:
    told = {
        "SMTP": f"{scheme}://ann@{host}:{port}",
        "SMTP_PASSWORD": PASSWORD,
        "MAIL_TO": "data@firm.example",
        "NETWORKS": "127.0.0.0/8",
    }
    settings = load_alerts({f"LEADSCORE_ALERT_{name}": text for name, text in told.items()})
    return send_alert(settings, "monitor.act", "Act: freshness", "activities have stopped", {})


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
def test_a_mail_and_its_password_are_sent_encrypted(
    scheme: str, identity: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = identity
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = Server(context, at_once=scheme == "smtps")
    with running(server) as port:
        assert mail(scheme, port) == []
    assert "activities have stopped" in server.letters and "AUTH PLAIN" in server.letters
    assert not any(word in line for line in server.plain for word in (b"AUTH", b"MAIL", b"DATA"))


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
def test_a_server_that_is_not_the_one_named_is_told_nothing(
    scheme: str, identity: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = identity
    server = Server(context, at_once=scheme == "smtps")
    with running(server) as port:
        assert mail(scheme, port) == ["No mail was sent: SSLCertVerificationError."], "nobody vouches for it"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert mail(scheme, port, "127.0.0.1") == ["No mail was sent: SSLCertVerificationError."], "of another name"
    assert server.encrypted == [] and not any(b"AUTH" in line or b"MAIL" in line for line in server.plain)


def test_a_server_without_starttls_is_told_nothing(identity: tuple[ssl.SSLContext, Path]) -> None:
    server = Server(identity[0], at_once=False, offers=False)
    with running(server) as port:
        assert mail("smtp", port) == ["No mail was sent: SMTPNotSupportedError."]
    assert not any(b"AUTH" in line or b"MAIL" in line for line in server.plain)
