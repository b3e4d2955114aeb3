"""Keyed hashes of people: found again in any spelling, told by nobody without the key, refused without it."""

from pathlib import Path

import pandas as pd
import pytest

from features.errors import DataError
from pipelines.workspace.atomic_files import write_json
from pipelines.workspace.people.addresses_in_texts import addresses_of
from pipelines.workspace.people.naming_columns import NamingColumns
from pipelines.workspace.people.register import (
    FORGOTTEN,
    OBJECTS,
    add_to_register,
    read_register,
    remove_from_register,
)


def test_ids_and_addresses_are_found_in_any_spelling(tmp_path: Path) -> None:
    register = add_to_register(tmp_path, FORGOTTEN, ["1000"], ["ann@example.com"])
    assert register.find_leads(pd.Series(["1000", " 1000.0 ", "10000", None])).tolist() == [True, True, False, False]
    cells = pd.Series(["Ann <Ann+news@Example.com>", "ann@example.org", "see ann@example.com", None])
    assert register.find_addresses(cells).tolist() == [True, False, False, False], "who is mentioned is not who it is"
    assert register.find_addresses(cells, personal=True).tolist() == [True, False, True, False]
    assert register.hide("row of Ann@example.com, 1000") == "row of [forgotten], [forgotten]"
    assert not register.names("2000, bob@example.com")


def test_an_id_of_letters_is_found_in_any_spelling_of_one_case(tmp_path: Path) -> None:
    register = add_to_register(tmp_path, FORGOTTEN, ["L003917", "Lead-7", "7c9e-x", "00QaBcD"], [])
    for lead in ("L003917", "l003917", "L003917.0", " l003917.00 ", "lead-7", "LEAD-7.0", "7C9E-X", "00QaBcD.0"):
        assert register.asks_of(lead) == {FORGOTTEN}, lead
        assert register.find_leads(pd.Series([lead])).all(), lead
    assert register.find_mark("l003917.0") == register.hash_lead("L003917")
    for lead in ("L003917.5", "L0039170", "00QabcD", "00QaBCD", "00qabcd"):
        assert register.asks_of(lead) == frozenset(), f"{lead} is another's"


def test_a_list_of_addresses_is_one_whatever_its_length_and_form() -> None:
    many = [f"p{k}@example.com" for k in range(40)]
    assert addresses_of("; ".join(many)) == many
    assert addresses_of("eve@example.com, Lee, Ann <ann@example.com>, (bob@example.com)") == [
        "eve@example.com",
        "ann@example.com",
        "bob@example.com",
    ]
    for note in ("ann@example.com called", "told ann@example.com", "Ann <ann@example.com> asks", "<none> @", "ann"):
        assert addresses_of(note) == [], note


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("by Ann+b@Example.com.", "by [forgotten]."),
        ("mailto:ann@example.com?a=ann@example.com&b", "mailto:[forgotten]?a=[forgotten]&b"),
        ("'ann@example.com',ann@example.com", "'[forgotten]',[forgotten]"),
        ("jo.ann@example.com ann@example.com.au o'ann@example.com", None),
        ("@ann ann@ 1000 -ann@example.com", "@ann ann@ 1000 -[forgotten]"),
    ],
)
def test_an_address_is_hidden_wherever_it_stands_and_no_other(tmp_path: Path, text: str, left: str | None) -> None:
    register = add_to_register(tmp_path, FORGOTTEN, ["1000"], ["ann@example.com"])
    assert register.hide_addresses(text) == (text if left is None else left)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Ann+b@Example.com (L00295), l00295.", "[forgotten] ([forgotten]), [forgotten]."),
        ("lead:L00295/x?m=ann@example.com", "lead:[forgotten]/x?m=[forgotten]"),
        ("merged with 100234.0, not 1002345 or 1.100234", "merged with [forgotten], not 1002345 or 1.100234"),
        ("00Q-5e!", "[forgotten]!"),
        ("100234 - 200000", None),
        ("lead:00Q-5e-x7, #00q-5E-X7 and 1.00Q-5e-x7", "lead:[forgotten], #00q-5E-X7 and 1.00Q-5e-x7"),
        ("https://crm.example/leads/7c9e6679-7425-40de", "https://crm.example/leads/[forgotten]"),
        ("Budget 25.000 EUR, offered 25.00, not 0025.0", None),
        ("L7 and L00295.x@example.com, L00295@x.example, xL00295", None),
    ],
)
def test_an_id_is_hidden_in_any_case_where_it_is_nobody_elses(tmp_path: Path, text: str, left: str | None) -> None:
    ids = ["L00295", "100234", "L7", "00Q-5e", "00Q-5e-x7", "7c9e6679-7425-40de", "25"]
    register = add_to_register(tmp_path, FORGOTTEN, ids, ["ann@example.com"])
    assert register.hide_in_text(text, numbers=True) == (text if left is None else left)
    assert "100234" not in text or register.hide_in_text(text, numbers=False) == text


def test_what_is_asked_of_a_record_goes_by_ids_and_own_addresses(tmp_path: Path) -> None:
    register = add_to_register(tmp_path, FORGOTTEN, ["1000"], ["ann@example.com"])
    columns = NamingColumns(leads=frozenset({"nr"}), personal=frozenset({"who"}), staff=frozenset({"rep"}))
    for record in (
        {"lead_id": 1000},
        {"nr": "1000.0"},
        {"any": "Ann <ANN@example.com>"},
        {"who": "is ann@example.com"},
    ):
        assert register.asks_of_record(record, columns) == {FORGOTTEN}, record
    for record in ({"any": "1000"}, {"rep": "ann@example.com"}, {"any": "is ann@example.com"}, {"lead_id": None}):
        assert register.asks_of_record(record, columns) == frozenset(), record


def test_the_list_names_nobody_and_the_key_is_the_users_alone(tmp_path: Path) -> None:
    add_to_register(tmp_path, FORGOTTEN, ["L7"], ["ann@example.com"])
    folder = tmp_path / "privacy"
    assert "ann" not in (folder / "people.json").read_text() and "L7" not in (folder / "people.json").read_text()
    assert [oct(file.stat().st_mode)[-3:] for file in sorted(folder.iterdir())] == ["600", "600"]
    other = tmp_path / "other"
    assert set(add_to_register(other, FORGOTTEN, ["L7"], []).entries) & set(read_register(tmp_path).entries) == set()


def test_a_list_without_its_key_is_refused(tmp_path: Path) -> None:
    add_to_register(tmp_path, FORGOTTEN, ["L7"], [])
    key = tmp_path / "privacy" / "key"
    whole = key.read_bytes()
    key.write_bytes(whole[:5])
    with pytest.raises(DataError, match="damaged"):
        read_register(tmp_path)
    key.unlink()
    with pytest.raises(DataError, match="backup"):
        read_register(tmp_path)


def test_a_list_that_is_gone_brings_nobody_back(tmp_path: Path) -> None:
    register = add_to_register(tmp_path, FORGOTTEN, ["L7"], [])
    folder = tmp_path / "privacy"
    done = {"version": 1, "forgotten": [{"at": "", "by": "", "marks": [register.hash_lead("L7")[:16]], "counts": {}}]}
    write_json(folder / "forgotten.json", done)
    assert read_register(tmp_path).asks_of("L7") == {FORGOTTEN}
    (folder / "people.json").unlink()
    with pytest.raises(DataError, match=r"people\.json, which says whom to leave out, is gone: they would come back"):
        read_register(tmp_path)
    with pytest.raises(DataError, match="forget each of them again"):
        add_to_register(tmp_path, OBJECTS, ["L1"], [])
    write_json(folder / "forgotten.json", {"version": 1, "forgotten": [{"marks": [], "counts": {}}]})
    assert read_register(tmp_path).entries == {}, "rows that are only numbered left no mark"


def test_an_objection_is_taken_back_and_being_forgotten_is_not(tmp_path: Path) -> None:
    add_to_register(tmp_path, OBJECTS, ["L1"], [])
    add_to_register(tmp_path, FORGOTTEN, ["L2"], [])
    assert remove_from_register(tmp_path, OBJECTS, ["L1", "L2"], []) == 1
    register = read_register(tmp_path)
    assert register.asks_of("L1") == frozenset() and register.asks_of("L2") == {FORGOTTEN}
    assert add_to_register(tmp_path, OBJECTS, ["L2"], []).asks_of("L2") == {FORGOTTEN}
