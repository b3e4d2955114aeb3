"""Reasons that argue for the list a lead stands in: for it where the model hands it off, against it where not."""

from dataclasses import replace

import numpy as np

from features.array_types import Bools
from features.assembly.frameless_rows import Values
from models.explaining.reasons import TOP, ReasonWriter, top_reasons
from models.interfaces import Contributions


def reasons_of_side(
    writer: ReasonWriter, contributions: Contributions, values: Values, handed_off: Bools, count: int = TOP
) -> list[list[str]]:
    """Per row the largest reasons of the sign that its side needs, marked + or -; empty where there are fewer.

    ``handed_off``, shape (n,): whether the model hands the row off.
    """
    parts = contributions.values
    of_side = np.where(handed_off[:, None], np.maximum(parts, 0.0), np.minimum(parts, 0.0))
    return top_reasons(writer, replace(contributions, values=of_side), values, count)
