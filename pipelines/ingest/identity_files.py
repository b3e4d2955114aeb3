"""Who is who, on disk: what the declared identity rules did to the ingested tables, and the way back."""

from pathlib import Path
from typing import Any

import pandas as pd

from features.array_types import Tables
from features.cohort.identity_resolution import Resolved
from features.cohort.shared_addresses import WORDS
from pipelines.artifacts.counts_record import IdentityCounts
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.paths import Paths

IDENTITY, UNRESOLVED = "identity.parquet", "unresolved"


def write_identity(folder: Path, resolved: Resolved) -> None:
    """Write the log of every merge and match and, where a table changed, the table as it was."""
    log = pd.concat([resolved.merged, resolved.matched], ignore_index=True)
    write_parquet(folder / IDENTITY, log)
    for name in changed_tables(resolved):
        write_parquet(folder / UNRESOLVED / f"{name}.parquet", resolved.original[name])


def changed_tables(resolved: Resolved) -> list[str]:
    """Tables that the rules touched."""
    return [name for name, frame in resolved.tables.items() if frame is not resolved.original[name]]


def unresolved_tables(paths: Paths, tables: Tables) -> dict[str, pd.DataFrame]:
    """The ingested tables as they were before any lead was merged or matched."""
    kept = paths.ingest / UNRESOLVED
    return {
        name: read_parquet(file) if (file := kept / f"{name}.parquet").exists() else frame
        for name, frame in tables.items()
    }


def read_merged_leads(paths: Paths) -> dict[str, str]:
    """Merged leads and the leads they became; empty before the first ingest."""
    file = paths.ingest / IDENTITY
    if not file.exists():
        return {}
    log = read_parquet(file)
    log = log[log["rule"].str.startswith("same_email")]
    return {str(k): str(v) for k, v in zip(log["lead_id"], log["became"], strict=True)}


def identity_counts(resolved: Resolved, merge: str) -> dict[str, Any]:
    """What ``counts.json`` says about it."""
    return {
        "merged_leads": len(resolved.merged),
        "into": int(resolved.merged["became"].nunique()),
        "rule": merge,
        "matched_to_accounts": len(resolved.matched),
        "ambiguous_domains": resolved.ambiguous,
        "changed_tables": changed_tables(resolved),
        **(
            {"apart": resolved.apart.counts, "apart_examples": resolved.apart.examples} if resolved.apart.counts else {}
        ),
    }


def identity_in_words(found: IdentityCounts) -> str:
    """The counts as a sentence."""
    merged, matched = found.merged_leads, found.matched_to_accounts
    parts = [f"{merged:,} leads merged into {found.into:,} others ({found.rule.replace('_', ' ')})"]
    parts.append(f"{matched:,} leads without an account matched to one by mail domain")
    if found.ambiguous_domains:
        parts.append(f"{found.ambiguous_domains:,} not matched, as several accounts share their domain")
    undo = "; the original tables are in ingest/unresolved" if merged or matched else ""
    apart = "".join(
        f"; warning: {count:,} leads {WORDS[why]} (e.g. {found.apart_examples[why]}) and are not merged"
        for why, count in found.apart.items()
    )
    return f"identity: {', '.join(parts)}{undo}{apart}"
