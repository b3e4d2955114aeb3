"""A flat target of one class, of which nothing can be learned."""

from collections.abc import Mapping, Sequence

from features.assembly.flat_outcomes import learned_rows
from features.schema.source import Source
from pipelines.artifacts.counts_record import QuarantineReason
from pipelines.ingest.diagnosis.reasons_in_words import describe_reasons
from pipelines.ingest.errors import OneClassError
from pipelines.ingest.quarantine import CheckedTable


def refuse_one_class(
    source: Source, checked: Mapping[str, CheckedTable], reasons: Mapping[str, Sequence[QuarantineReason]]
) -> None:
    """A flat target of one class teaches nothing; what is in quarantine may be the other one."""
    if source.flat is None:
        return
    target, leads = source.flat.target, checked["leads"].frame
    texts = leads[target.column][learned_rows(leads, source, source.flat)]
    won = int(texts.isin(target.won).sum())
    if won not in (0, len(texts)):
        return
    found = ", ".join(sorted(set(texts))) or "none"
    others = len(leads) - len(texts)
    among = f" that are closed ({others:,} others are open or left out)" if others else ""
    missing = checked["leads"].quarantined
    lost = "\n".join(
        ["", f"  {missing:,} of {checked['leads'].read:,} rows are in quarantine:", *describe_reasons(reasons["leads"])]
        if missing
        else []
    )
    raise OneClassError(
        f"{source.where('flat', 'target')}: target '{target.column}' has one class only in {len(texts)} rows{among} "
        f"({found}); nothing can be learned from it. Expected won ({', '.join(target.won)}) and lost "
        f"({', '.join((*target.lost, *target.disqualified))}); export closed leads of both kinds.{lost}"
    )
