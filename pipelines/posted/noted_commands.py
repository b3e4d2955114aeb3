"""What commands change, told to whoever keeps an audit trail: the server, which is installed above the pipelines."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from features.errors import LeadScoreError
from pipelines.workspace.paths import Paths

if TYPE_CHECKING:
    from pipelines.registry.champion import Champion
    from pipelines.workspace.context import Context

Note = Callable[[Paths, str, str, Mapping[str, Any]], str]
Say = Callable[[str], None]  # to whoever runs the command
_NOTES: list[Note] = []  # filled as the commands of the server join the command line


def note_with(note: Note) -> None:
    """Have what commands change told here, too; it returns why it could not be noted, empty where it was."""
    if note not in _NOTES:
        _NOTES.append(note)


def note_command(paths: Paths, say: Say, action: str, subject: str, detail: Mapping[str, Any]) -> None:
    """Tell what a command changed; where that cannot be noted, it says so, and has done its work all the same."""
    for note in _NOTES:
        if problem := note(paths, action, subject, detail):
            say(problem)


@contextmanager
def noting_champion(context: "Context", say: Say) -> Iterator[None]:
    """Tell that another bundle scores, where one does after what is done here, also where that fails in the end."""
    before = _champion_of(context.paths)
    try:
        yield
    except BaseException:
        with suppress(Exception):  # what failed first is what the command ends with
            _note_champion(context.paths, say, before)
        raise
    _note_champion(context.paths, say, before)


def _note_champion(paths: Paths, say: Say, before: "Champion | None") -> None:
    now = _champion_of(paths)
    if now is None or (before is not None and (now.hash, len(now.history)) == (before.hash, len(before.history))):
        return
    from pipelines.registry.champion import MoveKind

    last = now.history[-1] if now.history else None
    back = last is not None and last.how == str(MoveKind.ROLLBACK)
    detail = {"previous": now.previous} | ({} if last is None else {"how": str(last.how), "reason": last.reason})
    note_command(paths, say, "rolled.back" if back else "promoted", now.hash, detail)


def _champion_of(paths: Paths) -> "Champion | None":
    """The champion, None where there is none or its file is damaged, which the command itself tells."""
    from pipelines.registry.champion import read_champion

    try:
        return read_champion(paths)
    except LeadScoreError:
        return None
