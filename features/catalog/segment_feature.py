"""The feature whose values are the declared segments of the model."""

from features.catalog.feature import Catalog, Feature, FeatureType
from features.errors import SourceError
from features.schema.operations import AnswerValue, ColumnValue
from features.schema.source import Source


def segment_feature(catalog: Catalog, source: Source) -> Feature | None:
    """The category feature of the column that ``model.segment`` names; None where nothing is declared.

    Raises
    ------
    SourceError : the column gives no category feature, so nobody would know a lead's segment when it is scored
    """
    named = None if source.model is None else source.model.segment
    if named is None:
        return None
    known = {_column_of(feature): feature for feature in reversed(catalog.features) if _column_of(feature)}
    if named not in known:
        raise SourceError(
            f"{source.where('model', 'segment')}: model.segment names '{named}', which is no category of leads or "
            "accounts that the model may know when it scores. Declare the column 'type: category' with role feature "
            f"and a clock, or name one of: {', '.join(sorted(known)) or 'none is declared'}."
        )
    return known[named]


def _column_of(feature: Feature) -> str:
    """The declared column a category feature holds as it is, empty for all others."""
    if feature.type is not FeatureType.CATEGORY or feature.family != "attributes":
        return ""
    match feature.params:
        case ColumnValue(column=column, derive=None):
            return column
        case AnswerValue(question=question):
            return question
    return ""
