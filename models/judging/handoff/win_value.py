"""What a win among leads of one kind is worth, against the mean of all wins."""

from collections.abc import Mapping, Sequence

import numpy as np

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
