"""The server's own secret, made once and kept beside its store."""

import contextlib
import os
import secrets
from pathlib import Path

from pipelines.workspace.private_files import make_folder


def read_or_create_secret(folder: Path) -> bytes:
    """The key that signs form tokens; made once, readable by the server's user alone."""
    make_folder(folder)
    file = folder / "secret"
    if not file.exists():
        mine = folder / f".secret.{secrets.token_hex(4)}"
        mine.touch(mode=0o600)
        mine.write_bytes(secrets.token_bytes(32))
        with contextlib.suppress(FileExistsError):  # another worker was faster: its secret counts
            os.link(mine, file)
        mine.unlink()
    return file.read_bytes()
