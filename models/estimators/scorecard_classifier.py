"""The learned scorecard as a scikit-learn estimator."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from features.array_types import Floats
from models.candidates.scorecard import ScorecardCandidate
from models.estimators.frame_classifier import FrameClassifier
from models.estimators.seeds import codes_of, seed_of


class ScorecardClassifier(FrameClassifier):
    """Integer points per bin, printable on one page.

    Parameters
    ----------
    features : most lines of the card
    random_state : of the folds that choose the lines; equal seeds give equal cards

    Attributes
    ----------
    card_ : the card, columns feature, bin, points and share of the rows that fall into it

    Examples
    --------
    >>> import pandas as pd
    >>> leads = pd.DataFrame({"employees": [5, 400] * 60, "country": ["PL", "KR", "KR"] * 40})
    >>> card = ScorecardClassifier(features=1).fit(leads, [0, 1] * 60)
    >>> card.card_["feature"].unique().tolist()
    ['employees']
    """

    def __init__(self, features: int = 14, random_state: Any = 7) -> None:
        self.features = features
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Learn bins and points; rows of one of ``groups`` stay together in the folds that choose them."""
        values, won, weight = self._begin(X, y, sample_weight)
        check_consistent_length(values, groups)
        card = ScorecardCandidate(features=self.features)
        self.candidate_ = card.fit(
            values,
            won,
            weight,
            catalog=self.frame_.catalog,
            seed=seed_of(self.random_state),
            group=None if groups is None else codes_of(groups),
        )
        names = dict(zip(self.frame_.catalog.names, self.frame_.names, strict=True))
        rows = [(names[row.feature], row.bin, row.points, row.share) for row in self.candidate_.rows()]
        self.card_ = pd.DataFrame(rows, columns=["feature", "bin", "points", "share"])
        return self

    def points(self, X: Any) -> Floats:
        """Points of each row, whole numbers, shape (n,)."""
        values = self._values(X)
        return self.candidate_.points(values)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Names of the columns on the card."""
        check_is_fitted(self)
        return np.array(self.card_["feature"].unique(), dtype=object)

    def _log_odds(self, values: pd.DataFrame) -> Floats:
        return self.candidate_.log_odds(values)
