"""leadscore: predictive lead scoring, from records to explained scores.

Sources and their history: :func:`init`, :func:`read_source`, :func:`features_at`, :func:`labels`, :func:`split`,
:func:`audit`. Models: :func:`train`, :func:`load_bundle`, :func:`score`, :func:`worklist`, :func:`contributions`,
:func:`explain`. Manual points beside them: :func:`rubric`, :func:`compare`, :func:`replay`. Over time:
:func:`retrain`, :func:`monitor`, :func:`promote`. For a frame of one's own, scikit-learn estimators:
:class:`LeadScoreClassifier`, :class:`ScorecardClassifier`, :class:`RubricClassifier`, and the cross-validator
:class:`TemporalSplit`.
"""

from models.estimators.lead_score_classifier import LeadScoreClassifier, NoSignalWarning, TooFewRowsWarning
from models.estimators.rubric_classifier import RubricClassifier
from models.estimators.scorecard_classifier import ScorecardClassifier
from models.estimators.temporal_split import TemporalSplit
from models.settings import TrainSettings
from pipelines.python_api.bundles import contributions, explain, load_bundle, rubric, score
from pipelines.python_api.rows import audit, check_features, features_at, labels, split
from pipelines.python_api.source_data import SourceData, init, read_source
from pipelines.python_api.stages import Training, compare, monitor, promote, replay, retrain, run, train, worklist
from pipelines.python_api.stale_tables import StaleTablesWarning

__all__ = [
    "LeadScoreClassifier",
    "NoSignalWarning",
    "RubricClassifier",
    "ScorecardClassifier",
    "SourceData",
    "StaleTablesWarning",
    "TemporalSplit",
    "TooFewRowsWarning",
    "TrainSettings",
    "Training",
    "audit",
    "check_features",
    "compare",
    "contributions",
    "explain",
    "features_at",
    "init",
    "labels",
    "load_bundle",
    "monitor",
    "promote",
    "read_source",
    "replay",
    "retrain",
    "rubric",
    "run",
    "score",
    "split",
    "train",
    "worklist",
]
