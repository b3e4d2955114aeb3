"""Loads mutants of bundles, one after the other, and says what came of each; in a process that may die of one.

Run as ``python -m tests.reference.bundle_judge FOLDER FIRST LAST``: a line for each seed. :func:`judge_all` starts it
again behind a mutant that killed it.
"""

import signal
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

_SECONDS = 20.0  # of processor for one mutant; a sound bundle of this size takes a twentieth
_WAITING = 300.0  # seconds on the clock: one that waits for something uses no processor


def judge_all(folder: Path, first: int, last: int) -> tuple[Counter[str], list[str]]:
    """Mutants by what came of them, and what was done to those that did harm."""
    counts: Counter[str] = Counter()
    harm, seed = [], first
    while seed < last:
        command = [sys.executable, "-m", "tests.reference.bundle_judge", str(folder), str(seed), str(last)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=Path(__file__).resolve().parents[2]
        )
        lines = [line.split("\t", 2) for line in done.stdout.splitlines() if line.count("\t") == 2]
        for _, verdict, what in lines:
            counts[verdict] += 1
            if verdict not in ("refused", "refused by the probe", "sound"):
                harm.append(f"{verdict}: {what}")
        seed += len(lines)
        if seed < last:
            if done.returncode >= 0:  # not killed by a signal: the fault is here
                raise RuntimeError(done.stderr[-2000:])
            counts["crash"] += 1
            harm.append(f"crash {done.returncode}: seed {seed}")
            seed += 1
    return counts, harm


def _judge(folder: Path) -> str:
    from features.errors import BundleError
    from models.bundle import load_bundle
    from models.bundle_probe import probe

    try:
        bundle = load_bundle(folder)
    except BundleError as problem:
        return "refused" if str(problem) else "refused without a word"
    except Exception as problem:
        return f"internal error {type(problem).__name__} {problem}"[:150].replace("\n", " ")
    try:
        with np.errstate(all="ignore"):
            probe(bundle)
    except Exception:  # in the child of a probe, whatever it is refuses the bundle
        return "refused by the probe"

    from models.explaining.framework import load_framework
    from models.scoring import score
    from tests.reference.toy import toy_matrix

    try:
        with np.errstate(all="ignore"):
            scored = score(bundle, toy_matrix(80, seed=5), load_framework("bant"))
            frame = scored.frame
            for row in range(0, 80, 20):
                scored.card(row)
    except BundleError:  # of another catalog
        return "refused"
    except Exception as problem:
        return f"internal error when scoring: {type(problem).__name__} {problem}"[:150].replace("\n", " ")
    numbers = frame.select_dtypes("number").to_numpy(dtype=np.float64)
    if not (np.isfinite(numbers).all() and frame["score"].between(0, 100).all()):
        return "scores not finite"
    ordered = (frame["probability_low"] <= frame["probability"]) & (frame["probability"] <= frame["probability_high"])
    return "sound" if ordered.all() else "interval broken"


def _main(words: list[str]) -> None:
    from tests.reference.bundle_mutants import Mutator

    warnings.simplefilter("ignore")
    folder, first, last = Path(words[0]), int(words[1]), int(words[2])
    mutator = Mutator(sorted(path for path in folder.iterdir() if path.is_dir()))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for seed in range(first, last):
        with tempfile.TemporaryDirectory() as place:
            what = mutator.write(seed, Path(place)).replace("\t", " ").replace("\n", " ")
            signal.setitimer(signal.ITIMER_PROF, _SECONDS)  # kills a hang, which then counts as a crash
            signal.setitimer(signal.ITIMER_REAL, _WAITING)
            verdict = _judge(Path(place))
            signal.setitimer(signal.ITIMER_PROF, 0.0)
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        sys.stdout.write(f"{seed}\t{verdict}\t{what!r}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main(sys.argv[1:])
