"""What sales said and nobody took back, as the last ingest has it."""

from pathlib import Path

import pandas as pd

from pipelines.workspace.atomic_files import write_parquet
from pipelines.workspace.paths import Paths
from pipelines.workspace.standing_feedback import FEEDBACK, find_leads_spoken_of, read_standing_feedback

PAST, LATER = pd.Timestamp("2020-01-01"), pd.Timestamp("2120-01-01")


def test_the_latest_override_counts_as_long_as_it_is_in_force(tmp_path: Path) -> None:
    rows = [
        (1, "A", "override", "mql", "call", LATER, None),
        (2, "A", "override", "sql", "ask", PAST, None),  # run out: it does not bring the first one back
        (4, "B", "override", "sql", None, LATER, None),
        (3, "B", "override", "mql", "call", LATER, None),
        (5, "C", "override", "mql", "call", LATER, None),
        (6, "C", "override", "sql", "ask", LATER, None),
        (7, "C", "withdraw", None, None, None, 6),
        (8, "D", "do_not_contact", None, None, None, None),
        (9, "E", "snooze", None, None, LATER, None),
        (10, "E", "override", "sql", None, LATER, None),  # a pin lets it stand
        (11, "F", "snooze", None, None, LATER, None),
        (12, "F", "reject", None, None, PAST, None),  # run out: it does not bring the snooze back
        (13, "G", "snooze", None, None, LATER, None),
        (14, "G", "accept", None, None, None, None),
        (15, "H", "reject", None, None, PAST, None),
        (16, "I", "accept", None, None, None, None),
        (17, "I", "withdraw", None, None, None, 16),
    ]
    names = ["id", "lead_id", "verdict", "state", "next_action", "expires_at", "undoes"]
    frame = pd.DataFrame(rows, columns=names).astype({"expires_at": "datetime64[us]", "undoes": "Float64"})
    paths = Paths(tmp_path, "demo")
    write_parquet(paths.ingest / FEEDBACK, frame)

    found = read_standing_feedback(paths)
    assert found.pinned == {"B": ("sql", ""), "C": ("mql", "call"), "E": ("sql", "")}
    assert found.aside == {"E"}
    assert found.silenced == {"D"}
    assert find_leads_spoken_of(paths) == set("ABCDEFG"), "of H what was said has run out, of I it was taken back"


def test_a_return_ends_with_the_next_stage_that_the_crm_tells(tmp_path: Path) -> None:
    paths, said, later = Paths(tmp_path, "demo"), pd.Timestamp("2026-03-01 09:00"), pd.Timestamp("2026-03-04")
    names = ["id", "lead_id", "verdict", "state", "next_action", "expires_at", "undoes", "known_at"]
    rows = [(at, lead, "reject", None, None, None, None, said) for at, lead in enumerate("ABCD", 1)]
    frame = pd.DataFrame(rows, columns=names).astype({"expires_at": "datetime64[us]", "undoes": "Float64"})
    write_parquet(paths.ingest / FEEDBACK, frame)
    told = [
        *[(lead, "lead", said - pd.Timedelta(days=9)) for lead in "ABCD"],
        *[(lead, "disqualified", said) for lead in "ABC"],
        ("A", "mql", later),
        ("B", "disqualified", later),  # the CRM's echo
    ]
    stages = pd.DataFrame(told, columns=["lead_id", "stage", "entered_at"])
    write_parquet(paths.ingest / "stages.parquet", stages)
    assert read_standing_feedback(paths).aside == {"B", "C", "D"}
