"""Progress on standard error: a live line on a terminal, one line per finished stage elsewhere."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class StageProgress:
    """Called with a stage and -1 when it begins, with its seconds when it ends; a context manager."""

    def __init__(self, stages: int) -> None:
        self._stages = stages
        self._live: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> "StageProgress":
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description:<11}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._live = Progress(*columns, console=Console(stderr=True))
            self._live.start()
            self._task = self._live.add_task("", total=self._stages)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, stage: str, seconds: float) -> None:
        """A stage begins (negative seconds) or has ended."""
        if self._live is not None and self._task is not None:
            if seconds < 0:
                self._live.update(self._task, description=stage)
            else:
                self._live.console.print(f"{stage:<11}{seconds:7.1f} s", highlight=False)
                self._live.advance(self._task)
        elif seconds >= 0:
            sys.stderr.write(f"{stage:<11}{seconds:7.1f} s\n")
            sys.stderr.flush()
