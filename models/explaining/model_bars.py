"""Contributions that are no feature: the level of a segment, and what a prior bundle lacks; their names."""

SEGMENT_LEVEL = "segment_level"  # the bar; the contribution's name goes on with the feature that tells the segment
UNMAPPED = "prior_bundle"  # of facts that only the other source has, as far as it moves
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
