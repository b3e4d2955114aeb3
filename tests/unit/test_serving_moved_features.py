"""What the model page says of drift."""

import pytest

from serving.pages.model.moved_features import nothing_moved


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ({"features": "ok", "base rate": "cannot tell"}, True),
        ({"features": "ok", "base rate": "watch"}, False),
        ({"features": "cannot tell", "base rate": "cannot tell", "volume": "ok"}, False),
        ({"volume": "cannot tell"}, False),
        ({}, False),
    ],
)
def test_that_nothing_moved_is_said_only_where_that_was_looked_for(levels: dict[str, str], said: bool) -> None:
    assert nothing_moved([{"check": check, "level": level} for check, level in levels.items()]) is said
