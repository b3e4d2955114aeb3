"""Of an export of several tables statuses that are not understood are asked for, and not taken for open deals."""

from pathlib import Path

import pandas as pd
import pytest

from features.schema.load_source import parse_source
from features.schema.source import Source
from pipelines.declaring.exports.open_export import init_export
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from tests.reference.crm_export import deals


def export(folder: Path, *, people: bool) -> tuple[str, Source]:
    """Deals in two statuses that nobody can know, beside their leads or beside the companies alone."""
    frame = deals(300).reset_index(drop=True).astype("str")
    frame = frame[["id", "status", "created", "closed"]].set_axis(
        ["Deal ID", "Stage", "Created Date", "Close Date"], axis=1
    )
    over = frame.index[frame["Stage"].isin(["Won", "Lost"])]
    assert len(over) > 40
    frame.loc[over[:12], "Stage"] = "Closed"
    frame.loc[over[20:23], "Stage"] = "Won by competitor"

    if people:
        ids = [f"L{row:04}" for row in range(300)]
        created = frame["Created Date"]
        pd.DataFrame({"Lead ID": ids, "Created Date": created, "Email": [f"{one}@x.example" for one in ids]}).to_csv(
            folder / "leads.csv", index=False
        )
        frame = frame.assign(**{"Lead ID": ids})
    else:
        frame = frame.assign(**{"Account ID": [f"A{row:04}" for row in range(300)]})
        pd.DataFrame({"Account ID": frame["Account ID"], "Industry": ["cars", "food"] * 150}).to_csv(
            folder / "accounts.csv", index=False
        )
    frame.to_csv(folder / "deals.csv", index=False)
    out = folder / "x.yaml"
    files = sorted(str(path) for path in folder.glob("*.csv"))
    text = init_export(files, out, folder / "data")
    return text, parse_source(text, path=out)


@pytest.mark.parametrize("people", [True, False])
def test_a_status_that_is_not_understood_is_asked_for(tmp_path: Path, people: bool) -> None:
    text, source = export(tmp_path, people=people)
    edits = [line for line in text.splitlines() if line.startswith("# TO EDIT:") and "whose meaning" in line]
    assert len(edits) == 1
    assert "Closed (12 rows), Won by competitor (3 rows)" in edits[0].replace('"', "")
    assert "not placed: Closed 12, Won by competitor 3" in text

    status = source.opportunities
    assert (status is None) is people
    if status is not None:
        assert not {"Closed", "Won by competitor"} & {*status.status.closed, *status.status.open}
    counts = ingest(source, Paths(tmp_path / "data", "x"))
    table = "outcomes" if people else "leads"
    assert counts.rows[table].quarantined == 15
