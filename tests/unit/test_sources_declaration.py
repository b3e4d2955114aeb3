"""A wrong declaration is refused with the line, what was found and what is allowed; a right one is read as meant."""

from pathlib import Path

import pytest

from features.errors import ExitStatus, SourceError
from features.schema.load_source import load_source, parse_source
from pipelines.workspace.find_declarations import declaration_names, find_source
from tests.reference.exports import DECLARATION, FLAT


def refused(text: str) -> str:
    with pytest.raises(SourceError) as caught:
        parse_source(text, where="my.yaml")
    assert caught.value.exit_status is ExitStatus.SOURCE
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "      age: {type: number",
            "      age: {typ: number",
            ["line 11", "unknown key", "'type'", "accepted_because"],
        ),
        ("type: number", "type: numbr", ["line 11", "'numbr'", "'number'", "'timestamp'"]),
        ("role: display", "role: shown", ["line 12", "'shown'", "'display'"]),
        ("  order: row", "  orde: row", ["line 5", "unknown key", "did you mean 'order'?"]),
        ("type: number", 'type: number, accepted_because: "  "', ["line 11", "accepted_because", "say why"]),
        ("role: display", "role: ignore, excluded_because: '-'", ["line 12", "excluded_because", "say why"]),
        ("type: number", "type: category, direction: 1", ["line 11", "age.direction", "'type: number'"]),
        ("type: number", "direction: -1", ["line 11", "age.direction", "has no order"]),
        ("kind: flat", "kind: flatt", ["line 2", "'flatt'", "'relational'"]),
        ("name: calls", "name: My Calls", ["line 1", "'My Calls'"]),
        ("  leads:\n", "  leeds:\n", ["unknown table leeds", "leads, accounts, activities"]),
        ('lost: ["no"]', 'lost: ["YES"]', ["flat.target", "'YES' stands under 'won' and under 'lost'"]),
        ("  order: row", "  order: row\n  order: row", ["line 6", "appears twice"]),
        ("  order: row", "  order: [", ["not valid YAML"]),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_is_allowed(old: str, new: str, said: list[str]) -> None:
    assert old in FLAT
    message = refused(FLAT.replace(old, new, 1))
    assert message.startswith("my.yaml")
    for part in said:
        assert part in message


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("recorded_score: nope\n", "'nope' is not a declared column of leads"),
        ("recorded_score: job\n", "'job' is declared without a type; a score is a number"),
        ("recorded_score: age\n", "'age' is overwritten: today's score knows what became of the lead"),
        ("actual_handoff: mql\n", "'mql' is read from the table 'stages', which this source (flat) does not map"),
    ],
)
def test_what_was_recorded_must_be_what_it_says(added: str, said: str) -> None:
    text = FLAT.replace("age: {type: number", "age: {type: number, when_known: overwritten") + added
    line = len(text.splitlines())
    found = refused(text)
    assert f"line {line}: {added.split(':')[0]}: {said}" in found
    assert parse_source(FLAT + "recorded_score: age\n").recorded_score == "age"


@pytest.mark.parametrize("kind", ["timestamp", "number"])
def test_what_rows_are_sorted_by_is_a_time_or_a_number(kind: str) -> None:
    """As texts 10/1/2024 stands before 9/30/2024, and 1000 before 999."""
    undeclared = FLAT.replace("order: row", "order: called")
    assert "line 5: flat.order: rows are sorted by 'called', which is read as category" in refused(undeclared)
    assert "Paste below tables.leads.columns: called: {type: timestamp, role: display}" in refused(undeclared)
    columns = "    columns:\n"
    untyped = undeclared.replace(columns, columns + "      called: {from: Called, role: display}\n")
    assert "Give tables.leads.columns.called its type: type: timestamp, or type: number." in refused(untyped)
    typed = undeclared.replace(columns, columns + f"      called: {{type: {kind}, role: display}}\n")
    assert parse_source(typed).flat is not None


def test_what_tells_the_newest_row_is_a_time_or_a_number() -> None:
    columns = "    columns:\n"
    leads = f"leads.csv}}\n{columns}"
    changed = DECLARATION.replace(
        leads, f"leads.csv}}\n    newest_by: changed\n{columns}      changed: {{role: display}}\n"
    )
    assert "tables.leads.newest_by: rows are sorted by 'changed', which is read as category" in refused(changed)
    assert parse_source(changed.replace("changed: {role", "changed: {type: timestamp, role")).tables["leads"].newest_by
    usual = DECLARATION.replace(leads, f"{leads}      updated_at: {{role: display}}\n")
    assert "tables.leads.columns.updated_at: rows are sorted by 'updated_at'" in refused(usual)


def test_all_mistakes_are_named_at_once() -> None:
    message = refused(FLAT.replace("type: number", "typ: number").replace("role: display", "role: shown"))
    assert "line 11" in message and "line 12" in message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("      kind: {map", "      kinds: {map", ["unknown column", "kind, happened_at", "required column kind"]),
        ("      happened_at: {from: at}\n", "", ["required column happened_at"]),
        ("      amount: {}", "      amount: {type: category}", ["found 'category'", "contract says 'number'"]),
        ("data_cutoff: 2025-07-01T00:00:00Z", "data_cutoff: last summer", ["line 5", "'last summer'"]),
        ("kind: relational", "kind: flat", ["flat"]),
    ],
)
def test_tables_of_the_contract_are_held_to_it(old: str, new: str, said: list[str]) -> None:
    assert old in DECLARATION
    message = refused(DECLARATION.replace(old, new, 1))
    for part in said:
        assert part in message


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words"])
def test_a_text_that_is_no_mapping_says_what_is_expected(text: str) -> None:
    assert "line 1: expected keys and values" in refused(text)


def test_words_and_numbers_of_yaml_are_read_as_a_person_means_them() -> None:
    text = FLAT.replace('won: ["yes"], lost: ["no"]', "won: [yes], lost: [no]").replace(
        "[unknown]", "[unknown, 999, no]"
    )
    source = parse_source(text + "data_cutoff: 2025-01-02\n".replace("data_cutoff", "title"))
    assert source.flat is not None
    assert source.flat.target.won == ("yes",) and source.flat.target.lost == ("no",)
    assert source.tables["leads"].columns["job"].missing == ("unknown", "999", "no")
    assert source.title == "2025-01-02"


def test_a_source_knows_the_lines_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(FLAT)
    source = load_source(path)
    assert source.path == path
    assert source.where("tables", "leads", "columns", "age", "from") == "my.yaml line 11"
    assert source.model_copy(update={"title": "other"}).where("flat", "order") == "my.yaml line 5"
    assert parse_source(FLAT).where("nowhere") == "source 'calls', nowhere"


def test_an_unreadable_declaration_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        load_source(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: zürich".encode("latin-1"))
    with pytest.raises(SourceError, match="UTF-8"):
        load_source(tmp_path / "latin.yaml")


@pytest.mark.parametrize("name", ["bank", "bank_sample", "b2b"])
def test_every_shipped_source_is_found_by_name_and_loads(name: str) -> None:
    assert name in declaration_names("sources")
    source = load_source(find_source(name))
    assert source.name == name and source.licence and source.citation
    location = source.tables["leads"].location
    assert location is not None and location.sha256 is not None


def test_an_unknown_source_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no source 'bnak'. Known: .*bank.*"):
        find_source("bnak")
    with pytest.raises(SourceError, match="does not exist"):
        find_source(str(tmp_path / "none.yaml"))
