"""The moment at which a file's leads are scored: the newest sound lead moves it, a slip of the keyboard does not."""

from datetime import datetime
from pathlib import Path

import pandas as pd

from pipelines.scoring.score_file import score_file
from pipelines.workspace.context import at_moment
from tests.reference.tiny_run import TinyRun


def export(run: TinyRun, file: Path, created: str | None = None) -> Path:
    """A few leads of the run, and one more created then."""
    frame = pd.read_csv(run.context.paths.raw / "leads.csv", dtype=str).tail(8)
    if created is not None:
        one = frame.tail(1).assign(**{"Lead ID": "NEW-1", "Created Date": created, "Email": "new@nowhere.example"})
        frame = pd.concat([frame, one])
    frame.to_csv(file, index=False)
    return file


def test_a_lead_that_is_still_to_come_is_an_error_of_its_row_and_moves_no_other(
    tiny_demo: TinyRun, tmp_path: Path
) -> None:
    outs = [tmp_path / "sound.parquet", tmp_path / "slip.parquet"]
    for out, created in zip(outs, (None, "2150-06-01T00:00:00"), strict=True):
        done = score_file(tiny_demo.context, export(tiny_demo, tmp_path / "leads.csv", created), out)
        assert done.late == ""
    sound, slip = (pd.read_parquet(out) for out in outs)
    assert sound["score"].notna().any()
    assert slip["error"].iloc[-1].startswith("created_at 2150-06-01T00:00 is still to come; correct the date")
    pd.testing.assert_frame_equal(slip.iloc[:-1], sound, check_dtype=False)

    later = tmp_path / "later.parquet"
    score_file(tiny_demo.context, tmp_path / "leads.csv", later, as_of="2150-07-01")
    assert pd.read_parquet(later)["error"].iloc[-1] == "", "somebody asked for that day"


def test_a_newest_lead_long_after_the_cutoff_is_warned_of(tiny_demo: TinyRun, tmp_path: Path) -> None:
    context = at_moment(tiny_demo.context, datetime(2024, 3, 1))
    for created, warned in (("2024-03-20T00:00:00", False), ("2024-06-10T00:00:00", True)):
        frame = pd.read_csv(export(tiny_demo, tmp_path / "leads.csv", created), dtype=str).tail(1)
        frame.to_csv(tmp_path / "leads.csv", index=False)
        done = score_file(context, tmp_path / "leads.csv", tmp_path / "out.csv")
        assert done.errors == 0
        assert ("scored as of 2024-06-10" in done.late and "101 days before, on 2024-03-01" in done.late) == warned
