"""Addresses in links, pages and mails, where letters are written as codes, are found and hidden as any other."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from pipelines.privacy.erase_files import erase_from_file, holds_person
from pipelines.privacy.hidden_mentions import hide_in_arrow
from pipelines.privacy.person import Person
from pipelines.scoring.shown_columns import is_contact
from pipelines.workspace.people.addresses_in_texts import addresses_of
from pipelines.workspace.people.naming_columns import NamingColumns
from pipelines.workspace.people.register import FORGOTTEN, add_to_register

ANN = Person(lead_ids=frozenset(), addresses=frozenset({"ann@x.example"}))
HIDES = [
    ("/thanks?email=ann%40x.example&plan=pro", "/thanks?email=[forgotten]&plan=pro"),
    ("?to=Ann%2Bnews%2540X.example.", "?to=[forgotten]."),
    (
        "?next=https%3A%2F%2Fb.example%3Femail%3Dann%40x.example%26a",
        "?next=https%3A%2F%2Fb.example%3Femail%3D[forgotten]%26a",
    ),
    ("<a href='mailto:&#97;nn&#64;x.example'>", "<a href='mailto:[forgotten]'>"),
    ("ann&#x40;x&#46;example, ann&commat;x.example; ann&amp;#64;x.example", "[forgotten], [forgotten]; [forgotten]"),
    ("From: =?utf-8?Q?ann=40x.example?=", "From: =?utf-8?Q?[forgotten]?="),
    ('{"mail": "ann\\u0040x.example"}', '{"mail": "[forgotten]"}'),
    ("%C3%A9 ann%40x.example %ff", "%C3%A9 [forgotten] %ff"),
    ("?a%3Dann@x.example and ann@x.example", "?a%3D[forgotten] and [forgotten]"),
    ("/s?q=contact+ann%40x.example", "/s?q=contact+[forgotten]"),
    ("to=a%40y.example+ann%40x.example+b%2540y.example", "to=a%40y.example+[forgotten]+b%2540y.example"),
    ("?q=mail+ann%2Bnews%2540x.example+soon", "?q=mail+[forgotten]+soon"),
    ("a%40y.example+ann%40x.example", "a%40y.example+[forgotten]"),
    ("/left/ann+news%40x.example", "/left/[forgotten]"),
    ("?mail=ann+news@x.example and ?mail=ann+news&#64;x.example", "?mail=[forgotten] and ?mail=[forgotten]"),
    ("<a href='?a=b'>ann+news%40x.example", "<a href='?a=b'>[forgotten]"),
]
OTHERS = [
    "jo+ann&#64;x.example",
    "/search?q=ann+jo%40x.example",
    "q%3Dann+jo%40x.example",
    "?q=%2Bann+jo%2540x.example",
]
LEAVES = ["jo.ann%40x.example", "ann%40x.example.au", "email=40ann@x.example", "40% of 64;", "ann%41x.example", "a%40b"]


@pytest.mark.parametrize(("text", "left"), [*HIDES, *((text, text) for text in [*LEAVES, *OTHERS])])
def test_an_address_in_codes_is_hidden_and_no_other(tmp_path: Path, text: str, left: str) -> None:
    register = add_to_register(tmp_path, FORGOTTEN, ["1000"], ["ann@x.example"])
    assert register.hide_in_text(text, numbers=True) == left
    assert (register.hide(text) == left, register.names(text)) == (True, text != left)
    assert ANN.hide(text) == left and ANN.is_mentioned(text) is (text != left)
    rows, count = hide_in_arrow(pa.table({"note": [text, "b"], "n": [1, 2]}), ANN.hide_addresses)
    assert rows["note"].to_pylist() == [left, "b"] and count == (text != left)


@pytest.mark.parametrize("name", ["page.html", "told.json", "rows.csv", "notes.parquet"])
def test_files_lose_an_address_in_codes(tmp_path: Path, name: str) -> None:
    text, left, file = *HIDES[0], tmp_path / name
    if name.endswith("parquet"):
        pd.DataFrame({"note": [text, None]}).to_parquet(file)
    else:
        file.write_text(f'{{"note": "{text}"}}' if name == "told.json" else f"note,n\n{text} and more,1\n")
        assert holds_person(file, ANN)
    erased = erase_from_file(file, ANN, alias="", dry_run=False)
    assert erased is not None and erased.count == 1
    said = pd.read_parquet(file)["note"][0] if name.endswith("parquet") else file.read_text()
    assert left in said and "x.example" not in said


def test_a_cell_in_codes_says_whose_row_it_is_and_a_link_does_not(tmp_path: Path) -> None:
    assert addresses_of("ann%40x.example") == addresses_of("Ann%2Bb%2540X.example") == ["ann@x.example"]
    assert addresses_of("https://x.example/?email=ann%40x.example") == []
    register = add_to_register(tmp_path, FORGOTTEN, [], ["ann@x.example"])
    assert register.find_addresses(pd.Series(["ann%40x.example", "bob%40x.example"])).tolist() == [True, False]
    assert register.asks_of("ann%40x.example") == {FORGOTTEN} and not register.asks_of("ann%41x.example")
    assert register.asks_of_record({"mail": "ann&#64;x.example"}, NamingColumns()) == {FORGOTTEN}
    assert is_contact("?email=ann%40x.example") and not is_contact("40% of ann")
