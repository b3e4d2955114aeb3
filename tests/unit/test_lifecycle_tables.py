"""The lifecycle's tables reach the terminal readable and the CSV files whole."""

from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.diagnostics.lifecycle_figures import CSV_ONLY, TITLES, table_rows, write_csv
from tests.unit.test_lifecycle_figures import figures


def test_cells_read_as_shares_numbers_and_dashes() -> None:
    frame = pd.DataFrame({"stage": ["mql"], "leads": [1234], "rate": [0.256], "median_days": [8.168], "low": [np.nan]})
    assert table_rows(frame) == [["mql", "1234", "26%", "8.2", "-"]]


def test_every_table_becomes_a_csv(tmp_path: Path) -> None:
    found = figures()
    paths = write_csv(found, tmp_path / "new")
    assert {path.stem for path in paths} == {*TITLES, *CSV_ONLY}
    again = pd.read_csv(tmp_path / "new" / "funnel.csv")
    assert again["leads"].tolist() == found.funnel["leads"].tolist()
