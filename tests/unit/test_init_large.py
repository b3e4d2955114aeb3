"""A guess that a part of a large column gives holds for all of it, or is corrected."""

import numpy as np
import pandas as pd
import pytest

from features.schema.vocabulary import ColumnType, Role
from pipelines.declaring import value_types
from pipelines.declaring.column_inference import guess_column, times_in_order
from pipelines.declaring.column_values import ColumnValues, purity
from pipelines.declaring.status_column import guess_target
from pipelines.declaring.value_types import prove_decimal

N = 3000
NUMBER = pd.Series(range(N))


def column(name: str) -> pd.Series:
    texts = {
        "amount": (NUMBER * 1.5).astype(str),
        "Lead ID": "L" + NUMBER.astype(str),
        "postcode": (NUMBER + 1000).astype(str).str.zfill(5),
        "number": NUMBER.astype(str),
        "mail": NUMBER.astype(str) + "@x.example",
        "created": pd.Series(pd.date_range("2024-01-01", periods=N, freq="h").astype(str)),
        "remark": "a long remark about the lead, its budget and what it needs " + NUMBER.astype(str),
        "country": pd.Series(["DE", "FR", "unknown"] * (N // 3)),
        "consent": pd.Series(["yes", "No"] * (N // 2)),
        "balance": pd.Series(np.where(NUMBER % 3 == 0, "-1", NUMBER.astype(str))),
    }
    return texts[name].astype("str").rename(name)


NAMES = ("amount", "Lead ID", "postcode", "number", "mail", "created", "remark", "country", "consent", "balance")


@pytest.mark.parametrize("name", NAMES)
def test_asked_by_parts_or_whole_a_column_is_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    won = (NUMBER % 7 == 0).astype("float64")
    whole = guess_column(column(name), won, ".")
    monkeypatch.setattr(value_types, "LARGE", 50)
    monkeypatch.setattr(value_types, "SAMPLED", 200)
    assert guess_column(column(name), won, ".") == whole


@pytest.mark.parametrize(
    ("usual", "odd", "right"),
    [
        (NUMBER.astype(str), "many " + NUMBER.astype(str), ColumnType.CATEGORY),
        ((NUMBER * 7 + 100_000).astype(str), "0" + NUMBER.astype(str), ColumnType.CATEGORY),  # ids with zeros in front
        (column("created"), "some day in " + NUMBER.astype(str), ColumnType.CATEGORY),
    ],
)
def test_rows_that_the_part_did_not_show_correct_the_guess(
    usual: pd.Series, odd: pd.Series, right: ColumnType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(value_types, "LARGE", 50)
    monkeypatch.setattr(value_types, "SAMPLED", 300)  # every tenth row is looked at first
    texts = usual.where(NUMBER % 10 != 5, odd).astype("str").rename("x")
    assert guess_column(usual.astype("str").rename("x"), None, ".").type is not right
    assert guess_column(texts, None, ".").type is right


def test_a_part_proves_the_decimal_sign_only_if_it_is_of_one_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    signed, whole = (NUMBER + 0.5).astype("str"), NUMBER.astype("str")
    rare = whole.where(NUMBER % 10 != 5, signed)  # no signed value lies in the part looked at first
    shown = (NUMBER % 10 == 0) & (NUMBER % 30 != 0)
    mixed = signed.where(shown, signed.str.replace(".", ","))  # the part shows more points than commas
    monkeypatch.setattr(value_types, "LARGE", 50)
    monkeypatch.setattr(value_types, "SAMPLED", 300)
    found = [prove_decimal(ColumnValues.of(texts.astype("str"))) for texts in (signed, whole, rare, mixed)]
    assert found == [".", None, ".", ","]


def test_values_are_counted_with_their_rows() -> None:
    found = ColumnValues.of(pd.Series(["b", None, "a", "b"], dtype="str"))
    assert found.values.tolist() == ["b", "a"] and found.counts.tolist() == [2, 1] and found.rows == 3
    assert found.codes.tolist() == [0, -1, 1, 0] and found.share(found.values == "b") == pytest.approx(2 / 3)
    left = found.without(np.array([True, False]))
    assert left.values.tolist() == ["a"] and left.codes.tolist() == [-1, -1, 0, -1]
    assert left.some_rows(5).tolist() == ["a"]


def test_a_value_that_gives_the_outcome_away_is_found_whatever_stands_beside_it() -> None:
    codes, won = np.array([0] * 50 + [1] * 50 + [-1] * 20), np.array([1.0] * 50 + [0.0] * 70)
    assert purity(codes, won, 5) == 1.0
    assert purity(np.arange(100), won[:100], 5) is None
    guess = guess_column(pd.Series(np.where(NUMBER % 7 == 0, "x", "y"), name="z").astype("str"), NUMBER % 7 == 0, ".")
    assert "the outcome follows from its values alone in 100% of the rows" in guess.suspicious


def test_order_and_target_are_those_of_all_rows() -> None:
    times = column("created")
    swapped = times.copy()
    swapped.iloc[[7, 8]] = times.iloc[[8, 7]].to_numpy()
    frame = pd.DataFrame({"a": times, "b": swapped})
    guesses = {name: guess_column(frame[name], None, ".") for name in frame}
    assert times_in_order(frame, guesses) == ["a"]
    target = guess_target(pd.DataFrame({"n": NUMBER.astype("str"), "status": ["won", "lost", "open"] * (N // 3)}))
    assert target is not None and (target.header, target.won, target.lost) == ("status", ("won",), ("lost",))
    assert guess_column(column("mail"), None, ".").role is Role.PERSONAL
