"""What a person says about a file, in place of what was guessed; what is not said stays guessed."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Use = Literal["learn", "show", "leave_out"]
DatesFirst = Literal["day_first", "month_first"]
NONE = ""  # of a header: the file has no such column, whatever was guessed


class FileCorrections(BaseModel):
    """What is said of one file.

    >>> FileCorrections().says_nothing, FileCorrections(created="Date").says_nothing
    (True, False)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lead_id: str | None = Field(default=None, description="header of the id; empty: no column is one")
    status: str | None = Field(default=None, description="header of the outcome")
    meanings: dict[str, str] | None = Field(
        default=None, description="by value of the outcome: won, lost, disqualified, open; empty: not placed"
    )
    created: str | None = Field(default=None, description="header of when a lead came in; empty: no column says so")
    closed: tuple[str, ...] | None = Field(default=None, description="headers of when it closed; empty: none says so")
    dates: DatesFirst | None = Field(default=None, description="how dates such as 03/04/2025 are read")
    uses: dict[str, Use] = Field(default_factory=dict, description="by header: learn from it, show it, leave it out")

    @property
    def says_nothing(self) -> bool:
        """Whether everything stays as guessed."""
        return self == NOTHING_SAID

    def chosen(self, guessed: str | None, said: str | None) -> str | None:
        """A header as said, else as guessed; None for no column."""
        return guessed if said is None else said or None


NOTHING_SAID = FileCorrections()
