"""A process that reads what somebody sent starts fast, and does not outlive the server that began it."""

import subprocess
import sys

_CHILD = "import os, sys, time; from serving.children.child_work import end_with; end_with(int(sys.argv[1])); {rest}"
_SERVER = (
    "import os, subprocess, sys; child = subprocess.Popen([sys.executable, '-c', sys.argv[1], str(os.getpid())],"
    " stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True); child.stdout.read(1); {rest}"
)
_PATIENCE = 60  # seconds: an hour's sleep must not be waited for


def test_it_ends_when_the_server_is_killed() -> None:
    child = _CHILD.format(rest="os.write(1, b'r'); os.close(1); time.sleep(3600)")
    server = _SERVER.format(rest="os.kill(os.getpid(), 9)")
    began = [sys.executable, "-c", server, child]
    ended = subprocess.run(began, stderr=subprocess.PIPE, timeout=_PATIENCE, check=False)  # until both let go of stderr
    assert ended.returncode == -9, ended.stderr


def test_it_stays_while_the_server_does() -> None:
    child = _CHILD.format(rest="os.write(1, b'r'); time.sleep(2.5); os._exit(7)")
    server = _SERVER.format(rest="sys.exit(child.wait())")
    ended = subprocess.run(
        [sys.executable, "-c", server, child], stderr=subprocess.PIPE, timeout=_PATIENCE, check=False
    )
    assert ended.returncode == 7, ended.stderr


def test_what_it_reads_with_imports_neither_a_compiler_nor_a_web_framework() -> None:
    """Whoever sends a file waits for these imports each time."""
    code = "import sys, serving.leads.upload_reader, serving.first_run.guess_child; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"numba", "fastapi", "starlette", "scipy", "sklearn", "lightgbm"} == set()
