"""One person, two records: ingest merges by the declared rule, counts it, and can take it back."""

from pathlib import Path

import pandas as pd
import pytest

from features.errors import SourceError
from features.schema.load_source import load_source
from features.schema.source import Source
from pipelines.ingest.identity_files import read_merged_leads, unresolved_tables
from pipelines.scoring.file_rows import replace_merged_leads
from pipelines.scoring.find_lead import unknown_lead_error
from pipelines.scoring.row_notes import note_merged_leads
from pipelines.stages.ingest import ingest
from pipelines.workspace.context import open_context
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables
from tests.reference.exports import ACTIVITIES, DECLARATION, LEADS, write_export

TWICE = "L4;2025-02-01 11:00;;Ann+Trial@Example.org;35;small;;no;y\n"
VISIT = "9,L4,visit,2025-02-02T10:00:00Z,2025-02-02T10:00:00Z\n"


def shop(folder: Path, **rules: object) -> Source:
    """The small shop with Ann in it twice."""
    write_export(folder, leads=LEADS + TWICE, activities=ACTIVITIES + VISIT)
    said = ", ".join(f"{key}: {value}" for key, value in {"email": "email", **rules}.items())
    declaration = folder / "shop.yaml"
    declaration.write_text(DECLARATION + f"identity: {{{said}}}\n")
    return load_source(declaration)


def test_duplicates_are_merged_counted_and_written_down(tmp_path: Path) -> None:
    source = shop(tmp_path)
    paths = Paths(tmp_path / "data", source.name)
    counts = ingest(source, paths).content()
    assert counts["rows"]["leads"]["kept"] == 4  # rows of the file; merging is another matter
    assert counts["identity"]["merged_leads"] == 1
    assert counts["identity"]["changed_tables"] == ["leads", "activities"]
    assert "1 leads merged into 1 others (same email)" in counts["text"]
    tables = load_tables(paths)
    assert "L4" not in set(tables["leads"]["lead_id"])
    assert (tables["activities"]["lead_id"] == "L1").any()
    assert read_merged_leads(paths) == {"L4": "L1"}


def test_merging_can_be_taken_back(tmp_path: Path) -> None:
    merged = shop(tmp_path)
    paths = Paths(tmp_path / "data", merged.name)
    ingest(merged, paths)
    before = unresolved_tables(paths, load_tables(paths))
    ingest(shop(tmp_path, keep_apart="[L4]"), paths)
    assert read_merged_leads(paths) == {}
    for name, frame in load_tables(paths).items():
        pd.testing.assert_frame_equal(frame, before[name])


def test_asking_for_a_merged_lead_names_the_one_it_became(tmp_path: Path) -> None:
    source = shop(tmp_path)
    context = open_context(str(tmp_path / "shop.yaml"), tmp_path / "data")
    ingest(source, context.paths)
    leads = load_tables(context.paths)["leads"]["lead_id"]
    assert "was merged into lead 'L1'" in unknown_lead_error(context, "L4", leads).message
    assert "is not among" in unknown_lead_error(context, "L9", leads).message


def test_a_merged_lead_in_a_file_is_scored_as_the_one_it_became() -> None:
    ids = pd.Series(["L4", "L2", None], dtype="str")
    assert replace_merged_leads(ids, {"L4": "L1"}).tolist()[:2] == ["L1", "L2"]
    frame = pd.DataFrame({"lead_id": ["L4", "L2"], "note": ["", "old"]})
    assert note_merged_leads(frame, {"L4": "L1"}) == ["scored as lead 'L1', its duplicate", "old"]


def test_a_flat_source_has_no_clocks_to_merge_by(tmp_path: Path) -> None:
    file = tmp_path / "flat.yaml"
    file.write_text(
        "name: flat_one\nkind: flat\nidentity: {email: mail}\n"
        "tables: {leads: {columns: {mail: {role: personal}, y: {}}}}\n"
        "flat: {target: {column: y, won: [a], lost: [b]}}\n"
    )
    with pytest.raises(SourceError, match="which a flat source does not have"):
        load_source(file)
