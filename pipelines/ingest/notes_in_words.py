"""What ingest found out, decided or left aside, as lines for the console."""

from pipelines.artifacts.counts_record import CountsRecord
from pipelines.ingest.identity_files import identity_in_words
from pipelines.ingest.reference_matching import describe_matches

WARNING = "warning: "  # how a note begins that asks for a decision


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
