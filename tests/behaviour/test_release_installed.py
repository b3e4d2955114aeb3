"""Wheel and source archive in bare environments of every Python here, used in a folder that is no repository."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.reference.release import ROOT, build_archives

VERSIONS = ("3.11", "3.12", "3.13")
UV = Path(sys.executable).with_name("uv")
PAGE_WAIT = 120  # seconds until a server of a fresh environment has compiled what it needs


def interpreter(number: str) -> str | None:
    """A Python of that version: the one of the tests, one on the path, or one of pyenv."""
    if number == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return sys.executable
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{number}.*/bin/python"))
    return str(pyenv[-1]) if pyenv else shutil.which(f"python{number}")


def run(*command: str | Path, cwd: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.prove
def test_the_machine_has_more_than_one_python() -> None:
    assert sum(interpreter(number) is not None for number in VERSIONS) > 1


@pytest.mark.prove
@pytest.mark.parametrize("number", [number for number in VERSIONS if interpreter(number)])
@pytest.mark.parametrize("kind", ["wheel", "source"])
def test_an_archive_works_alone(number: str, kind: str, tmp_path: Path) -> None:
    source, wheel = build_archives(tmp_path)
    left_out = ("PYTHONPATH", "LEADSCORE_DATA", "NUMBA_CACHE_DIR", "VIRTUAL_ENV")
    env = {name: value for name, value in os.environ.items() if name not in left_out}
    home, python = tmp_path / "bare", tmp_path / "bare" / "bin" / "python"
    run(UV, "venv", "--quiet", "--python", str(interpreter(number)), home, cwd=tmp_path, env=env)
    install = (UV, "pip", "install", "--quiet", "--python", python)
    run(*install, "--require-hashes", "-r", ROOT / "requirements.lock", cwd=tmp_path, env=env)
    run(*install, "--no-deps", wheel if kind == "wheel" else source, cwd=tmp_path, env=env)

    folder, leadscore = tmp_path / "anywhere", home / "bin" / "leadscore"
    folder.mkdir()
    told = run(leadscore, "--version", cwd=folder, env=env).strip()
    asked = "import importlib.metadata as m, leadscore; print(m.version(leadscore.__name__))"
    assert told == run(python, "-c", asked, cwd=folder, env=env).strip()
    if kind == "source":
        return  # built from it, the wheel is the same (tests/unit/test_release.py)

    told = run(leadscore, "run", "--source", "demo", "--tiny", cwd=folder, env=env)
    assert "won" in told and (folder / "data" / "demo" / "reports" / "report.html").is_file()
    rows = "".join(f"L{k},2025-01-{k % 28 + 1:02d},Retail,{'Won' if k % 3 else 'Lost'}\n" for k in range(60))
    (folder / "deals.csv").write_text(f"Lead ID,Created,Industry,Status\n{rows}")
    assert "Lead ID" in run(leadscore, "init", "deals.csv", cwd=folder, env=env)

    port = free_port()
    command = [str(leadscore), "serve", "--source", "demo", "--port", str(port)]
    server = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + PAGE_WAIT
        while True:
            try:
                page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30).read().decode()
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < until
                time.sleep(0.5)
        assert re.search(r"<title>[^<]+ · [^<]*funnel[^<]*</title>", page, re.I)
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/static/icon.svg", timeout=30).status == 200
    finally:
        server.terminate()
        server.wait(30)
