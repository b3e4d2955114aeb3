"""One POST to a checked address: the name is resolved once, and the whole never takes longer than it may."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future

from pipelines.outbound.networks import IPNetwork
from pipelines.outbound.receivers import Receiver, resolve_receiver
from pipelines.outbound.timed_requests import deadline_of

_ANSWER_BYTES = 65_536  # of an answer that are read; what a receiver says beside its status does not matter


def look_up(receiver: Receiver, networks: Sequence[IPNetwork], until: float) -> list[str]:
    """Addresses of the receiver, looked up beside this thread: a name server that does not answer cannot be stopped."""
    found: Future[list[str]] = Future()

    def look() -> None:
        try:
            found.set_result(resolve_receiver(receiver, networks))
        except Exception as problem:  # raised where the result is asked for
            found.set_exception(problem)

    threading.Thread(target=look, name="leadscore-outbound-name", daemon=True).start()
    return found.result(timeout=until - time.monotonic())


def post(receiver: Receiver, addresses: Sequence[str], body: bytes, headers: dict[str, str], until: float) -> int:
    """Status of a POST to the first address that answers; the name is not resolved a second time."""
    connection = http.client.HTTPConnection(receiver.host, receiver.port, timeout=_left(until))
    connection.sock = connect(receiver, addresses, until)
    with deadline_of(connection.sock, until):
        try:
            connection.request("POST", receiver.target, body, {**headers, "host": _host_header(receiver)})
            answer = connection.getresponse()
            answer.read(_ANSWER_BYTES)
            return answer.status
        finally:
            connection.close()


def connect(receiver: Receiver, addresses: Sequence[str], until: float) -> socket.socket:
    """A connection to the first address that answers, wrapped in TLS where the scheme is https."""
    problem: OSError = OSError("no address")
    for address in addresses:
        try:
            plain = socket.create_connection((address, receiver.port), timeout=_left(until))
        except OSError as refused:
            problem = refused
            continue
        if receiver.scheme != "https":
            return plain
        plain.settimeout(max(0.01, until - time.monotonic()))  # of a handshake it bounds the whole, not each read
        return ssl.create_default_context().wrap_socket(plain, server_hostname=receiver.host)
    raise problem


def _left(until: float) -> float:
    """Seconds left; TimeoutError if there are none: a name may stand for hundreds of addresses that do not answer."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _host_header(receiver: Receiver) -> str:
    host = f"[{receiver.host}]" if ":" in receiver.host else receiver.host
    usual = 443 if receiver.scheme == "https" else 80
    return host if receiver.port == usual else f"{host}:{receiver.port}"
