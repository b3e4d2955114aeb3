"""English texts write 90%, without a blank; Polish ones have theirs."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[2]
ROOMS = ("features", "models", "pipelines", "serving", "notebooks")
APART = re.compile(r"[0-9}][ \u00a0\u202f]%(?![}\w])")
READ = re.compile(r"[`\"(][\d.,]+ %")  # as people write it in files that are read


def strings_of(file: Path) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(file.read_text()).readline):
        if token.type == tokenize.STRING:
            yield from enumerate(token.string.splitlines(), start=token.start[0])


def texts() -> Iterator[tuple[str, str]]:
    """Every line of every text of ours, with where it stands."""
    for room in ROOMS:
        for file in sorted((HERE / room).rglob("*.py")):
            yield from ((f"{file}:{line}", text) for line, text in strings_of(file))
        for file in sorted((HERE / room).rglob("*.html")):
            yield from ((f"{file}:{n}", text) for n, text in enumerate(file.read_text().splitlines(), start=1))
    for file in [*sorted((HERE / "docs").rglob("*.md")), *sorted(HERE.glob("*.md"))]:
        yield from ((f"{file}:{n}", text) for n, text in enumerate(file.read_text().splitlines(), start=1))


def apart(text: str) -> bool:
    return APART.search(READ.sub("", text)) is not None


@pytest.mark.parametrize(
    ("text", "found"),
    [("a 90 % interval", True), ('f"{share} % of"', True), ("{% if x == 3 %}", False), ("`12 %`", False)],
)
def test_a_blank_is_seen(text: str, found: bool) -> None:
    assert apart(text) is found


def test_no_english_text_puts_a_blank_before_per_cent() -> None:
    assert [where for where, text in texts() if apart(text)] == []
