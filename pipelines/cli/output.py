"""What all commands share: options, and how they speak."""

import json
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import LeadScoreError

if TYPE_CHECKING:
    from pipelines.workspace.context import Context

DEBUG_FLAG = "--debug"
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Options:
    """Source, data directory and budgets of a command."""

    source: str
    data_dir: Path
    tiny: bool
    engine: str = "memory"
    params: Path | None = None

    def context(self) -> "Context":
        """The opened source; heavy imports happen here."""
        from pipelines.compute.numba_cache import fix_caches

        fix_caches(self.data_dir)
        from models.settings import TrainSettings
        from pipelines.workspace.context import open_context
        from pipelines.workspace.params_file import load_settings

        settings = TrainSettings.tiny() if self.tiny else load_settings(self.params)
        return open_context(self.source, self.data_dir, settings, engine=self.engine)


def options(
    source: str, data_dir: str, tiny: bool = False, engine: str = "memory", params: str | None = None
) -> Options:
    """Options of a command."""
    return Options(source, Path(data_dir), tiny, engine, None if params is None else Path(params))


def printable(text: str) -> str:
    r"""A text without what a terminal would obey, not show: names, values and reasons come from files of others.

    What is written instead is the same text in JSON.

    >>> printable("a\x1b[2Jb\tc\n")
    'a\\u001b[2Jb\tc\n'
    """
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Output:
    """Standard output as text or JSON; progress and errors go to standard error."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def text(self, text: str) -> None:
        """Plain text."""
        sys.stdout.write(printable(text if text.endswith("\n") else text + "\n"))

    def record(self, record: Mapping[str, Any] | Sequence[Any]) -> None:
        """A record as JSON."""
        from pipelines.workspace.atomic_files import to_json

        self.text(to_json(record))

    def show(self, record: Mapping[str, Any] | Sequence[Any], text: str) -> None:
        """The record if JSON was asked for, else the text."""
        if self.as_json:
            self.record(record)
        else:
            self.text(text)

    def table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, keep_first: bool = False
    ) -> None:
        """A table for the eye, of texts as they are: brackets and colons of a name are no markup and no emoji.

        ``keep_first`` breaks no line within the first column, as ids are copied from it.
        """
        from rich.console import Console
        from rich.table import Table

        console = Console(soft_wrap=False, markup=False, emoji=False, highlight=False)
        table = Table(title=printable(title), title_justify="left", box=None, pad_edge=False, header_style="bold")
        for place, column in enumerate(columns):
            table.add_column(printable(column), overflow="fold", no_wrap=place == 0 and keep_first)
        for row in rows:
            table.add_row(*(printable(str(cell)) for cell in row))
        console.print(table)

    def error(self, error: LeadScoreError) -> None:
        """A user's error: code and message."""
        if self.as_json:
            self._err(json.dumps({"error": {"code": error.code, "message": error.message}}, ensure_ascii=False))
        else:
            self._err(f"error {error.code}: {error.message}")

    def note(self, text: str) -> None:
        """A sentence on standard error, beside whatever standard output holds."""
        self._err(text)

    def usage(self, error: Exception) -> None:
        """A wrong call."""
        self._err(f"usage: {getattr(error, 'format_message', lambda: str(error))()}\nTry 'leadscore --help'.")

    def crash(self, error: Exception) -> None:
        """An error of ours: one line, and how to see more."""
        last = traceback.extract_tb(error.__traceback__)[-1]
        self._err(
            f"internal error: {type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno}). "
            f"This is a bug in leadscore; run again with {DEBUG_FLAG} and report it."
        )

    @staticmethod
    def _err(text: str) -> None:
        from pipelines.workspace.hidden_passwords import hide_passwords

        sys.stderr.write(printable(hide_passwords(text)) + "\n")
