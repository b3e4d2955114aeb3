"""The page of figures: machine, versions, a run's rates, ratios; and a source that was not run is said to be none."""

import re
from pathlib import Path

import pytest

from tests.benchmarks.bench_page import LIBRARIES, RATES, main
from tests.reference.tiny_run import TinyRun


def test_one_page_says_on_what_how_fast_and_how_many_times(
    tiny_demo: TinyRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "bench.md"
    small = ("--leads", "60", "--rows", "200", "--out", str(out))
    main([*small, *tiny_demo.args])
    page = out.read_text(encoding="utf-8")
    assert page in capsys.readouterr().out
    assert all(f"{name} " in page for name in LIBRARIES) and re.search(r"\| processor \| .+ \d+ cores \|", page)
    assert "Source tiny_demo, " in page and all(text in page for text in RATES.values())
    assert len(re.findall(r"\| \d[\d,]*\.\d times as long \|", page)) == 3

    main([*small, "--source", "demo", "--data-dir", str(tmp_path / "empty")])
    assert "None: " in out.read_text(encoding="utf-8")
