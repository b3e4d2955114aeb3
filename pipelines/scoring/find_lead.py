"""One lead, or any bundle, looked up by name: what ``explain`` and ``score --input`` have in common."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from features.array_types import Tables
from features.assembly.build_matrix import features_at
from features.assembly.closed_leads import ClosedLead, closed_leads
from features.assembly.crm_facts import Closes, CrmFacts
from features.assembly.flat_matrix import flat_at
from features.assembly.flat_outcomes import flat_ids
from features.assembly.rule_values import rules_catalog
from features.catalog.feature import Catalog
from features.cohort.cohort import cutoff_of
from features.errors import ContractError
from features.matrix import Matrix
from features.point_in_time.microseconds import micros
from models.accounts.needed_seats import with_missing_seats
from models.bundle import Bundle, load_bundle
from models.explaining.framework import Framework, load_framework
from models.explaining.language import load_language
from models.explaining.manual.manual_score import ManualRows
from models.scoring import Beside, score
from pipelines.artifacts.reading_record import ReadingRecord
from pipelines.ingest.identity_files import read_merged_leads
from pipelines.own_code.own_functions import require_same_code
from pipelines.registry.champion import read_champion, require_champion
from pipelines.registry.soundness import require_sound
from pipelines.workspace.context import Context
from pipelines.workspace.table_files import load_table, load_tables

CHAMPION = "champion"
# A day or a month of ISO 8601. Of others pandas makes moments, too: of 09:00 today's, of 03/04/2026 one of March.
_ISO = re.compile(r"\s*[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?|[0-9]{4})(?:[T ][0-9].*)?\s*")
_FIRST_YEAR, _LAST_YEAR = 1900, 2199  # as ingest reads dates: outside lie typing errors and fillers
_LEAST_DIGITS = 6  # of a hash: 16 million beginnings, so that a short word is not taken for one


def find_bundle(context: Context, name: str = CHAMPION) -> Bundle:
    """The champion, the bundle of a directory, or a kept one by the beginning of its hash; checked against its hash.

    One that was never tried here scores made-up leads first, in a process of its own.

    Raises
    ------
    RegistryError, BundleError
        if there is no champion; if the bundle is missing, damaged or does not score as a bundle must; if code of
        one's own changed since it was trained.
    """
    folder, known = _find_folder(context, name)
    bundle = load_bundle(folder, known)
    if context.own_code:
        require_same_code(bundle.hash, bundle.meta, bundle.catalog)
    require_sound(context.paths, folder, bundle.hash)
    return bundle


def _find_folder(context: Context, name: str) -> tuple[Path, str | None]:
    """Where a bundle lies, and its hash where that is known beforehand."""
    if name == CHAMPION:
        found = require_champion(context.paths)
        return found.folder, found.hash
    kept = find_kept_bundles(context, name)
    return (Path(name), None) if len(kept) != 1 else (kept[0], kept[0].name)


def find_reading(context: Context, name: str = CHAMPION) -> ReadingRecord:
    """How the files were written that a bundle was trained on; of none, how the files ingested last were."""
    if name != CHAMPION:
        kept = find_kept_bundles(context, name)
        return ReadingRecord.find(context.paths, kept[0] if len(kept) == 1 else Path(name))
    champion = read_champion(context.paths)
    return ReadingRecord.find(context.paths, None if champion is None else champion.folder)


def find_kept_bundles(context: Context, beginning: str) -> list[Path]:
    """Folders of the kept bundles whose hash begins so; none if the text cannot be the beginning of a hash."""
    folder = context.paths.bundles
    if len(beginning) < _LEAST_DIGITS or not set(beginning) <= set("0123456789abcdef") or not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name.startswith(beginning))


def find_framework(context: Context, name: str | None) -> Framework:
    """A framework by name or path; the source's own if none is named, or the name is its own."""
    return context.framework if name in (None, context.framework.name) else load_framework(str(name))


def parse_as_of(as_of: str | None, otherwise: pd.Timestamp) -> pd.Timestamp:
    """An ISO timestamp as naive UTC, another moment where none is given; ContractError if it is not one."""
    return otherwise if as_of is None else read_as_of(as_of)


def read_as_of(text: str, *, option: str = "--as-of", last_year: int = _LAST_YEAR) -> pd.Timestamp:
    """An ISO timestamp as naive UTC; ContractError, which names the option, if it is not one."""
    refusal = f"{option} '{text}' is not a valid timestamp; write it as 2026-03-31 or 2026-03-31T09:00."
    try:
        found = pd.Timestamp(text)
    except ValueError as problem:
        raise ContractError(refusal) from problem
    if pd.isna(found):
        raise ContractError(f"{option} is empty; write it as 2026-03-31 or 2026-03-31T09:00.")
    if not _ISO.fullmatch(text):
        raise ContractError(refusal)
    if not _FIRST_YEAR <= found.year <= last_year:
        raise ContractError(f"{option} '{text}' is not between {_FIRST_YEAR} and {last_year}; write it as 2026-03-31.")
    return found.tz_convert("UTC").tz_localize(None) if found.tzinfo else found


def lead_matrix(context: Context, catalog: Catalog, lead_id: str, as_of: str | None) -> Matrix:
    """The matrix of one known lead, made as in a batch; ContractError if it is unknown."""
    return look_up(context, catalog, lead_id, as_of)[0]


def look_up(context: Context, catalog: Catalog, lead_id: str, as_of: str | None) -> tuple[Matrix, ClosedLead | None]:
    """The matrix of one known lead and, if it is over, how it ended; it is then seen as it stood at its close.

    Raises
    ------
    ContractError
        if the lead is unknown, was not there yet, or closed when it came into being.
    """
    tables = load_tables(context.paths)
    leads = tables["leads"]
    if context.source.kind == "flat":
        if as_of is not None:
            raise ContractError(
                f"source '{context.source.name}' has no clocks, so --as-of has no meaning here. Leave it out."
            )
        row = _flat_row(context, leads, lead_id)
        return flat_at(row, catalog, context.source), closed_leads({"leads": row}, context.source, None).get(lead_id)

    if not (leads["lead_id"] == lead_id).any():
        raise unknown_lead_error(context, lead_id, leads["lead_id"])

    when = parse_as_of(as_of, cutoff_of(tables, context.source))
    _check_created(leads, lead_id, when)
    closed = closed_leads(tables, context.source, when).get(lead_id)
    if closed is not None:
        when = closed.scored_at(when)
        _check_was_open(leads, lead_id, closed)
    return features_at(tables, context.source, catalog, [lead_id], when), closed


def _flat_row(context: Context, leads: pd.DataFrame, lead_id: str) -> pd.DataFrame:
    """The row of a flat table: by its declared id, else by its number in the file's kept rows."""
    ids = leads["lead_id"].astype("str") if context.source.flat is None else flat_ids(leads, context.source.flat)
    hits = (ids == lead_id).to_numpy().nonzero()[0]
    if not len(hits):
        raise unknown_lead_error(context, lead_id, ids)
    return leads.iloc[hits[:1]].reset_index(drop=True)


def _check_created(leads: pd.DataFrame, lead_id: str, when: pd.Timestamp) -> None:
    created = leads.loc[leads["lead_id"] == lead_id, "created_at"].iloc[0]
    if not pd.isna(created) and created >= when:
        raise ContractError(
            f"lead '{lead_id}' was created at {created:%Y-%m-%d %H:%M}, not before {when:%Y-%m-%d %H:%M}: nothing was "
            "known about it then. Give a later --as-of."
        )


def _check_was_open(leads: pd.DataFrame, lead_id: str, closed: ClosedLead) -> None:
    created = leads.loc[leads["lead_id"] == lead_id, "created_at"].iloc[0]
    if not pd.isna(created) and closed.last_open is not None and created >= closed.last_open:
        raise ContractError(
            f"lead '{lead_id}' is closed: {closed.sentence}. It was created at {created:%Y-%m-%d %H:%M}, not before "
            "its close, so there is no moment at which it was open and could be scored."
        )


def unknown_lead_error(context: Context, lead_id: str, known: pd.Series) -> ContractError:
    """The error for a lead that is not in the tables."""
    became = read_merged_leads(context.paths).get(lead_id)
    if became is not None:
        return ContractError(
            f"lead '{lead_id}' was merged into lead '{became}' (same e-mail). Ask for '{became}'; if they are two "
            "people, list the id under identity.keep_apart in the source and ingest again."
        )

    examples = ", ".join(str(v) for v in known.head(3))
    return ContractError(
        f"lead '{lead_id}' is not among the {len(known):,} leads of source '{context.source.name}' (such as "
        f"{examples}). Check the id, or run 'leadscore ingest --source {context.source.name}' on a newer export."
    )


def card_of(
    context: Context, lead_id: str, *, framework: str | None = None, as_of: str | None = None, language: str = "en"
) -> dict[str, Any]:
    """The card of one lead by the champion; of a lead that is over, ``closed`` says how, and the score is of then."""
    chosen = find_framework(context, framework)
    bundle = find_bundle(context)
    matrix, closed = look_up(context, bundle.catalog, lead_id, as_of)
    spoken = load_language(language)
    manual, rubric = None, context.newer_rubric(bundle)
    if rubric is not None:
        values = look_up(context, rules_catalog(context.source, rubric), lead_id, as_of)[0].values
        manual = ManualRows(rubric, values)
    facts = facts_of(context, matrix, as_of, {} if closed is None else {lead_id: closed})
    beside = Beside(facts, manual)
    scored = score(bundle, matrix, chosen, source=context.source, policy=context.policy, language=spoken, beside=beside)
    card, handed = scored.card(0), scored.standing(0).handed_over_at
    if handed is None or not _was_created_before(context, lead_id, pd.Timestamp(handed)):
        return card
    then = features_at(load_tables(context.paths), context.source, bundle.catalog, [lead_id], pd.Timestamp(handed))
    before = score(bundle, then, chosen, source=context.source, policy=context.policy)
    return card | {"standing": card["standing"] | {"score_at_handoff": int(before.columns["score"][0])}}


def _was_created_before(context: Context, lead_id: str, when: pd.Timestamp) -> bool:
    leads = load_table(context.paths, "leads")
    created = leads.loc[leads["lead_id"] == lead_id, "created_at"].iloc[0]
    return bool(pd.isna(created) or created < when)


def facts_of(context: Context, matrix: Matrix, as_of: str | None, closed: Mapping[str, ClosedLead]) -> CrmFacts:
    """What people did with the leads of a matrix until the moment asked for, also with those that were over by then."""
    tables = load_tables(context.paths)
    clocks = context.source.kind != "flat"
    when = parse_as_of(as_of, cutoff_of(tables, context.source)) if clocks else None
    keys = matrix.keys
    lead_ids = keys["lead_id"].to_numpy(dtype=object)
    facts = CrmFacts.of(tables, context.source, lead_ids, micros(keys["as_of"]), Closes(when, closed))
    return with_missing_seats(facts, tables, context.source, lead_ids, context.accounts_policy) if clocks else facts


def tables_if_any(context: Context) -> Tables | None:
    """The ingested tables, None before the first ingest."""
    return load_tables(context.paths) if context.paths.ingest.is_dir() else None
