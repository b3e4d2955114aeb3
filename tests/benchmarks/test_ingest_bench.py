"""What the benchmark of ingest measures is the whole work: each row is kept, or quarantined by its rule."""

import json
from pathlib import Path

from features.schema.load_source import load_source
from pipelines.declaring.starter_declaration import declare_facts, read_facts
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from tests.benchmarks.bench_ingest import DECLARATION, write_large


def test_every_row_of_the_large_file_is_accounted_for(tmp_path: Path) -> None:
    broken = write_large(tmp_path / "large.csv", 3000)
    (tmp_path / "large.yaml").write_text(DECLARATION)
    paths = Paths(tmp_path / "data", "large")
    counts = ingest(load_source(tmp_path / "large.yaml"), paths)
    rows = counts.rows["leads"]
    assert rows.read == 3000 and rows.quarantined == sum(broken.values()) and rows.kept == 3000 - rows.quarantined
    assert counts.rules["leads"] == broken
    assert json.loads((paths.ingest / "counts.json").read_text())["files"]["leads"]["bytes"] > 300_000
    assert "3,000 rows" in declare_facts(*read_facts(tmp_path / "large.csv"))
