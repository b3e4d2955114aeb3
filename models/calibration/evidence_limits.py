"""What a number of won and lost leads cannot rule out: how near to 0 or 1 a probability and its bounds may come."""

from dataclasses import dataclass

import numpy as np

from features.array_types import Floats

_ONE_SIDED = 0.05  # of a 90% interval lies beyond each end


@dataclass(frozen=True)
class EvidenceLimits:
    """The nearest to 0 and 1 that probabilities learned from so many leads may come (docs/adr/0033).

    At best all won leads look alike and no lost one looks like them: then ``won`` of ``won`` such leads were won. Even
    so the chance of the next one is put at its Jeffreys mean, and the lower bound where that many wins in a row still
    happen one time in twenty (the rule of three). The same for lost leads at the other end.

    Parameters
    ----------
    won, lost : leads learned from; 0 where it is not on record, which limits nothing
    """

    won: int = 0
    lost: int = 0

    def apply(self, probability: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
        """Probability, lower and upper bound within the limits, in their order still.

        >>> [part.round(5).tolist() for part in EvidenceLimits(99, 999).apply(*(np.array([0.0, 1.0]),) * 3)]
        [[0.0005, 0.995], [0.0, 0.97019], [0.00299, 1.0]]
        """
        if self.lost:
            probability = np.maximum(probability, 0.5 / (self.lost + 1))
            high = np.maximum(high, 1 - _ONE_SIDED ** (1 / self.lost))
        if self.won:
            probability = np.minimum(probability, 1 - 0.5 / (self.won + 1))
            low = np.minimum(low, _ONE_SIDED ** (1 / self.won))
        return probability, low, high
