"""Marketing's rubric as a scikit-learn estimator."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from features.array_types import Floats
from features.errors import PolicyError
from features.rubric.load import load_rubric, parse_rubric
from features.rubric.schema import Rubric
from models.candidates.rate import RateCandidate
from models.candidates.rubric import RubricCandidate
from models.estimators.frame_classifier import FrameClassifier
from models.estimators.user_frame import index_of
from models.interfaces import Candidate


class RubricClassifier(FrameClassifier):
    """Points as the rubric gives them; only the line from points to log-odds is learned, and it never falls.

    Parameters
    ----------
    rubric : a :class:`~features.rubric.schema.Rubric`, its YAML text, or the path of its file; its rules speak of
        columns of the frame. None gives every row the same points, and so the base rate

    Attributes
    ----------
    rubric_ : the rubric

    Examples
    --------
    >>> import pandas as pd
    >>> text = '''
    ... name: size
    ... groups: {fit: {dimension: fit}}
    ... rules:
    ...   - {id: large, group: fit, label: large company, lead: employees, ranges: [{from: 100, points: 10}]}
    ... thresholds: [{stage: mql, points: 10}]
    ... handoff: {stage: mql}
    ... '''
    >>> leads = pd.DataFrame({"employees": [5, 400] * 60})
    >>> RubricClassifier(text).fit(leads, [0, 1] * 60).points(leads.head(2)).tolist()
    [0.0, 10.0]
    """

    def __init__(self, rubric: Rubric | str | Path | None = None) -> None:
        self.rubric = rubric

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn the line from points to log-odds.

        Raises
        ------
        PolicyError : the rubric is wrong in itself, or speaks of columns that the frame does not have
        """
        self.rubric_ = read_rubric(self.rubric)
        values, won, weight = self._begin(X, y, sample_weight, self.rubric_)
        unfitted: Candidate = RateCandidate() if self.rubric_ is None else RubricCandidate(self.rubric_)
        self.candidate_ = unfitted.fit(values, won, weight, catalog=self.frame_.catalog, seed=0)
        return self

    def points(self, X: Any) -> Floats:
        """Points of each row, shape (n,)."""
        values = self._values(X)
        return self.candidate_.points(values) if isinstance(self.candidate_, RubricCandidate) else np.zeros(len(values))

    def ledger(self, X: Any) -> pd.DataFrame:
        """What each rule gave to each row, shape (n, rules); a frame's index is kept."""
        values, index = self._values(X), index_of(X)
        if not isinstance(self.candidate_, RubricCandidate):
            return pd.DataFrame(index=index)
        return self.candidate_.ledger(values).features.set_axis(values.index if index is None else index)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Names of the rules."""
        check_is_fitted(self)
        return np.array([] if self.rubric_ is None else [rule.id for rule in self.rubric_.rules], dtype=object)

    def _log_odds(self, values: pd.DataFrame) -> Floats:
        return self.candidate_.log_odds(values)

    def __sklearn_tags__(self) -> Tags:
        """Points are given, not learned: nothing is promised of how well they tell won from lost."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


def read_rubric(rubric: Rubric | str | Path | None) -> Rubric | None:
    """A rubric from itself, its YAML text or its file."""
    if rubric is None or isinstance(rubric, Rubric):
        return rubric
    if isinstance(rubric, Path) or "\n" not in rubric:
        if not Path(rubric).exists():
            raise PolicyError(
                f"there is no rubric file {rubric}. Give its path, its YAML text, or, by name, leadscore.rubric(NAME)."
            )
        return load_rubric(Path(rubric))
    return parse_rubric(rubric)
