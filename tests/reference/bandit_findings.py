"""What bandit finds in the packages, but for lines that say why it is none.

Run as ``python -m tests.reference.bandit_findings``. Its codes are those of ruff's ``S`` (B608 is S608), so one mark
explains a line to both: ``# noqa: S608  our own names``.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.reference.licence_table import ROOT

ROOMS = ("features", "models", "pipelines", "serving", "leadscore.py")
_MARK = re.compile(r"#\s*noqa:\s*(?P<codes>[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*)(?:\s+(?P<why>\S.*))?$")


def find_unexplained(places: Sequence[Path], config: Path = ROOT / "pyproject.toml") -> list[str]:
    """What bandit finds at lines that do not explain it, and files that it could not read."""
    command = [sys.executable, "-m", "bandit", "-q", "-r", "-f", "json", "-c", str(config), *map(str, places)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    told = [f"{one['filename']}: not looked at ({one['reason']})" for one in found["errors"]]
    for one in found["results"]:
        lines = Path(one["filename"]).read_text(encoding="utf-8").splitlines()
        wanted = one["test_id"].replace("B", "S")
        if not any(wanted in explained_at(lines[number - 1]) for number in one["line_range"]):
            told.append(f"{one['filename']}:{one['line_number']}: {one['test_id']} {one['issue_text']}")
    return told


def explained_at(line: str) -> set[str]:
    """Codes of ruff's security rules that a line switches off and says why."""
    mark = _MARK.search(line)
    return set(re.findall(r"S\d+", mark["codes"])) if mark and mark["why"] else set()


def unexplained_marks(places: Sequence[Path]) -> list[str]:
    """Lines that switch a security rule off without a reason."""
    files = [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.py")))]
    return [
        f"{file}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"noqa:.*\bS\d{3}\b|\bnosec\b", line) and not explained_at(line)
    ]


def main() -> int:
    """Exit status 1 with what was found."""
    places = [ROOT / room for room in ROOMS]
    told = [*find_unexplained(places), *unexplained_marks(places)]
    sys.stdout.write("".join(f"{line}\n" for line in told))
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
