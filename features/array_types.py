"""Names for the types of arrays and tables, in one place for all rooms."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32] | npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Texts = npt.NDArray[Any]  # of objects: strings, None where missing
Tables = Mapping[str, pd.DataFrame]  # canonical table to its rows
