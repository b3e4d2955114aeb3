"""What the form of the columns says, as corrections: only what differs from the guesses."""

from typing import Any

from starlette.datastructures import FormData

from pipelines.declaring.confirming.guess_record import GuessedFiles
from pipelines.declaring.corrections.file_corrections import NOTHING_SAID, FileCorrections, Use
from pipelines.declaring.words.status_vocabulary import STANDINGS

MEANINGS = (*STANDINGS, "")
USES: tuple[Use, ...] = ("learn", "show", "leave_out")


def corrections_of(form: FormData, guesses: GuessedFiles, before: FileCorrections) -> FileCorrections:
    """The corrections so far with those of the form; a header that the form does not send stays as it was."""
    if guesses.kind == "several":
        return NOTHING_SAID
    said: dict[str, Any] = before.model_dump()
    status = _text(form, "status")
    if status is not None and status != (guesses.status or ""):
        said |= {"status": status, "meanings": None}
    elif guesses.values and "m0" in form:
        chosen = {row.value: _of(form, f"m{k}", MEANINGS, row.means) for k, row in enumerate(guesses.values)}
        if chosen != {row.value: row.means for row in guesses.values}:
            said |= {"meanings": chosen}
    for name, guessed in (("lead_id", guesses.lead_id), ("created", guesses.created)):
        value = _text(form, name)
        if value is not None and value != (guessed or ""):
            said[name] = value
    if "closed_sent" in form:
        closed = tuple(str(value) for value in form.getlist("closed") if value in guesses.time_choices)
        if set(closed) != set(guesses.closed):
            said["closed"] = closed
    dates = _text(form, "dates")
    if dates in ("day_first", "month_first"):
        said["dates"] = dates
    for k, column in enumerate(guesses.columns):
        use = _text(form, f"u{k}")
        if use in USES and use != column.use:
            said["uses"] = {**said["uses"], column.header: use}
    return FileCorrections.model_validate(said)


def _text(form: FormData, name: str) -> str | None:
    value = form.get(name)
    return value if isinstance(value, str) else None


def _of(form: FormData, name: str, known: tuple[str, ...], otherwise: str) -> str:
    value = _text(form, name)
    return otherwise if value is None or value not in known else value
