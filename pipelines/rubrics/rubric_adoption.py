"""Adopting a draft: it becomes the rubric in force from a moment on, with author and reason; and all versions."""

from dataclasses import replace
from typing import Any

import pandas as pd

from features.cohort.cohort import cutoff_of
from features.errors import OvertakenError, PolicyError
from features.rubric.schema import Rubric
from features.rubric.versions import RubricHistory, RubricVersion, rubric_hash
from features.rubric.yaml_format import rubric_yaml
from pipelines.registry.points_champion import follow_adopted_rubric, scores_alone
from pipelines.scoring.find_lead import read_as_of
from pipelines.workspace.context import Context
from pipelines.workspace.people.register import without_the_forgotten
from pipelines.workspace.rubric_versions import adopt_rubric, version_record
from pipelines.workspace.table_files import load_tables


def adopt(
    context: Context,
    draft: Rubric,
    *,
    author: str,
    reason: str,
    since: str | None = None,
    replaces: str | None = None,
    resume: bool = False,
) -> dict[str, Any]:
    """Make a draft the rubric in force; the versions before stay, each for its time.

    Where points score alone, it scores from now on (``champion``); where a model does, no score moves.

    Parameters
    ----------
    since : ISO moment from which it judges leads; by default the data cut-off: what is listed now is listed under it
    replaces : name and version of the rubric in force that it was drafted against (empty: none); None: any
    resume : end what the same command, with the same author and reason, had begun when it was killed

    Raises
    ------
    OvertakenError
        another rubric is in force by now than it is to replace.
    PolicyError
        it is in force already, has no author or reason, begins before the version in force or after the data end, or
        has another version's name and number.
    """
    begins = _begins(context, since)
    same = next((v.rubric for v in context.rubrics.versions if _label(v.rubric) == _label(draft)), None)
    if same is not None and rubric_hash(same) != rubric_hash(draft):
        raise PolicyError(
            f"there is another rubric '{draft.name}' of version '{draft.version}' already; give the draft a version of "
            "its own, so that every score can say which one it is of."
        )
    reason = without_the_forgotten(context.paths.root, reason.strip())
    version = RubricVersion(rubric=draft, since=begins, author=author.strip(), reason=reason)
    earlier = context.rubrics.versions
    resumed = resume and bool(earlier) and bool(earlier[-1].adopted_at)
    resumed = resumed and _is_same(
        earlier[-1], version if since is not None else replace(version, since=earlier[-1].since)
    )
    if resumed:
        earlier, adopted = earlier[:-1], earlier[-1]
    in_force = _label(earlier[-1].rubric).strip() if earlier else ""
    if replaces is not None and replaces.strip() != in_force:
        raise OvertakenError(
            f"the rubric in force is '{in_force or 'none'}' by now, not '{replaces.strip() or 'none'}', so what it "
            "says would be lost. Look at what the draft changes in it, then adopt the draft again."
        )
    if not resumed:
        adopted = adopt_rubric(context.paths, context.declared_rubric, context.rubrics, version)
    label = _label(draft)
    now = replace(context, rubric=draft, rubrics=RubricHistory((*earlier, adopted)))
    champion = follow_adopted_rubric(now, f"rubric {label} adopted by {adopted.author}: {adopted.reason}")
    if champion is None and resumed:
        champion = scores_alone(now, draft)  # the call that was killed had moved the pointer
    return version_record(adopted) | {"replaces": in_force or None, "champion": champion}


def list_versions(context: Context) -> dict[str, Any]:
    """The rubric in force as YAML, and every version with its time, author and reason, the newest first."""
    versions = [version_record(version) for version in context.rubrics.versions]
    text = None if context.rubric is None else rubric_yaml(context.rubric)
    return {"active": versions[-1] if versions else None, "yaml": text, "versions": versions[::-1]}


def _is_same(one: RubricVersion, other: RubricVersion) -> bool:
    alike = (one.author, one.reason, one.since) == (other.author, other.reason, other.since)
    return alike and rubric_hash(one.rubric) == rubric_hash(other.rubric)


def _label(rubric: Rubric) -> str:
    return f"{rubric.name} {rubric.version}"


def _begins(context: Context, since: str | None) -> pd.Timestamp | None:
    if context.source.kind == "flat":
        if since is not None:
            raise PolicyError(
                "this source has no clocks: a version is in force from its adoption on; leave --from out."
            )
        return None
    now = pd.Timestamp.now(tz="UTC").tz_localize(None).floor("s")
    ends = cutoff_of(load_tables(context.paths), context.source) if context.paths.ingest.is_dir() else now
    begins = ends if since is None else read_as_of(since, option="--from", last_year=9999)
    if begins > max(now, ends):
        raise PolicyError(
            f"{begins:%Y-%m-%d %H:%M} is in the future; a version is in force from now or from an earlier moment of "
            "the data. Adopt it on that day."
        )
    return begins
