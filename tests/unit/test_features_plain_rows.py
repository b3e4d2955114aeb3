"""Rows without a frame read as the frame they stand for."""

import numpy as np
import pandas as pd
import pytest

from features.assembly.frameless_rows import (
    PlainRows,
    Values,
    column_names,
    frame_of_values,
    missing_in,
    number_block,
    objects,
    row_of,
    texts_of,
)
from tests.reference.toy import CATALOG, toy_matrix

FRAME = toy_matrix(50, seed=3).values
ROWS = PlainRows.of(FRAME, CATALOG)


def test_there_and_back_is_the_same_frame() -> None:
    pd.testing.assert_frame_equal(ROWS.frame, FRAME, check_exact=True)
    pd.testing.assert_frame_equal(frame_of_values(FRAME), FRAME)
    assert frame_of_values(ROWS) is ROWS.frame


@pytest.mark.parametrize("name", CATALOG.names)
def test_every_way_to_read_a_column_agrees_with_the_frame(name: str) -> None:
    plain: Values = ROWS
    assert missing_in(plain, name).tolist() == missing_in(FRAME, name).tolist() == FRAME[name].isna().tolist()
    pairs = zip(objects(plain, name), objects(FRAME, name), strict=True)
    assert all(a == b or ((a is None or a != a) and pd.isna(b)) for a, b in pairs)
    if name in CATALOG.categories:
        assert [t for t in texts_of(plain, name) if t is not None] == FRAME[name].dropna().tolist()
    else:
        np.testing.assert_array_equal(number_block(plain, (name,)), number_block(FRAME, (name,)))


def test_numbers_come_in_the_order_asked_for() -> None:
    asked = CATALOG.numbers[::-1]
    np.testing.assert_array_equal(number_block(ROWS, asked), FRAME.loc[:, list(asked)].to_numpy())
    assert column_names(ROWS) == column_names(FRAME) == CATALOG.names


def test_a_row_holds_every_column() -> None:
    one, other = row_of(ROWS, 7), row_of(FRAME, 7)
    assert set(one) == set(other)
    assert all(pd.isna(other[k]) if v is None or v != v else v == other[k] for k, v in one.items())
