"""A user's own features: how their functions are loaded, what code they are, and whether they keep their promise."""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.assembly.build_matrix import build_matrix
from features.catalog.feature import Catalog, Feature
from features.errors import BundleError, ContractError
from features.own_features.registered import function_of, offer
from features.point_in_time.microseconds import NEVER
from features.point_in_time.visibility import mask_known
from features.schema.canonical_tables import TABLES
from features.schema.operations import OwnFunction
from features.schema.source import Source
from pipelines.own_code.load_code import load_code
from pipelines.own_code.module_texts import digest_modules, remember_folder

GROUP = "leadscore.features"  # of entry points
OWN_CODE = "own_code"  # of a bundle's meta, and a file beside a matrix: feature to the digest of its code
CHECKED = 40  # moments that are computed again, alone and slowly: a second or two of a plain function
_CLOSE = 1e-9  # relative: sums in another order


def offer_functions(source: Source, beside: Path) -> None:
    """Make the declared functions known; each is imported when a value of it is first asked for."""
    for place, one in enumerate(source.features):
        where = source.where("features", place)
        for named in (one.oracle, one.function):
            if named is not None:
                offer(named, partial(_load, named, where, beside))


def _load(named: str, where: str, beside: Path) -> Callable[..., Any]:
    """The function, with the text of its modules read now: what runs later is what was imported here."""
    function: Callable[..., Any] = load_code(named, group=GROUP, where=where, beside=beside)
    remember_folder(beside)
    digest_modules(modules_of(named, function))
    return function


def code_of(catalog: Catalog) -> dict[str, str]:
    """SHA-256 of the files behind each feature of a user's own, by the feature's name."""
    return {feature.name: _digest(feature) for feature in own_of(catalog)}


def require_code_built(built: Mapping[str, Any], catalog: Catalog) -> dict[str, str]:
    """:func:`code_of` a matrix' catalog; ContractError where its values were ``built`` by other code."""
    now = code_of(catalog)
    if built != now:
        changed = ", ".join(f"'{name}'" for name, digest in now.items() if built.get(name) != digest)
        raise ContractError(
            f"the matrix was built with other code of {changed or 'your features'} than the declaration now names. Run "
            "leadscore matrix and the stages after it again; leadscore run runs all of them."
        )
    return now


def own_of(catalog: Catalog) -> tuple[Feature, ...]:
    """The features that code of a user's own computes."""
    return catalog.of_family("own")


def _digest(feature: Feature) -> str:
    """Of the whole modules and of what they import from beside them, as a function leans on both."""
    params = feature.params
    named = [params.oracle, params.function] if isinstance(params, OwnFunction) else []
    modules = [m for one in named if one is not None for m in modules_of(one, function_of(one, feature.name))]
    return digest_modules(modules)


def modules_of(named: str, function: Callable[..., Any]) -> list[ModuleType]:
    """The module that a path names, and the one that the function, or what it wraps, was written in."""
    while isinstance(function, partial):
        function = function.func
    written = inspect.unwrap(function)
    home = inspect.getmodule(written if inspect.isroutine(written) or isinstance(written, type) else type(written))
    module, colon, _ = named.partition(":")
    found = (sys.modules.get(module) if colon else None, home)
    return list(dict.fromkeys(one for one in found if one is not None))


def check_functions(tables: Tables, source: Source, catalog: Catalog, cohort: pd.DataFrame) -> pd.DataFrame:
    """Compute some of a cohort's values again: alone, without later rows, and by the oracle.

    Parameters
    ----------
    cohort : ``lead_id`` and ``as_of``; at most :data:`CHECKED` of its rows are taken, spread over it

    Returns
    -------
    a row per feature: feature, moments checked, and how many had a value

    Raises
    ------
    ContractError : naming feature, lead and moment where two of the values differ
    """
    own = Catalog(own_of(catalog))
    every = np.unique(np.linspace(0, max(len(cohort) - 1, 0), min(CHECKED, len(cohort))).astype(np.int64))
    some = cohort.iloc[every].reset_index(drop=True)
    together = build_matrix(tables, some, own, source)
    slow = build_matrix(tables, some, Catalog(tuple(map(_by_oracle, own))), source)
    for place in range(len(some)):
        one = some.iloc[[place]].reset_index(drop=True)
        lead = _rows_of(tables, str(one["lead_id"][0]))
        before = _cut(lead, one["as_of"][0])
        found = {
            "together with others": together.iloc[place],
            "alone": build_matrix(lead, one, own, source).iloc[0],
            "alone, without rows known later": build_matrix(before, one, own, source).iloc[0],
        }
        for feature in own:
            first, *others = ((how, values[feature.name]) for how, values in found.items())
            for other in others:
                _compare(feature, one, first, other, exactly=True)
            _compare(feature, one, first, ("by its oracle", slow.iloc[place][feature.name]), exactly=False)
    counts = {f.name: int(together[f.name].notna().sum()) for f in own}
    rows = [(name, len(some), count) for name, count in counts.items()]
    return pd.DataFrame(rows, columns=["feature", "moments", "with_value"])


def _by_oracle(feature: Feature) -> Feature:
    params = feature.params
    return replace(feature, params=replace(params, function=None)) if isinstance(params, OwnFunction) else feature


def _rows_of(tables: Tables, lead_id: str) -> dict[str, pd.DataFrame]:
    """The rows of one lead and of its account's leads."""
    leads = tables["leads"]
    own = leads.loc[leads["lead_id"].astype("str") == lead_id]
    accounts = set(own["account_id"].dropna()) if "account_id" in own else set()
    both = own if not accounts else leads.loc[leads["account_id"].isin(accounts)]
    ids = set(both["lead_id"])
    found = {"leads": both}
    for name, frame in tables.items():
        if name == "accounts":
            found[name] = frame.loc[frame["account_id"].isin(accounts)]
        elif name != "leads" and "lead_id" in frame:
            found[name] = frame.loc[frame["lead_id"].isin(ids)]
    return {name: frame.reset_index(drop=True) for name, frame in found.items()}


def _cut(tables: Tables, as_of: Any) -> dict[str, pd.DataFrame]:
    """The rows known before a moment; rows without a clock are always known."""
    moment = int(pd.Timestamp(as_of).value) // 1000
    found = {}
    for name, frame in tables.items():
        contract = TABLES[name]
        known = _micros(frame, contract.clock)
        if contract.happened is not None:
            known = np.where(known == NEVER, _micros(frame, contract.happened), known)
        kept = (known == NEVER) | mask_known(known, moment)
        found[name] = frame.loc[kept].reset_index(drop=True)
    return found


def _micros(frame: pd.DataFrame, column: str) -> Any:
    if column not in frame:
        return np.full(len(frame), NEVER, dtype=np.int64)
    times = pd.to_datetime(frame[column]).to_numpy(dtype="datetime64[us]")
    return np.where(np.isnat(times), NEVER, times.astype(np.int64))


def _compare(
    feature: Feature, one: pd.DataFrame, first: tuple[str, Any], second: tuple[str, Any], *, exactly: bool
) -> None:
    a, b = first[1], second[1]
    if pd.isna(a) and pd.isna(b):
        return
    near = isinstance(a, float) and isinstance(b, float) and not exactly
    if a == b or (near and abs(a - b) <= _CLOSE * max(abs(a), abs(b), 1.0)):
        return
    params = feature.params
    named = (params.function or params.oracle) if isinstance(params, OwnFunction) else ""
    raise ContractError(
        f"feature '{feature.name}' ({named}) gives {a!r:.60} for lead '{one['lead_id'][0]}' at "
        f"{pd.Timestamp(one['as_of'][0]).isoformat()} {first[0]}, but {b!r:.60} {second[0]}. A value may depend on "
        "nothing but that lead's rows handed over for that moment: no other lead, no file, no clock. See "
        "docs/own_code.md."
    )


def same_code(trained: Mapping[str, Any], catalog: Catalog) -> str:
    """The first feature whose code is no longer what a bundle was trained with; empty if there is none."""
    if not trained:
        return ""
    now = code_of(catalog)
    return next((name for name, digest in trained.items() if now.get(name) != digest), "")


def require_same_code(bundle_hash: str, meta: Mapping[str, Any], catalog: Catalog) -> None:
    """BundleError where a feature's code is no longer what a bundle, by its ``meta``, was trained with."""
    changed = same_code(meta.get(OWN_CODE) or {}, catalog)
    if changed:
        raise BundleError(
            f"bundle {bundle_hash[:12]} was trained with other code of feature '{changed}' than the declaration now "
            "names. Train again (leadscore run), or restore the code."
        )
