"""An error's code says what is wrong: no two kinds of errors declare the same one."""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]


def declared_code(node: ast.ClassDef) -> str:
    """The code that a class sets itself, alone or beside its HTTP status; empty for none."""
    for line in node.body:
        if isinstance(line, ast.Assign | ast.AnnAssign) and re.match(r"\(?code\b", ast.unparse(line)):
            return "".join(re.findall(r"LS\d+", ast.unparse(line)))
    return ""


def test_no_two_kinds_of_errors_share_a_code() -> None:
    kinds = defaultdict(list)
    for room in ("features", "models", "pipelines", "serving"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and (code := declared_code(node)):
                    kinds[code].append(f"{path.relative_to(ROOT)}::{node.name}")
    assert len(kinds) > 50
    assert {code: names for code, names in kinds.items() if len(names) > 1} == {}
