"""Bundles changed at random by somebody who knows how to compute the hash: one seed, one mutant."""

import copy
import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from models.bundle import Bundle, content_hash, save_bundle
from models.calibration.interval import IntervalModel
from models.calibration.segment_levels import SegmentLevels, SegmentLine
from models.candidates.boosting import DEFAULTS, BoosterCandidate
from models.candidates.linear import LinearCandidate
from models.candidates.prior import PriorCandidate, PriorModel
from models.candidates.scorecard import ScorecardCandidate
from models.candidates.segmented import OwnModel, SegmentedModel
from models.explaining.facts import build_facts
from models.explaining.questions import AnswerTable
from models.interfaces import Calibration, Candidate, Scale
from models.judging.drift.reference_distribution import build_reference_distribution
from tests.reference.toy import CATALOG, toy_matrix

_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 2**31, 2**70, 0.5, -0.5, 1e308, -1e308, 1e-320, float("nan"), float("inf"), float("-inf"),
    "", "x", "../x", "\x00", "9" * 400, [], {}, [[]], [None], {"a": 1}, [1e308] * 5, "booster_0.txt",
)  # fmt: skip
_TOKENS = ("nan", "inf", "-inf", "-1", "0", "1", "7", "31", "255", "999999", "2147483648", "-2147483649", "1e999",
           "1e308", "-1e308", "1_0", "0x10", "", "--1", "1e-5", "abc", "\u0661", "10000000000000000000000")  # fmt: skip
_LINES = ("average_output", "num_class=3", "objective=multiclass num_class:3", "objective=regression", "Tree=0",
          "is_linear=1", "leaf_const=1 2 3", "end of trees", "parameters:", "num_leaves=1000000", "[num_threads: 99]",
          "tree_sizes=1", "max_feature_idx=100000", "shrinkage=nan", "")  # fmt: skip
_WHOLE: tuple[bytes, ...] = (
    b"", b"null", b"[]", b"{}", b"1", b"\xff\xfe\x00", b"[" * 200_000, b'{"a":' * 50_000, b'{"format": 1}',
    b'{"format": 1, "hash": "x", "components": {}}', b'{"format": 1, "components": []}', b"\x00" * 5000,
)  # fmt: skip

Files = dict[str, str]


@cache
def _base_bundles() -> tuple[Bundle, ...]:
    matrix = toy_matrix(500, seed=3)

    def fit(kind: Any) -> Any:
        return kind.fit(matrix.values, matrix.label, matrix.weight, catalog=CATALOG, seed=1)

    small = BoosterCandidate({**DEFAULTS, "rounds": 6, "min_child_samples": 10}, boosters=2)
    learned: dict[str, Candidate] = {
        "booster": fit(small),
        "linear": fit(LinearCandidate()),
        "scorecard": fit(ScorecardCandidate()),
    }
    weights = {"booster": 0.4, "linear": 0.3, "scorecard": 0.3}
    line = SegmentLine(shift=0.2, factor=0.9, middle=-1.0, variance=0.1)
    own = OwnModel(components=learned, slope=0.8, shift=0.1, variance=0.05)
    segmented = SegmentedModel(
        "title", learned, weights, levels=SegmentLevels(lines={"clerk": line}, between=0.2), own={"boss": own}
    )
    other = PriorModel(
        catalog=CATALOG,
        components={"segmented": segmented},
        weights={"segmented": 1.0},
        calibration=Calibration(0.9, 0.1),
        mapping={"visits": "visits", "title": "title", "plan": "plan"},
        origin={"source": "elsewhere", "hash": "0" * 64, "rows": 500},
    )
    table = AnswerTable(
        question="budget",
        feature="plan",
        edges=np.array([-1.0]),
        values=("later", "soon"),
        share=np.array([[0.5, 0.5], [0.4, 0.6]]),
        effect=np.array([[0.1, -0.1], [0.3, -0.2]]),
        answered=100,
    )

    def bundle(components: dict[str, Candidate], its: dict[str, float]) -> Bundle:
        raw = np.sum([w * components[name].log_odds(matrix.values) for name, w in its.items()], axis=0)
        return Bundle(
            meta={
                "horizon_days": 90,
                "rows": 500,
                "won": 150,
                "age_days": [float("nan"), float("nan")],
                "winner": "blend",
                "base_rate": 0.3,
                "trained_through": None,
            },
            catalog=CATALOG,
            components=components,
            weights=its,
            calibration=Calibration(0.95, -0.1),
            interval=IntervalModel(0.0, np.array([[0.1, 0.01], [0.01, 0.02]]), 0.01),
            scale=Scale("s", -1.0),
            facts=build_facts(matrix),
            percentiles=np.quantile(raw, np.arange(101) / 100),
            questions=(table,),
            trained_on=build_reference_distribution(matrix, np.arange(500), np.arange(400, 500), raw[400:]),
        )

    return (
        bundle(learned, weights),
        bundle({"segmented": segmented}, {"segmented": 1.0}),
        bundle({"prior": PriorCandidate(other, slope=0.7, intercept=0.2)}, {"prior": 1.0}),
    )


def write_bases(folder: Path) -> list[Path]:
    """Small sound bundles: of learned components, with segments, and with a prior bundle that has segments."""
    places = [folder / str(k) for k in range(len(_base_bundles()))]
    for place, bundle in zip(places, _base_bundles(), strict=True):
        save_bundle(bundle, place)
    return places


class Mutator:
    """Writes mutants of bundles; every mutant's stored hash is that of its content."""

    def __init__(self, bases: list[Path]) -> None:
        self._bases: list[tuple[dict[str, Any], Files]] = []
        for base in bases:
            document = json.loads((base / "bundle.json").read_text())
            files = {path.name: path.read_text() for path in sorted(base.glob("*.txt"))}
            self._bases.append((document, files))

    def write(self, seed: int, folder: Path) -> str:
        """Write the mutant of a seed; returns what was done."""
        draw = random.Random(seed)
        document, files = copy.deepcopy(draw.choice(self._bases))
        folder.mkdir(parents=True, exist_ok=True)
        if draw.random() < 0.05:
            whole = draw.choice((*_WHOLE, json.dumps(document).encode()[: draw.randrange(5000)]))
            (folder / "bundle.json").write_bytes(whole)
            return f"whole file {whole[:20]!r}"

        done = []
        for _ in range(draw.choice((1, 1, 1, 2))):
            change: Callable[..., str] = _change_text if files and draw.random() < 0.5 else _change_document
            done.append(change(draw, document, files))
        document.pop("hash", None)
        try:
            document["hash"] = content_hash(document, files)
            text = json.dumps(document)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            document["hash"], text = "0" * 64, json.dumps({"format": 1, "problem": str(problem)})
        (folder / "bundle.json").write_text(text)
        for name, content in files.items():
            (folder / name).write_text(content, encoding="utf-8")
        return "; ".join(done)


def _change_document(draw: random.Random, document: dict[str, Any], _: Files) -> str:
    """One value, key or list of the document; parts are chosen first, so that long lists do not take all."""
    node, path = document, []
    while True:
        keys = [key for key in (node if isinstance(node, dict) else range(len(node))) if key != "hash"]
        if not keys:
            break
        key = draw.choice(keys)
        path.append(key)
        below = node[key]
        if not isinstance(below, dict | list) or not below or draw.random() < 0.12:
            return _change_value(draw, node, key, path)
        node = below
    return "nothing"


def _change_value(draw: random.Random, node: Any, key: Any, path: list[Any]) -> str:
    value, where = node[key], ".".join(map(str, path))
    way = draw.randrange(6)
    if way == 0:
        del node[key]
        return f"{where} removed"
    if way == 1 and isinstance(value, int | float):
        node[key] = draw.choice((-value, value * 1e300, value + 1, -value - 1, str(value), value * 1e12))
    elif way == 2 and isinstance(value, list) and value:
        draw.choice((value.pop, value.reverse, lambda: value.append(copy.deepcopy(value[0])), value.clear))()
        return f"{where} list changed"
    elif way == 3 and isinstance(node, dict):
        node[draw.choice(("x", "booster", "rubric", "levels", str(key) + " "))] = node.pop(key)
        return f"{where} renamed"
    else:
        node[key] = copy.deepcopy(draw.choice(_VALUES))
    return f"{where} = {str(node[key])[:40]}"


def _change_text(draw: random.Random, _: dict[str, Any], files: Files) -> str:
    """One number, line or part of a booster's text; mostly with sizes that fit again, so that deeper checks are hit."""
    name = draw.choice(sorted(files))
    lines = files[name].split("\n")
    end = lines.index("end of trees") if "end of trees" in lines else len(lines) - 1
    if end < 1:
        return "nothing"
    at = draw.randrange(end) if draw.random() < 0.95 else draw.randrange(len(lines))
    way = draw.randrange(10)
    done = f"{name} line {at} '{lines[at][:30]}'"
    if way < 6 and "=" in lines[at]:
        key, _, rest = lines[at].partition("=")
        parts = rest.split(" ")
        place = draw.randrange(len(parts))
        parts[place] = draw.choice((*_TOKENS, *parts))
        lines[at] = f"{key}={' '.join(parts)}"
        done += f" -> '{lines[at][:40]}'"
    elif way == 6:
        del lines[at]
    elif way == 7:
        lines.insert(at, draw.choice((*_LINES, lines[draw.randrange(end)])))
    elif way == 8:
        other = draw.randrange(end)
        lines[at], lines[other] = lines[other], lines[at]
    else:
        letter = draw.randrange(len(lines[at]) + 1)
        lines[at] = lines[at][:letter] + draw.choice("-0159.e \t\u00e9=[") + lines[at][letter + 1 :]
    text = "\n".join(lines)
    if draw.random() < 0.03:
        text = text[: draw.randrange(len(text))]
    files[name] = fit_sizes(text) if draw.random() < 0.8 else text
    return done


def fit_sizes(text: str) -> str:
    """The text with sizes of trees that fit again."""
    head, *blocks = text.split("\nTree=")
    sizes = [len("Tree=" + block.split("end of trees")[0]) + 1 for block in blocks]
    sizes[-1:] = [size - 1 for size in sizes[-1:]]
    lines = [f"tree_sizes={' '.join(map(str, sizes))}" if x.startswith("tree_sizes=") else x for x in head.split("\n")]
    return "\nTree=".join(["\n".join(lines), *blocks])
