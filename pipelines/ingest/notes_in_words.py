"""What ingest found out, decided or left aside, as lines for the console."""

from pipelines.artifacts.counts_record import CountsRecord
from pipelines.ingest.diagnosis.reasons_in_words import describe_quarantine
from pipelines.ingest.identity_files import identity_in_words
from pipelines.ingest.reference_matching import describe_matches
from pipelines.ingest.undeclared_kinds import PASTE, declaration_block, describe_undeclared_kinds

WARNING = "warning: "  # how a note begins that asks for a decision


def describe_counts(counts: CountsRecord) -> str:
    """One line per table: rows read, kept and quarantined, and by which rules; then what identity
    resolution did, what was found out, and kinds of activities nobody declared, with a block to paste. Between them
    the largest reasons of the quarantine.
    """
    lines = []
    for table, n in counts.rows.items():
        why = ", ".join(f"{rule} {rows}" for rule, rows in counts.rules.get(table, {}).items())
        line = f"{table}: {n.read:,} read, {n.describe()}"
        lines.append(f"{line} ({why})" if why else line)
    lines += describe_matches(counts.keys)
    lines += describe_quarantine(counts.reasons)
    lines += [line for line in describe_notes(counts) if line.removeprefix("note: ") not in lines]
    if counts.undeclared_kinds:
        lines.append(f"warning: {describe_undeclared_kinds(counts.undeclared_kinds)} {PASTE}")
        lines += declaration_block(counts.undeclared_kinds).splitlines()
    return "\n".join(lines)


def describe_notes(counts: CountsRecord) -> list[str]:
    """What identity resolution did, then every note, warnings first."""
    ordered = sorted(counts.notes, key=lambda note: not note.startswith(WARNING))
    notes = [note if note.startswith(WARNING) else f"note: {note}" for note in ordered]
    return [*([] if counts.identity is None else [identity_in_words(counts.identity)]), *notes]


def split_notes(counts: CountsRecord) -> tuple[list[str], list[str]]:
    """Notes that ask for a decision, without their first word, and the others; those on ids stand elsewhere."""
    asking = [note.removeprefix(WARNING) for note in counts.notes if note.startswith(WARNING)]
    known = describe_matches(counts.keys)
    return asking, [note for note in counts.notes if not note.startswith(WARNING) and note not in known]


def describe_warnings(counts: CountsRecord) -> list[str]:
    """The same for a whole run: notes that ask for nothing are in the report."""
    return [line for line in describe_notes(counts) if not line.startswith("note: ")]
