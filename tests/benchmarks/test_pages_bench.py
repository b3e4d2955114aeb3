"""The bench of the pages repeats a source's rows soundly, and every page answers on them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from tests.benchmarks.bench_pages import addresses, enlarge
from tests.reference.serving import client_for


def test_every_page_answers_on_the_repeated_rows(tiny_demo: Any, tmp_path: Path) -> None:
    paths, out = tiny_demo.context.paths, tmp_path / "data"
    before = pd.read_parquet(paths.score / "worklist.parquet", columns=["lead_id"])
    leads = pd.read_parquet(paths.ingest / "leads.parquet", columns=["lead_id"])
    assert enlarge(paths, out, 2 * len(leads)) == 2
    after = pd.read_parquet(out / paths.source / "score" / "worklist.parquet", columns=["lead_id"])
    assert len(after) == after["lead_id"].nunique() == 2 * len(before)
    run = SimpleNamespace(source=tiny_demo.source, data_dir=out)
    with client_for(run, tmp_path / "state") as client:
        assert client.get("/v1/worklist").json()["total"] == 2 * len(before)
        for path in addresses(paths, out):
            answer = client.get(path, headers={"accept": "text/html"})
            assert answer.status_code == 200, path
            assert answer.url.path == path.partition("?")[0], "no page leads elsewhere"
