"""What the estimators share: reading frames and outcomes, and answering in probabilities."""

from abc import abstractmethod
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from features.array_types import Floats
from features.rubric.schema import Rubric
from models.estimators.user_frame import UserFrame, frame_of
from models.logistic import sigmoid


class FrameClassifier(ClassifierMixin, BaseEstimator):
    """A classifier of won and lost rows of a frame; texts and missing values need no preparation.

    Attributes
    ----------
    classes_ : shape (2,), the second one counts as won
    n_features_in_, feature_names_in_ : as in scikit-learn
    frame_ : how the columns are read
    """

    classes_: Any
    frame_: UserFrame

    def _begin(
        self, X: Any, y: Any, sample_weight: Any, rubric: Rubric | None = None
    ) -> tuple[pd.DataFrame, Floats, Floats]:
        """Feature values, outcomes (1 won, 0 lost) and weights; the columns are known from then on."""
        validate_data(self, X, y, skip_check_array=True)
        frame = frame_of(X)
        y = column_or_1d(y, warn=True)
        check_consistent_length(frame, y)
        check_classification_targets(y)
        self.classes_, code = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is "
                f"{type_of_target(y)}: {len(self.classes_)} classes."
            )
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs rows of two classes, won and lost; all {len(y)} are of one class."
            )
        weight = _check_sample_weight(sample_weight, frame, dtype=np.float64, ensure_non_negative=True)
        self.frame_ = UserFrame.of(frame, rubric)
        return self.frame_.values(frame), code.astype(np.float64), weight

    def _values(self, X: Any) -> pd.DataFrame:
        """Feature values of rows to be judged."""
        check_is_fitted(self)
        frame = frame_of(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        return self.frame_.values(frame.set_axis(list(self.frame_.names), axis=1))

    @abstractmethod
    def _log_odds(self, values: pd.DataFrame) -> Floats:
        """Calibrated log-odds of feature values, shape (n,)."""

    @abstractmethod
    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows and their outcomes."""

    def decision_function(self, X: Any) -> Floats:
        """Log-odds that a row is won, shape (n,)."""
        return self._log_odds(self._values(X))

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities of lost and won, shape (n, 2), as in :attr:`classes_`."""
        won = sigmoid(self.decision_function(X))
        return np.column_stack([1.0 - won, won])

    def predict(self, X: Any) -> Any:
        """The likelier class of each row, shape (n,); who hands leads over sets a threshold of their own."""
        won = self.decision_function(X) > 0
        return self.classes_[won.astype(np.int64)]

    def __sklearn_tags__(self) -> Tags:
        """Two classes; missing values and texts are read as they are."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
