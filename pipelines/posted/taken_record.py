"""``ingest/posted.json``: which of the rows posted to the server are in the tables of the last ingest."""

from datetime import datetime

import pandas as pd
from pydantic import Field

from pipelines.artifacts.artifact import Artifact


class TakenRecord(Artifact):
    """Posted rows that ingest took: by table the last id, and the moment up to which rows were taken (None: none).

    A row with a later id, or known after ``through``, is not in the tables yet.
    """

    FILE = "ingest/posted.json"
    STAGE = "ingest"

    last: dict[str, int]
    through: str | None
    waiting: dict[str, int] = Field(default_factory=dict)

    @property
    def moment(self) -> datetime | None:
        """``through`` as a timestamp."""
        return None if self.through is None else pd.Timestamp(self.through).to_pydatetime()
