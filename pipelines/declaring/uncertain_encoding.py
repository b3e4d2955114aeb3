"""Files whose code page is not certain: a declaration is started with the likeliest one, and asks."""

import re
from pathlib import Path

from features.schema.table_source import Location
from pipelines.ingest.errors import UncertainEncodingError
from pipelines.ingest.reading.file_adapters import read_location
from pipelines.ingest.reading.raw_table import RawTable

_OF_DOS = re.compile(r"cp(4|7|8[56])\d+")


def read_likeliest(location: Location, path: Path | None) -> tuple[RawTable, str]:
    """The rows of a table, and what a person has to look at before the first run; "" if the code page is certain.

    Raises
    ------
    MissingFileError, UnreadableFileError, EmptyFileError
        naming the file.
    """
    try:
        return read_location(location, path), ""
    except UncertainEncodingError as problem:
        windows = [one for one in problem.candidates if not _OF_DOS.fullmatch(one)]
        likeliest = (windows or problem.candidates)[0]  # no export of today is written by DOS
        form = location.csv.model_copy(update={"encoding": likeliest})
        raw = read_location(location.model_copy(update={"csv": form}), path)
        return raw, (
            f"the bytes do not say their code page, and more than one makes words of them: {problem.readings}. It is "
            f"declared as {likeliest}; if another is right, correct 'encoding'."
        )
