"""A real server on a loopback port, for browsers, kills and load."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any


class Served:
    """A uvicorn process on a run; ``kill`` is kill -9."""

    def __init__(self, run: Any, state_dir: Path, **environment: str) -> None:
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.state_dir = state_dir
        state_dir.mkdir(parents=True, exist_ok=True)
        own = {
            "SOURCE": str(run.source),
            "DATA_DIR": str(run.data_dir),
            "STATE_DIR": str(state_dir),
            "WATCH_SECONDS": "0.2",
            "RATE_PER_SECOND": "100000",
            "RATE_BURST": "100000",
            **environment,
        }
        self.environment = os.environ | {f"LEADSCORE_SERVE_{name}": value for name, value in own.items()}
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)  # else each start would compile anew what it imports
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 60.0, ready: str = "/readyz") -> "Served":
        """Start, and wait until it is ready: until an address of its own answers."""
        command = [sys.executable, "-m", "uvicorn", "--factory", "serving.app:create_app", "--port", str(self.port)]
        with (self.state_dir / "log").open("ab") as log:
            self.process = subprocess.Popen([*command, "--no-access-log"], env=self.environment, stdout=log, stderr=log)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError((self.state_dir / "log").read_text()[-2000:])
            try:
                with urllib.request.urlopen(f"{self.url}{ready}", timeout=1):
                    return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError("the server did not become ready")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        """End it politely."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
