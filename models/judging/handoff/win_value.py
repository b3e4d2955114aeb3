"""What a win is worth, and what one among leads of one kind is worth against the mean of all wins."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from features.matrix import Matrix
from features.schema.source import Capacity

PRIOR_WINS = 10.0  # wins of average amount that each kind starts with, so that one large deal decides little


def win_value_ratios(kinds: Sequence[str], amounts: Sequence[float]) -> Mapping[str, float]:
    """By kind: mean amount of its wins over the mean of all, drawn towards 1 as if by ten more average wins.

    Parameters
    ----------
    kinds : kind of each win; an empty text is no kind
    amounts : what each win brought; wins without a finite amount are left out

    >>> win_value_ratios(["big"] * 10 + ["small"] * 10, [300.0] * 10 + [100.0] * 10)
    {'big': 1.25, 'small': 0.75}
    >>> win_value_ratios(["big"], [float("nan")])
    {}
    """
    names, brought = np.asarray(kinds, dtype=object), np.asarray(amounts, dtype=np.float64)
    known = np.isfinite(brought) & (names != "")
    mean = float(brought[known].mean()) if known.any() else 0.0
    if mean <= 0:
        return {}
    found = {}
    for name in sorted({str(text) for text in names[known]}):
        own = brought[known & (names == name)]
        found[name] = float((own.sum() + PRIOR_WINS * mean) / (len(own) + PRIOR_WINS) / mean)
    return found


def value_of_a_win(capacity: Capacity, before: Matrix, *, judged: bool = False) -> tuple[Capacity, list[str]]:
    """Capacity with a value per win: the declared one, or the mean amount of wins before the judged rows; and a note.

    Each lead counts once. Without either, cost and value cannot be weighed, and the note says so. ``judged`` where the
    rows are the judged ones themselves, as rules written by people have learned from none.
    """
    unit = f" {capacity.currency}".rstrip()
    if capacity.value_per_win is not None:
        declared = f"{capacity.value_per_win:,.0f}{unit}"
        return capacity, [f"Value of a win where no amount is on record: {declared}, declared."]
    won = (before.label == 1.0) & np.isfinite(before.amount)
    amounts = pd.Series(before.amount[won]).groupby(before.keys["lead_id"].to_numpy()[won]).first()
    if not len(amounts):
        return capacity, ["No amounts are on record and no value per win is declared: revenue cannot be told."]
    value, where = float(amounts.mean()), "among" if judged else "before"
    note = (
        f"Value of a win: {value:,.0f}{unit}, the mean amount of {len(amounts):,} won leads {where} the judged rows "
        "(no value_per_win is declared); where an amount is on record, that one counts. Revenue, not margin."
    )
    return capacity.model_copy(update={"value_per_win": value}), [note]
