"""Tell the receivers: a signed webhook, and a mail; what cannot be sent is said, and changes no exit status."""

import hashlib
import hmac
import http.client
import json
import smtplib
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any

from pipelines.alerts.alert_settings import AlertSettings, MailSettings
from pipelines.outbound.networks import IPNetwork
from pipelines.outbound.posting import look_up, post
from pipelines.outbound.receivers import AddressRefusedError, parse_address

SECONDS = 10.0  # a webhook, or a mail, may take
SIGNATURE = "Leadscore-Signature"


def send_alert(settings: AlertSettings, event: str, subject: str, text: str, data: Mapping[str, Any]) -> list[str]:
    """Tell everybody who is declared; returns what went wrong, a sentence a receiver, empty if nothing did.

    Parameters
    ----------
    event : ``monitor.act`` or ``retrain.<decision>``
    data : what the webhook carries beside the text
    """
    problems = []
    if settings.webhook:
        found = _post_alert(settings, {"event": event, "subject": subject, "text": text, "data": dict(data)})
        problems += [f"The webhook for alerts was not reached: {found}."] if found else []
    if settings.mail is not None:
        found = _mail_alert(settings.mail, settings.networks, subject, text)
        problems += [f"No mail was sent: {found}."] if found else []
    return problems


def _post_alert(settings: AlertSettings, message: Mapping[str, Any]) -> str:
    """Why a webhook did not arrive; empty if it did."""
    body = json.dumps(message, sort_keys=True, ensure_ascii=False).encode()
    at, until = int(time.time()), time.monotonic() + SECONDS
    mac = hmac.new(settings.secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", SIGNATURE: f"t={at},v1={mac}"}
    try:
        receiver = parse_address(settings.webhook)
        status = post(receiver, look_up(receiver, settings.networks, until), body, headers, until)
    except AddressRefusedError as problem:
        return str(problem)
    except (OSError, http.client.HTTPException, ValueError) as problem:
        return type(problem).__name__
    return "" if 200 <= status < 300 else f"status {status}"


def _mail_alert(settings: MailSettings, networks: Sequence[IPNetwork], subject: str, text: str) -> str:
    """Why a mail was not sent; empty if it was."""
    message = EmailMessage()
    message["Subject"] = " ".join(subject.split())
    message["From"], message["To"] = settings.sender, ", ".join(settings.to)
    message.set_content(text)
    until = time.monotonic() + SECONDS
    try:
        addresses = look_up(settings.receiver, networks, until)
        with _open_smtp(settings, addresses, until) as server:
            if settings.scheme == "smtp":
                server.starttls(context=ssl.create_default_context())
            if settings.user:
                server.login(settings.user, settings.password)
            server.send_message(message)
    except AddressRefusedError as problem:
        return str(problem)
    except (OSError, smtplib.SMTPException, ValueError) as problem:
        return type(problem).__name__
    return ""


def _open_smtp(settings: MailSettings, addresses: Sequence[str], until: float) -> smtplib.SMTP:
    """A session with one of the checked addresses: the name is not resolved a second time."""

    class Checked(smtplib.SMTP):
        def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
            problem: OSError = OSError("no address")
            for address in addresses:
                try:
                    plain = socket.create_connection((address, port), timeout=max(0.1, until - time.monotonic()))
                except OSError as refused:
                    problem = refused
                    continue
                if settings.scheme == "smtps":
                    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
                return plain
            raise problem

    return Checked(settings.host, settings.port, timeout=SECONDS)
