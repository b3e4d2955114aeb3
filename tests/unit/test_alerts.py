"""Alerts go where they are declared, by the rules for outbound addresses, and never end a command."""

import hashlib
import hmac
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from pipelines.alerts.alert_settings import AlertSettingsError, load_alerts
from pipelines.alerts.send_alert import SIGNATURE, send_alert


class Mail(socketserver.StreamRequestHandler):
    """As much of a mail server as one letter needs."""

    letters: list[str] = []  # noqa: RUF012  one server a test, which empties it

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                text = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    text += part
                Mail.letters.append(text.decode())
            self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 ok\r\n")


class Hook(BaseHTTPRequestHandler):
    messages: list[tuple[str, bytes]] = []  # noqa: RUF012  as above

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        Hook.messages.append((self.headers[SIGNATURE], body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def environment(**told: str) -> dict[str, str]:
    return {f"LEADSCORE_ALERT_{name}": text for name, text in told.items()}


def test_a_mail_and_a_signed_webhook_arrive_in_declared_networks() -> None:
    Mail.letters, Hook.messages = [], []
    mail = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)
    with served(mail) as smtp, served(HTTPServer(("127.0.0.1", 0), Hook)) as http:
        told = environment(SMTP=f"smtp+plain://localhost:{smtp}", MAIL_TO="data@firm.example", NETWORKS="127.0.0.0/8")
        told |= environment(WEBHOOK=f"http://127.0.0.1:{http}/hook", SECRET="a secret")
        found = send_alert(load_alerts(told), "monitor.act", "Act:\nfreshness", "activities have stopped", {"n": 1})
    assert found == []
    assert "Subject: Act: freshness" in Mail.letters[0] and "activities have stopped" in Mail.letters[0]
    signature, body = Hook.messages[0]
    assert json.loads(body) == {
        "event": "monitor.act",
        "subject": "Act:\nfreshness",
        "text": "activities have stopped",
        "data": {"n": 1},
    }
    at, mac = (part.split("=")[1] for part in signature.split(","))
    assert mac == hmac.new(b"a secret", f"{at}.".encode() + body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "told",
    [
        {"SMTP": "smtp+plain://127.0.0.1:9", "MAIL_TO": "a@firm.example"},
        {"SMTP": "smtps://169.254.169.254", "MAIL_TO": "a@firm.example"},
        {"WEBHOOK": "https://10.0.0.1/hook", "SECRET": "x"},
    ],
    ids=["plain mail to this machine", "link-local", "private"],
)
def test_addresses_inside_the_network_are_refused_unless_declared(told: dict[str, str]) -> None:
    found = send_alert(load_alerts(environment(**told)), "monitor.act", "s", "t", {})
    assert len(found) == 1 and "which was not declared" in found[0]


def test_a_receiver_that_is_away_is_said() -> None:
    told = environment(SMTP="smtp+plain://127.0.0.1:1", MAIL_TO="a@firm.example", NETWORKS="127.0.0.0/8")
    assert send_alert(load_alerts(told), "e", "s", "t", {}) == ["No mail was sent: ConnectionRefusedError."]
    assert not load_alerts({}).anybody


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"WEBHOOK": "ftp://firm.example", "SECRET": "x"}, "WEBHOOK"),
        ({"WEBHOOK": "https://firm.example"}, "SECRET is missing"),
        ({"SMTP": "mail.example", "MAIL_TO": "a@firm.example"}, "smtps://"),
        ({"SMTP": "smtps://me:hidden@mail.example", "MAIL_TO": "a@firm.example"}, "SMTP_PASSWORD"),
        ({"SMTP": "smtps://mail.example", "MAIL_TO": "nobody"}, "names nobody"),
        ({"NETWORKS": "ten"}, "10.1.0.0/16"),
    ],
)
def test_what_cannot_be_a_receiver_is_refused_without_its_password(told: dict[str, str], said: str) -> None:
    with pytest.raises(AlertSettingsError, match=said) as refused:
        load_alerts(environment(**told))
    assert "hidden" not in refused.value.message and refused.value.code == "LS071"
