"""A matrix and its chop on disk."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.catalog.feature import Catalog
from features.cohort.splits import Chop
from features.matrix import KEY_COLUMNS, NOBODY, Matrix
from pipelines.workspace.atomic_files import read_json, read_parquet, write_json, write_parquet

_JUDGED = ("label", "matured", "label_known_at", "weight", "amount")


def save_matrix(folder: Path, matrix: Matrix, name: str = "matrix") -> None:
    """Write ``<name>_values.parquet``, ``<name>_keys.parquet`` and ``<name>.json``."""
    keys = matrix.keys.loc[:, list(KEY_COLUMNS)].assign(
        label=matrix.label,
        matured=matrix.matured,
        label_known_at=matrix.label_known_at.to_numpy(),
        weight=matrix.weight,
        amount=matrix.amount,
    )
    write_parquet(folder / f"{name}_values.parquet", matrix.values)
    write_parquet(folder / f"{name}_keys.parquet", keys)
    write_json(folder / f"{name}.json", {"ordered": matrix.ordered, "catalog": matrix.catalog.records()})


def load_keys(folder: Path, name: str = "matrix") -> pd.DataFrame:
    """The keys of a matrix that :func:`save_matrix` wrote, with what each row is judged by, without its values."""
    keys = read_parquet(folder / f"{name}_keys.parquet")
    return keys.astype(dict.fromkeys(("lead_id", "account_id", "group", "segment"), "str"))


def load_matrix(folder: Path, name: str = "matrix") -> Matrix:
    """Read what :func:`save_matrix` wrote."""
    record = read_json(folder / f"{name}.json")
    keys = load_keys(folder, name)
    catalog = Catalog.from_records(record["catalog"])
    values = read_parquet(folder / f"{name}_values.parquet")
    values = values.astype(dict.fromkeys(catalog.categories, "str"))

    return Matrix(
        catalog=catalog,
        values=values.loc[:, list(catalog.names)],
        keys=keys.loc[:, list(KEY_COLUMNS)],
        label=keys["label"].to_numpy(dtype=np.float64),
        matured=keys["matured"].to_numpy(dtype=np.bool_),
        label_known_at=pd.Series(keys["label_known_at"].astype("datetime64[us]")),
        weight=keys["weight"].to_numpy(dtype=np.float64),
        ordered=bool(record["ordered"]),
        amount=keys["amount"].to_numpy(dtype=np.float64),
    )


def load_open(folder: Path) -> Matrix:
    """The open leads that the matrix stage left, without rows of people who were forgotten since.

    Rows of a training matrix stay under a number that stands for nobody, as models were judged on them; nobody is
    called by such a number.
    """
    matrix = load_matrix(folder, "open")
    nobodys = matrix.keys["lead_id"].str.startswith(NOBODY).to_numpy(dtype=bool)
    return matrix.take(np.flatnonzero(~nobodys)) if nobodys.any() else matrix


def mark_of_matrix(folder: Path, name: str = "matrix") -> str:
    """What tells a matrix on disk from another, whatever the clock says: the content of its files, to the last byte."""
    digest = hashlib.sha256()
    for part in ("values", "keys"):
        with (folder / f"{name}_{part}.parquet").open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def mark_of_split(folder: Path) -> str:
    """What tells which rows a twin was kept from: the values of all rows in their order, and the chop.

    Who was made nobody's since changes nothing of it, nor does another rubric.
    """
    digest = hashlib.sha256((folder / "chop.json").read_bytes())
    digest.update(hash_rows(read_parquet(folder / "matrix_values.parquet")).tobytes())
    return digest.hexdigest()[:16]


def hash_rows(values: pd.DataFrame) -> npt.NDArray[np.uint64]:
    """A number per row of a matrix that stands for its values, but for those of a rubric's rules; shape (n,)."""
    names = sorted(map(str, values))
    plain = [name for name in names if not name.startswith("rule_")] or names
    if not plain:
        return np.zeros(len(values), dtype=np.uint64)
    return np.asarray(pd.util.hash_pandas_object(values[plain], index=False), dtype=np.uint64)


def load_catalog(folder: Path, name: str = "matrix") -> Catalog:
    """The features of a matrix that :func:`save_matrix` wrote, without its rows; or of a bundle in its folder."""
    return Catalog.from_records(read_json(folder / f"{name}.json")["catalog"])


def is_ordered(folder: Path, name: str = "matrix") -> bool:
    """Whether the rows of a matrix that :func:`save_matrix` wrote have an order in time."""
    return bool(read_json(folder / f"{name}.json")["ordered"])


def load_chop(folder: Path) -> Chop:
    """The chop written by the matrix stage."""
    return Chop.from_record(read_json(folder / "chop.json"))
