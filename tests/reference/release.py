"""What a release is made of: archives built from what git knows, and the changelog's section of a version."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_LEFT_OUT = ("tests", "docs", "notebooks")  # no archive holds them
_BUILD = "from setuptools import build_meta as b; print(b.build_{kind}({out!r}))"


def known_files(root: Path = ROOT) -> list[str]:
    """Files of the working tree that git knows or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    told = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout.decode()
    return sorted(name for name in told.split("\0") if name and (root / name).is_file())


def build_archives(folder: Path) -> tuple[Path, Path]:
    """The source archive of the working tree, and the wheel built from what is in it, as an index would."""
    tree, out = folder / "tree", folder / "dist"
    for name in known_files():
        if name.split("/")[0] in _LEFT_OUT:
            continue
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tree / name)
    source = _build("sdist", tree, out)
    with tarfile.open(source) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    return source, _build("wheel", next((folder / "unpacked").iterdir()), out)


def _build(kind: str, tree: Path, out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", _BUILD.format(kind=kind, out=str(out))]
    told = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True).stdout
    return out / told.splitlines()[-1]
