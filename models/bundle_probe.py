"""A probe: a bundle scores and explains made-up leads in a process of its own before anything relies on it.

What no check foresaw then ends that process, not a server: a crash inside a library, a loop without end, memory
without bounds. Run as ``python -m models.bundle_probe FOLDER HASH SECONDS``.
"""

import json
import math
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from features.array_types import Floats
from features.assembly.frameless_rows import PlainRows
from features.errors import BundleError, LeadScoreError
from models.bundle import Bundle, load_bundle

SECONDS = 60.0  # from start to answer; a bundle of 130 features takes 3, most of it imports
_MOST_MEMORY = 4 * 2**30  # bytes of address space beyond that of the libraries, which reserve as many as cores ask for
_MOST_SAID = 4_000  # characters read of its answer
_MOST_LOG_ODDS = 1e4  # of an ordinary lead; a probability of 1 - 1e-16 is 37
_NEAR = 1e-6  # between two ways to the same log-odds, of the sum of their parts' sizes
_EXTREMES = (0.0, 1.0, -1.0, 1e3, 1e9, -1e9)  # numbers of made-up leads
_FRAMEWORK = "bant"


def probe_bundle(folder: Path, bundle_hash: str, *, seconds: float = SECONDS) -> None:
    """Let a bundle score made-up leads in a child process with bounds on time and memory.

    Raises
    ------
    BundleError : it is not the bundle of that hash, a score is not a number, or the child crashed or did not end
    """
    root = str(Path(__file__).resolve().parents[1])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    with subprocess.Popen(  # noqa: S603  our own interpreter and module, no shell
        [sys.executable, "-P", "-m", "models.bundle_probe", str(folder), bundle_hash, f"{seconds:g}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,
    ) as child:
        try:
            said, _ = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            raise BundleError(_refusal(bundle_hash, f"it gave no answer within {seconds:.0f} s")) from None
        status = child.returncode
    if problem := _problem_of(status, said):
        raise BundleError(_refusal(bundle_hash, problem))


def _limit_process(seconds: float) -> None:
    """Bounds on this process; none where the system has no such bounds, as on Windows."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in (
        (resource.RLIMIT_AS, _address_space() + _MOST_MEMORY),
        (resource.RLIMIT_CPU, math.ceil(2 * seconds)),  # of all its threads
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))


def _address_space() -> int:
    """Bytes of address space this process has taken so far; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _problem_of(status: int, said: bytes) -> str:
    """What went wrong, empty if nothing did."""
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        return f"scoring with it crashed ({name})"
    lines = said[-_MOST_SAID:].decode("utf-8", "replace").strip().splitlines()
    try:
        answer = json.loads(lines[-1])
        if status == 0 and answer == {"sound": True}:
            return ""
        return str(answer["problem"])[:_MOST_SAID]
    except (IndexError, ValueError, KeyError, TypeError):
        return f"scoring with it ended with status {status}"


def _refusal(bundle_hash: str, problem: str) -> str:
    return (
        f"bundle {bundle_hash[:12]} was tried on made-up leads and cannot be used: {problem}. Nothing was changed; use "
        "another bundle, or train again."
    )


def probe(bundle: Bundle) -> None:
    """Score and explain made-up leads every way a server does; BundleError says what does not hold."""
    from models.explaining.framework import load_framework
    from models.judging.drift.trained_values import TrainedValues
    from models.scoring import Rows, score_rows

    leads = probe_leads(bundle)
    log_odds = _check_log_odds(bundle, leads)

    scored = score_rows(
        bundle,
        Rows(
            bundle.catalog,
            leads,
            np.array([f"probe {k}" for k in range(len(leads))], dtype=object),
            np.full(len(leads), np.datetime64("NaT"), dtype="datetime64[us]"),
        ),
        load_framework(_FRAMEWORK),
    )
    points = scored.columns["score"]
    _require(bool(((points >= 0) & (points <= 100)).all()), "a score lies outside 0 to 100")
    _require(np.array_equal(50 + scored.bars.points.sum(axis=1), points), "points do not add up to the score")
    for row in range(len(leads)):
        json.dumps(scored.card(row), allow_nan=False)
    TrainedValues.of(bundle).unseen_per_row(leads)

    alone = bundle.log_odds(_row(leads, 0))[0]
    _require(abs(alone - log_odds[0]) <= _NEAR * (1.0 + abs(alone)), "one lead alone scores differently")
    if bundle.rubric is not None:
        _require(bool(np.isfinite(bundle.rubric.log_odds(leads)).all()), "the rubric's log-odds are not finite")


def _check_log_odds(bundle: Bundle, leads: PlainRows) -> Floats:
    """Calibrated log-odds of the leads, once they, their parts and their probabilities are sound."""
    log_odds = bundle.log_odds(leads)
    _require(bool(np.isfinite(log_odds).all()), "the log-odds of a lead are not finite")
    # extreme numbers may give extreme sums, as by a rubric's points per visit; what training saw must not
    usual = np.abs(np.delete(log_odds, np.arange(1, 1 + len(_EXTREMES))))
    _require(float(usual.max()) <= _MOST_LOG_ODDS, f"the log-odds of an ordinary lead lie beyond {_MOST_LOG_ODDS:,.0f}")

    raw, parts = bundle.explain(leads)
    _require(bool(np.isfinite(parts.values).all() and np.isfinite(parts.base)), "a contribution is not finite")
    rounding = _NEAR * (1.0 + np.abs(parts.values).sum(axis=1) + abs(parts.base))
    gap = np.maximum(np.abs(bundle.calibration.apply(raw) - log_odds), np.abs(parts.log_odds - log_odds))
    _require(bool((gap <= rounding).all()), "contributions do not add up to the log-odds")

    probability, low, high = bundle.chances(raw, bundle.level_variance(leads))
    ordered = (low >= 0) & (low <= probability) & (probability <= high) & (high <= 1)
    _require(bool(ordered.all()), "a probability does not lie inside its interval")
    return log_odds


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise BundleError(what)


def probe_leads(bundle: Bundle) -> PlainRows:
    """Made-up leads: of nothing, of extreme numbers, and of the levels and edges that the bundle itself names."""
    profiles = bundle.trained_on.get("features", {})
    catalog, rows = bundle.catalog, len(_EXTREMES) + 4
    block = np.full((rows, len(catalog.numbers)), np.nan)
    for k, name in enumerate(catalog.numbers):
        edges: Sequence[float] = profiles.get(name, {}).get("edges") or (0.0, 1.0)
        block[1 : 1 + len(_EXTREMES), k] = _EXTREMES
        for row in range(1 + len(_EXTREMES), rows):
            block[row, k] = edges[(row * len(edges) // rows) % len(edges)]

    texts: dict[str, tuple[str | None, ...]] = {}
    for name in catalog.categories:
        levels = [*(profiles.get(name, {}).get("levels") or ()), "a level nobody has seen"]
        texts[name] = (None, *(levels[row % len(levels)] for row in range(rows - 1)))
    return PlainRows(catalog.numbers, block, texts, catalog.names)


def _row(leads: PlainRows, row: int) -> PlainRows:
    texts = {name: (column[row],) for name, column in leads.categories.items()}
    return PlainRows(leads.numbers, leads.block[row : row + 1], texts, leads.names)


def main(words: Sequence[str]) -> int:
    """Probe one bundle and say on standard output what came of it."""
    warnings.simplefilter("ignore")
    _limit_process(float(words[2]))
    try:
        bundle = load_bundle(Path(words[0]), words[1])
        with np.errstate(all="ignore"):
            probe(bundle)
        answer: dict[str, Any] = {"sound": True}
    except LeadScoreError as problem:
        answer = {"problem": problem.message}
    except MemoryError:
        answer = {"problem": f"it needs more than {_MOST_MEMORY / 2**30:.0f} GB of memory"}
    except Exception as problem:  # whatever it is, the bundle is not fit for use
        answer = {"problem": f"scoring failed ({type(problem).__name__})"}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(0 if "sound" in answer else 1)  # threads of a bad model must not keep the process


if __name__ == "__main__":
    main(sys.argv[1:])
