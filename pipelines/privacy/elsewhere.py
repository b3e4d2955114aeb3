"""What holds people outside a source's own files, as ``forget``, ``subject`` and ``object`` see it: the server's part.

Commands are of the pipelines, which know no server; it hands in what does this for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from pipelines.privacy.person import Person


@dataclass(frozen=True)
class Place:
    """Somewhere the person stood: where, how many rows or places, and what was (or would be) done."""

    where: str
    count: int
    done: str

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"where": self.where, "count": self.count, "done": self.done}


class Elsewhere(Protocol):
    """Takes people out of places that are not the source's own, and knows what these places say of them."""

    def read_leads(self) -> Sequence[pd.DataFrame]:
        """Rows of leads that were sent in, with the headers of the source's files."""
        ...

    def erase(self, person: Person, mark: str, *, dry_run: bool) -> Sequence[Place]:
        """Take the person out, under the beginning of a keyed hash; a rehearsal counts only."""
        ...

    def describe(self) -> str:
        """Which places were looked at, or that there are none, in a sentence."""
        ...

    def name_files(self, person: Person) -> Sequence[str]:
        """What holds the person and is left as it is, and what is to be done there."""
        ...
