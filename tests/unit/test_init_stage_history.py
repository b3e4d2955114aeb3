"""A table of stages, one row per stage entered, says how leads ended: alone, or beside a status of the leads."""

from pathlib import Path

import pandas as pd
import pytest

from features.cohort.outcomes import lifecycle_events
from features.schema.load_source import parse_source
from features.schema.source import Source
from pipelines.declaring.exports.open_export import init_export
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables
from tests.reference.crm_export import deals

_ENGLISH = "New|Qualified|Proposal sent|Closed Won|Closed Lost|Unqualified"
_POLISH = "Nowy|Zakwalifikowany|Oferta|Wygrana|Przegrana|Zdyskwalifikowany"
_ENDS = {"Won": "Closed Won", "Lost": "Closed Lost", "Unqualified": "Disqualified"}


def write_export(folder: Path, headers: str, words: str, files: str, *, own_id: bool, status: bool = False) -> None:
    """Leads and their stages: headers of id, stage and date; words of new, qualified, offer and the three ends."""
    frame = deals(300).reset_index(drop=True)
    said = dict(zip(("New", "Qualified", "Offer", *_ENDS.values()), words.split("|"), strict=True))
    rows = []
    for lead in frame.itertuples():
        start, end = pd.Timestamp(str(lead.created)), pd.Timestamp(str(lead.closed) or "2026-01-01")
        steps = [("New", start), ("Qualified", start + (end - start) * 0.3), ("Offer", start + (end - start) * 0.6)]
        steps = [*steps, (_ENDS[str(lead.status)], end)] if lead.status in _ENDS else steps[:1]
        rows += [(lead.id, said[stage], f"{at:%Y-%m-%d %H:%M}") for stage, at in steps]
    stages = pd.DataFrame(rows, columns=headers.split("|")).sample(frac=1.0, random_state=2)
    if own_id:
        stages.insert(0, "Id", [f"h{place:06d}" for place in range(len(stages))])
    names = {"id": headers.split("|")[0], "mail": "Email", "employees": "Employees", "created": "Create Date"}
    names |= {"status": "Status", "closed": "Close Date"} if status else {}
    leads_file, stages_file = files.split("|")
    folder.mkdir()
    frame[list(names)].rename(columns=names).to_csv(folder / f"{leads_file}.csv", index=False)
    stages.to_csv(folder / f"{stages_file}.csv", index=False)


def declared(folder: Path) -> tuple[str, Source]:
    out = folder.with_suffix(".yaml")
    text = init_export([str(folder)], out, folder.parent / "data")
    return text, parse_source(text, path=out)


@pytest.mark.parametrize(
    ("headers", "words", "files", "own_id"),
    [
        ("Lead ID|Stage|Changed at", _ENGLISH, "leads|stage_history", False),
        ("Lead ID|New Stage|Date", _ENGLISH, "leads|moves", True),
        ("리드 번호|단계|변경일", "신규|적격|제안|수주|실주|부적격", "리드|단계이력", False),
        ("Nr leada|Etap|Data zmiany", _POLISH, "leady|historia_etapow", False),
        ("deal_id|stage|entered_at", "Triage|Qualified|Offer|Won|Lost|Junk", "deals|deal_stage_history", False),
    ],
)  # fmt: skip
def test_wins_and_losses_stand_only_in_the_history_of_stages(
    tmp_path: Path, headers: str, words: str, files: str, own_id: bool
) -> None:
    write_export(tmp_path / "crm", headers, words, files, own_id=own_id)
    text, source = declared(tmp_path / "crm")
    assert "TO EDIT" not in text and "no column of outcomes was found" in text
    assert set(source.tables) == {"leads", "stages"} and source.label.horizon_days == 60
    paths = Paths(tmp_path / "data", source.name)
    record = ingest(source, paths)
    assert all(counts.quarantined == 0 for counts in record.rows.values())
    events = lifecycle_events(load_tables(paths), source)
    ends = deals(300)["status"].value_counts()
    found = events["what"].value_counts()
    assert [found[what] for what in ("won", "lost", "disqualified")] == [ends[status] for status in _ENDS]


def test_a_status_of_the_leads_comes_before_the_history_of_stages(tmp_path: Path) -> None:
    write_export(
        tmp_path / "crm", "Lead ID|Stage|Changed at", _ENGLISH, "leads|stage_history", own_id=False, status=True
    )
    text, source = declared(tmp_path / "crm")
    assert "TO EDIT" not in text and source.opportunities is not None
    record = ingest(source, Paths(tmp_path / "data", source.name))
    assert not [note for note in record.notes if "last stage" in note]
    assert record.rows["stages"].quarantined == 0 and record.rows["outcomes"].kept > 200


def test_stages_whose_words_say_nothing_are_asked_for(tmp_path: Path) -> None:
    words = "New|Blue|Proposal sent|Closed Won|Closed Lost|Unqualified"
    write_export(tmp_path / "crm", "Lead ID|Stage|Changed at", words, "leads|stage_history", own_id=False)
    text, _ = declared(tmp_path / "crm")
    assert "rows of 'stage_history' enter stages that are not understood (Blue): map them" in text
