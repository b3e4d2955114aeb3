"""The bar of a segment: how its name is told from those of features, and what it is called."""

SEGMENT_LEVEL = "segment_level"  # the bar; the contribution's name goes on with the feature that tells the segment
_MARK = f"{SEGMENT_LEVEL}:"  # no feature can be named so: a colon is not allowed in one


def segment_contribution(feature: str) -> str:
    """Name of the contribution that holds a segment's level; it is always the last one."""
    return f"{_MARK}{feature}"


def is_segment_contribution(name: str) -> bool:
    """Whether a contribution is a segment's level."""
    return name.startswith(_MARK)


def feature_of_segment(name: str) -> str:
    """The feature that tells the segment, from the contribution's name."""
    return name.removeprefix(_MARK)
