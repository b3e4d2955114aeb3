"""Borders of numbers as people write them: as few figures as tell neighbours apart; the borders stay exact."""

import math
from collections.abc import Sequence

_FIGURES = 2  # a person says 3.3 days, not 3.30096; more only where two borders would read the same
_MOST_FIGURES = 17  # all a float has
_GROUPED_BELOW = 1e15  # longer whole numbers are no longer read by their digits


def edge_words(edges: Sequence[float]) -> list[str]:
    """Each border in words, ascending ones distinct.

    Whole borders stay as they are. A border that is not whole never reads as 0, as 1 or as another one.

    >>> edge_words([0.0, 3.30096, 3.97494, 12.4071, 1234.0, 1000000.0])
    ['0', '3.3', '4.0', '12', '1,234', '1,000,000']
    >>> edge_words([0.9964, 3.30096, 3.30104])
    ['0.996', '3.30096', '3.30104']
    """
    words = [_word(edge, _FIGURES) for edge in edges]
    for figures in range(_FIGURES + 1, _MOST_FIGURES + 1):
        values = [float(word.replace(",", "")) for word in words]
        close = [
            _is_misread(edge, values[k])
            or any(values[n] == values[k] and edges[n] != edge for n in (k - 1, k + 1) if 0 <= n < len(edges))
            for k, edge in enumerate(edges)
        ]
        if not any(close):
            break
        words = [_word(edge, figures) if again else word for edge, word, again in zip(edges, words, close, strict=True)]
    return words


def _is_misread(edge: float, value: float) -> bool:
    """Whether a share or a small number would read as none or as the whole, or a bound as a number without end."""
    return math.isinf(value) or (value != edge and value in (0.0, 1.0, -1.0))


def _word(edge: float, figures: int) -> str:
    """A border with so many figures, its whole part in full."""
    if not math.isfinite(edge):
        return f"{edge:g}"
    if edge == int(edge):
        return f"{int(edge):,}" if abs(edge) < _GROUPED_BELOW else f"{edge:.{figures}g}"
    if not 1e-4 <= abs(edge) < _GROUPED_BELOW:
        return f"{edge:.{figures}g}"
    before = max(math.floor(math.log10(abs(edge))) + 1, 0)
    leading = max(-math.floor(math.log10(abs(edge))) - 1, 0)
    return f"{edge:,.{max(figures - before, 0) + leading}f}"
