"""Two flags or dates that only together say how a deal stands are one status; rows that contradict themselves none."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import SourceError
from features.schema.load_source import parse_source
from features.schema.source import Source
from features.schema.vocabulary import Role
from pipelines.declaring.exports.open_export import init_export
from pipelines.declaring.words.status_flags import find_flags
from pipelines.ingest.errors import MissingColumnError
from pipelines.ingest.values.flag_columns import join_flags
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables
from tests.reference.crm_export import deals
from tests.reference.snapshot_exports import SnapshotWorld

BOTH = 5  # rows that have both flags


def flagged(kind: str) -> pd.DataFrame:
    """Deals without a status; some won ones are lost too."""
    frame = deals(400).reset_index(drop=True)
    won, lost = frame["status"] == "Won", frame["status"].isin(["Lost", "Unqualified"])
    twice = won & (won.cumsum() <= BOTH)
    made = pd.DataFrame({"Deal ID": frame["id"], "Created": frame["created"], "Employees": frame["employees"]})
    if kind == "dates":
        return made.assign(
            won_at=np.where(won, frame["closed"], ""), lost_at=np.where(lost | twice, frame["closed"], "")
        )
    made["Close Date"] = frame["closed"].where(frame["closed"] != "", "2026-03-01 00:00")
    if kind == "closed":
        over = (won | lost) & ~twice  # won, but not closed
        return made.assign(IsClosed=np.where(over, "true", "false"), IsWon=np.where(won, "true", "false"))
    names, yes, no = {
        "boxes": (("Won?", "Lost?"), "TRUE", "FALSE"),
        "crosses": (("Won", "Lost"), "x", ""),
        "polish": (("Wygrana", "Przegrana"), "tak", "nie"),
        "korean": (("수주 여부", "실주 여부"), "Y", "N"),
        "german": (("Gewonnen", "Verloren"), "WAHR", "FALSCH"),
    }[kind]
    made[names[0]] = np.where(won, yes, no)
    made[names[1]] = np.where(lost | twice, yes, no)
    return made


def declared(*files: Path, out: Path) -> tuple[str, Source]:
    text = init_export([str(file) for file in files], out, out.parent / "data")
    return text, parse_source(text, path=out)


def expected() -> tuple[int, int, int]:
    status = deals(400)["status"]
    won = int((status == "Won").sum()) - BOTH
    return won, int(status.isin(["Lost", "Unqualified"]).sum()), int(status.isin(["Open", "New"]).sum())


@pytest.mark.parametrize("kind", ["boxes", "dates", "closed", "crosses", "polish", "korean", "german"])
def test_flags_of_one_file_are_one_status(tmp_path: Path, kind: str) -> None:
    flagged(kind).to_csv(tmp_path / "deals.csv", index=False)
    text, source = declared(tmp_path / "deals.csv", out=tmp_path / "deals.yaml")
    assert "# Nothing has to be edited" in text and f"{BOTH} rows contradict themselves" in text
    paths = Paths(tmp_path / "data", "deals")
    record = ingest(source, paths)
    won, lost, still = expected()
    assert record.rows["leads"].kept == won + lost + still and record.rows["leads"].quarantined == BOTH
    outcomes = load_tables(paths)["outcomes"]
    assert (int(outcomes["won"].sum()), len(outcomes)) == (won, won + lost)
    assert any("contradict each other" in reason.cause for reason in record.reasons["leads"])
    columns = source.tables["leads"].columns
    assert {name for name, c in columns.items() if c.role is Role.FEATURE} == {"lead_id", "created_at", "employees"}


@pytest.mark.parametrize("kind", ["boxes", "closed"])
@pytest.mark.parametrize("people", [False, True])
def test_flags_of_a_table_of_deals_are_one_status(tmp_path: Path, kind: str, people: bool) -> None:
    frame, folder = flagged(kind), tmp_path / "crm"
    folder.mkdir()
    if people:
        leads = pd.DataFrame({"Lead ID": [f"L{i:05d}" for i in range(len(frame))], "Create Date": frame["Created"]})
        leads.assign(Email=[f"a{i}@firm{i}.example" for i in range(len(frame))]).to_csv(
            folder / "leads.csv", index=False
        )
        frame = frame.assign(**{"Lead ID": leads["Lead ID"]})
    else:
        visits = pd.DataFrame({"Deal ID": frame["Deal ID"], "Type": "visit", "Date": frame["Created"]})
        visits.to_csv(folder / "activities.csv", index=False)
    frame.to_csv(folder / "opportunities.csv", index=False)
    text, source = declared(folder, out=tmp_path / "crm.yaml")
    assert "TO EDIT" not in text
    record = ingest(source, Paths(tmp_path / "data", source.name))
    won, lost, still = expected()
    outcomes = record.rows["outcomes"]
    assert (outcomes.kept, outcomes.quarantined, outcomes.left_out) == (won + lost, BOTH, still)


def test_flat_files_have_flags_too(tmp_path: Path) -> None:
    flagged("crosses").drop(columns=["Created", "Close Date"]).to_csv(tmp_path / "flat.csv", index=False)
    _, source = declared(tmp_path / "flat.csv", out=tmp_path / "flat.yaml")
    assert source.flat is not None and source.flat.target.open == ("",)
    record = ingest(source, Paths(tmp_path / "data", "flat"))
    assert record.rows["leads"].quarantined == BOTH


def test_a_flag_that_the_file_lost_is_named(tmp_path: Path) -> None:
    flagged("boxes").to_csv(tmp_path / "deals.csv", index=False)
    _, source = declared(tmp_path / "deals.csv", out=tmp_path / "deals.yaml")
    flagged("boxes").drop(columns="Lost?").to_csv(tmp_path / "deals.csv", index=False)
    with pytest.raises(MissingColumnError, match=r"Lost\?"):
        ingest(source, Paths(tmp_path / "data", "deals"))


def test_a_status_of_its_own_comes_before_flags_and_two_books_are_no_flags() -> None:
    frame = pd.DataFrame({"Won?": ["yes", "no"] * 20, "Lost?": ["no", "yes"] * 20}).astype("str")
    assert find_flags(frame) is not None
    assert find_flags(frame.assign(**{"Lost?": "yes"})) is None  # lost whenever won
    assert find_flags(frame.rename(columns={"Lost?": "Lost reason"})) is None
    hubspot = pd.DataFrame({"Is Closed Won": ["true", "false"] * 20, "Is Deal Closed?": ["true"] * 38 + ["false"] * 2})
    found = find_flags(hubspot.assign(**{"Is Closed Won": ["true", "false"] * 19 + ["false"] * 2}).astype("str"))
    assert found is not None and found.values["lost"] == ("Is Deal Closed?",)


def test_values_of_flags_are_what_is_set_together() -> None:
    frame = pd.DataFrame({"closed": ["1", "1", "0", "0"], "won": ["1", "", None, "TRUE"]}).astype("str")
    found = join_flags(frame, {"won": ("closed", "won"), "lost": ("closed",)})
    assert found.fillna("").tolist() == ["won", "lost", "", "contradiction: won"]


@pytest.mark.parametrize("no", ["FALSCH", "FAŁSZ", "FALSO", "FAUX", "거짓", "ЛОЖЬ", "Não", "TIDAK", "Không"])
def test_a_word_for_no_sets_no_flag_in_whatever_language_the_next_export_is(no: str) -> None:
    frame = pd.DataFrame({"closed": ["1", "1", no], "won": ["1", no, no]}).astype("str")
    assert join_flags(frame, {"won": ("closed", "won"), "lost": ("closed",)}).fillna("").tolist() == ["won", "lost", ""]


def test_of_a_flag_set_in_every_row_a_strange_word_is_asked_about() -> None:
    def joined(*won: str | None) -> list[str]:
        frame = pd.DataFrame({"closed": ["1"] * len(won), "won": list(won)}).astype("str")
        return join_flags(frame, {"won": ("closed", "won"), "lost": ("closed",)}).tolist()

    assert joined("TRUE", "HINDI") == joined("Ja", "HINDI") == ["won", "contradiction: won = HINDI"]
    assert joined("x", "X") == joined("2024-05-01", "2024-06-01") == ["won", "won"]
    assert joined("price", "no need", "") == ["won", "won", "lost"]  # filled or empty: what stands there says it
    for words in (("1", "2", "3"), ("Partner", "Direct"), ("1.0", "12"), ("yes", "7")):
        assert joined(*words) == ["won"] * len(words)  # counts and names, in every row of one file


@pytest.mark.parametrize(
    ("flags", "said"),
    [("{won: A, lost: A}", "have the same headers"), ("{won: Outcome, lost: A}", "cannot be made of itself")],
)
def test_flags_that_cannot_be_are_refused(flags: str, said: str) -> None:
    text = f"""name: x
kind: flat
flat: {{target: {{column: outcome, won: [won], lost: [lost]}}}}
tables:
  leads:
    location: {{file: a.csv}}
    flags: {{Outcome: {flags}}}
    columns: {{outcome: {{from: Outcome, role: display}}, size: {{type: number}}}}
"""
    with pytest.raises(SourceError, match=said):
        parse_source(text)


def test_flags_that_change_between_snapshots_are_outcomes(tmp_path: Path) -> None:
    declaration = """name: boxes
kind: relational
data_cutoff: "2026-06-01"
opportunities:
  location: {file: deals.csv, snapshots: true}
  flags: {Outcome: {won: "Won?", lost: "Lost?"}}
  lead_id: Deal
  created_at: Created
  closed_at: Closed
  status: {from: Outcome, won: [won], lost: [lost], open: [""]}
  columns:
    size: {from: Size, type: number}
    won_box: {from: "Won?", role: ignore}
"""
    world, header = SnapshotWorld(tmp_path, declaration), "Deal,Created,Closed,Won?,Lost?,Size"
    day = "2026-01-02"
    world.take("2026-01-04", [f"A,{day},,no,no,1", f"B,{day},,no,no,2", f"C,{day},,no,no,3"], header=header)
    later = [f"A,{day},2026-01-08,yes,no,1", f"B,{day},2026-01-09,no,yes,2", f"C,{day},,no,no,3"]
    world.take("2026-01-11", later, header=header)
    outcomes = world.tables()["outcomes"].set_index("opportunity_id")["won"]
    assert outcomes.to_dict() == {"A": True, "B": False}
