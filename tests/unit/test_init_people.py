"""What ``init`` writes of columns of people: none of their values, and no feature."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.schema.people.people_texts import nameable
from pipelines.declaring.column_inference import guess_column
from pipelines.declaring.column_lines import ColumnPlace, column_lines
from pipelines.declaring.confirming.guessed_files import guess_files
from pipelines.declaring.exports.open_export import init_export

NAMES = ["Anna Meyer", "Peter Kowalski", "Marta Nowak", "Jan Berg", "John Smith", "Priya Sharma", "Li Wei"]
NOTES = ["spoke with Peter Lindgren about pricing", "wants a demo", "left a message for Anna Meyer"]


def line_of(header: str, values: list[str], people: bool | None = True) -> str:
    texts = pd.Series(np.random.default_rng(0).choice(values, 400), name=header, dtype="str")
    name = re.sub(r"\W+", "_", header.lower())
    return "\n".join(column_lines(name, guess_column(texts, None, "."), texts, ColumnPlace(indent=6, people=people)))


@pytest.mark.parametrize("people", [True, None])
@pytest.mark.parametrize(
    "header",
    ["Betreuer", "Owner", "Rep", "Client", "Person", "Decision Maker", "Angelegt von", "Introduced", "Field 7"],
)
def test_names_are_neither_shown_nor_learned_from(header: str, people: bool | None) -> None:
    line = line_of(header, NAMES, people)
    assert re.search(r"role: (personal|display)", line), line
    assert not any(word in line for name in NAMES for word in name.split())


@pytest.mark.parametrize(
    ("header", "values", "told"),
    [
        ("Notes", NOTES, "notes about people"),
        ("Found By", ["Web", "Fair", "anna.schmidt@corp.com"], "mail addresses or telephone numbers"),
        ("Hotline", ["Web", "Fair", "+49 30 1234567"], "mail addresses or telephone numbers"),
    ],
)
def test_a_column_that_holds_people_is_told_and_is_no_feature(header: str, values: list[str], told: str) -> None:
    line = line_of(header, values)
    assert "role: personal" in line and told in line
    assert not any(value in line for value in values if not all(nameable(header, [value])))


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("PESEL", ["76011947645", "36061234600"]),
        ("AHV-Nr", ["756.7285.2665.47", "756.9138.9807.35"]),
        ("주민등록번호", ["610706-1245508", "760305-2168303"]),
        ("Geburtsdatum", ["07.11.1964", "14.02.1975"]),
        ("Strasse", ["Rue du Lac 9", "Dorfstrasse 58"]),
    ],
)
def test_facts_of_a_person_are_personal_and_not_shown(header: str, values: list[str]) -> None:
    line = line_of(header, values, None)
    assert "type: category, role: personal" in line and not any(value in line for value in values)


@pytest.mark.parametrize(
    ("header", "shown"),
    [("Client", "two words"), ("Referred By", "two words"), ("Town", "New York"), ("Lead Source", "Google Ads")],
)
def test_companies_and_towns_stay_features(header: str, shown: str) -> None:
    line = line_of(header, ["New York", "Google Ads", "Deutsche Bahn"], None)
    assert "role:" not in line and shown in line
    assert ("New York" in line) == (shown != "two words")


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("기간", ["2024.10~2025.01", "2023.02~2023.04", "2024.09 ~ 2024.10"]),
        ("Laufzeit", ["08/2023-10/2023", "06/2023-08/2023"]),
        ("Okres", ["01.04.2023 - 31.03.2024", "01.05.2023 - 30.04.2024"]),
    ],
)
def test_spans_of_time_are_no_numbers_of_people_and_no_choices(header: str, values: list[str]) -> None:
    assert "role: display" in line_of(header, values, None)


def test_fiscal_years_and_bands_stay_features() -> None:
    for header, values in (("Fiscal year", ["2023/2024", "2024/2025"]), ("Employees", ["10-50", "51-200", "201-1000"])):
        assert "role:" not in line_of(header, values, None)


def test_the_page_of_a_first_run_shows_what_init_shows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    leads = pd.DataFrame(
        {
            "Deal ID": [f"D{k:03}" for k in range(120)],
            "Result": np.where(np.arange(120) % 3, "lost", "won"),
            "Deal Owner": rng.choice(NAMES, 120),
            "Referred By": rng.choice(["Anna Zschoche", "Web", "Trade Fair"], 120),
            "Town": rng.choice(["New York", "Fort Worth", "El Paso"], 120),
        }
    )
    leads.to_csv(tmp_path / "deals.csv", index=False)
    guessed = guess_files([tmp_path / "deals.csv"], tmp_path / "declared" / "my.yaml", tmp_path / "data")
    shown = {column.header: column.examples for column in guessed.columns}
    assert (shown["Deal Owner"], shown["Referred By"]) == ((), ()) and "New York" in shown["Town"]
    assert {column.header for column in guessed.columns if column.hidden} == {"Deal Owner", "Referred By"}
    assert not any(name in str(guessed.columns) for name in [*NAMES, "Zschoche"])


@pytest.mark.parametrize(
    ("names", "encoding"), [(["Zoë Weiß", "Jörg Müller"], "cp1252"), (["오승현", "이도윤"], "cp949")]
)
def test_the_line_about_the_encoding_shows_nobody(tmp_path: Path, names: list[str], encoding: str) -> None:
    rows = [f"D{k:03};{'lost' if k % 3 else 'won'};{names[k % 2]}" for k in range(120)]
    (tmp_path / "deals.csv").write_bytes("\n".join(["Deal ID;Result;Owner", *rows, ""]).encode(encoding))
    text = init_export([str(tmp_path / "deals.csv")], tmp_path / "my.yaml", tmp_path / "data")
    assert f"encoding: {encoding}" in text and re.search("code page|words do", text)
    assert not any(part in text for name in names for part in name.split())
