"""A strict reader of booster texts: LightGBM itself believes every number of a model, and crashes on some.

LightGBM walks from child to child without looking where a child lies, jumps to the places that ``tree_sizes`` names and
indexes with whatever feature a split names. So a text is read here first, and only what training can have written gets
further: one binary objective, plain trees, each node reached once, each number finite.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from features.errors import BundleError

MOST_BYTES = 32 * 2**20  # of one booster: 400 trees of 31 leaves have 1 MB
_MOST_TREES = 20_000
_MOST_LEAVES = 4_096  # of one tree
_MOST_DEPTH = 100  # splits on a path; tuning goes to 12
MOST_LOG_ODDS = 1e6  # of a leaf or any other part of a sum; a probability of 1 - 1e-16 is 37
_WORD = 32  # bits of a word of categories
_KEPT_TEXTS = 8  # texts whose answer is kept: a promotion loads the same two bundles several times

_INT = r"-?[0-9]{1,10}"
_FLOAT = r"-?[0-9]{1,25}(?:\.[0-9]{1,25})?(?:e[+-]?[0-9]{1,3})?"
_INTS = re.compile(rf"(?:{_INT}(?: {_INT})*)?")
_FLOATS = re.compile(rf"(?:{_FLOAT}(?: {_FLOAT})*)?")
# a split of a number may send all known values left: LightGBM then writes inf, and nothing else is ever infinite
_THRESHOLDS = re.compile(rf"(?:(?:{_FLOAT}|inf)(?: (?:{_FLOAT}|inf))*)?")
_BOUNDS = re.compile(r"none|\[[-0-9.e+]+:[-0-9.e+]+\]|-?[0-9]+(?::-?[0-9]+)*")
# what may follow the trees, a line at a time: one pattern for all of it would have more than one way to match a line
_AFTER = re.compile(r"|feature_importances:|f[0-9]{1,6}=[0-9]{1,12}|parameters:|\[[a-z0-9_]{1,60}: [^\n]*\]|"
                    r"end of parameters|pandas_categorical:null")  # fmt: skip
_MOST_AFTER = 100_000  # lines after the trees: one for each feature and parameter
_FIXED = {
    "version": "v4",
    "num_class": "1",
    "num_tree_per_iteration": "1",
    "label_index": "0",
    "objective": "binary sigmoid:1",
}
_HEAD = ("version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective",
         "feature_names", "monotone_constraints", "feature_infos", "tree_sizes")  # fmt: skip
_OF_SPLITS = ("split_gain", "internal_value", "internal_weight")
_TREE = ("num_leaves", "num_cat", "split_feature", "split_gain", "threshold", "decision_type", "left_child",
         "right_child", "leaf_value", "leaf_weight", "leaf_count", "internal_value", "internal_weight",
         "internal_count")  # fmt: skip
_CATEGORIES, _END = ("cat_boundaries", "cat_threshold"), ("is_linear", "shrinkage")
_NUMBER_DECISIONS = (0, 2, 4, 6, 8, 10)  # missing as none, zero or NaN; left by default or not
_CATEGORY_DECISIONS = (1, 5, 9)


@dataclass(frozen=True)
class TreeFeatures:
    """What the trees may split on: that many numbers first, then categories with so many levels each."""

    numbers: int
    levels: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of features."""
        return self.numbers + len(self.levels)


class _DamagedError(ValueError):
    """What does not hold, in words."""


@lru_cache(maxsize=_KEPT_TEXTS)
def checked_model_text(text: str, features: TreeFeatures) -> str:
    """The part of a booster's text that predicts: its head and its trees; importances and parameters are left out.

    Raises
    ------
    BundleError : the text is not one that training writes for these features; says what was found and where
    """
    try:
        return _read(text, features)
    except _DamagedError as problem:
        raise BundleError(f"a booster's text is not one that training writes: {problem}.") from None


def _require(holds: bool | np.bool_, what: str) -> None:
    if not holds:
        raise _DamagedError(what)


def _read(text: str, features: TreeFeatures) -> str:
    _require(len(text) <= MOST_BYTES, f"it has {len(text):,} characters, at most {MOST_BYTES:,} are read")
    _require(text.isascii(), "it holds letters that are not ASCII")
    start = text.find("\n\nTree=0\n")
    _require(start > 0, "it holds no tree")
    sizes = _read_head(text[:start], features)

    place = start + 2
    for number, size in enumerate(sizes):
        block = text[place : place + size]
        try:
            _check_tree(block, number, features)
        except _DamagedError as problem:
            raise _DamagedError(f"tree {number}: {problem}") from None
        place += size
    first, *others = text[place:].split("\n")
    _require(first == "end of trees", "its trees do not end where tree_sizes says")
    _require(
        len(others) <= _MOST_AFTER and all(_AFTER.fullmatch(line) for line in others),
        "what follows the trees is not importances and parameters",
    )
    return f"{text[:place]}end of trees\n"


def _read_head(head: str, features: TreeFeatures) -> list[int]:
    """The sizes of the trees, once everything else in the head is as expected."""
    lines = head.split("\n")
    _require(lines[0] == "tree", "it does not begin with 'tree'")
    fields = dict(line.split("=", 1) for line in lines[1:] if "=" in line)
    _require(len(fields) == len(lines) - 1, "a line of the head is no key with a value, or comes twice")
    order = [name for name in _HEAD if name in fields]
    _require(list(fields) == order, "the head holds other keys, or in another order")
    missing = [name for name in _HEAD if name not in fields and name != "monotone_constraints"]
    _require(not missing, f"the head lacks {', '.join(missing)}")
    for name, value in _FIXED.items():
        _require(fields[name] == value, f"{name} is '{fields[name][:60]}', not '{value}'")

    count = features.count
    _require(fields["max_feature_idx"] == str(count - 1), f"max_feature_idx does not fit {count} features")
    _require(fields["feature_names"] == " ".join(f"f{k}" for k in range(count)), "feature_names are not f0, f1, ...")
    bounds = fields["feature_infos"].split(" ")
    _require(
        len(bounds) == count and all(_BOUNDS.fullmatch(one) for one in bounds), "feature_infos do not fit the features"
    )
    if "monotone_constraints" in fields:
        signs = fields["monotone_constraints"].split(" ")
        _require(len(signs) == count and set(signs) <= {"-1", "0", "1"}, "monotone_constraints do not fit the features")

    sizes = _ints(fields, "tree_sizes")
    _require(1 <= len(sizes) <= _MOST_TREES, f"it holds {len(sizes):,} trees, 1 to {_MOST_TREES:,} are read")
    _require((sizes > 0).all(), "tree_sizes are not over 0")
    return [int(size) for size in sizes]


def _check_tree(block: str, number: int, features: TreeFeatures) -> None:
    _require(block.startswith(f"Tree={number}\n") and block.endswith("\n\n\n"), "it does not lie where tree_sizes says")
    lines = block[:-3].split("\n")[1:]
    fields = dict(line.split("=", 1) for line in lines if "=" in line)
    _require(len(fields) == len(lines), "a line is no key with a value, or comes twice")
    categories = _CATEGORIES if fields.get("num_cat", "0") != "0" else ()
    _require(tuple(fields) == (*_TREE, *categories, *_END), "it holds other keys, or in another order")
    _require(fields["is_linear"] == "0", "its leaves are lines")
    _require(len(_floats(fields, "shrinkage")) == 1, "shrinkage is not one number")

    leaves = int(_one_int(fields, "num_leaves"))
    _require(1 <= leaves <= _MOST_LEAVES, f"it has {leaves:,} leaves, 1 to {_MOST_LEAVES:,} are read")
    splits = leaves - 1
    value = _floats(fields, "leaf_value")
    _require(len(value) == leaves, f"{len(value)} leaf values for {leaves} leaves")
    _require((np.abs(value) <= MOST_LOG_ODDS).all(), f"a leaf's value lies beyond {MOST_LOG_ODDS:,.0f}")
    if not splits:
        others = [name for name in _TREE[2:] if name not in ("leaf_value", "leaf_count", "leaf_weight")]
        _require(all(fields[name] == "" for name in others), "a single leaf has splits")
        _require(fields["num_cat"] == "0", "a single leaf has categories")
        for name in ("leaf_count", "leaf_weight"):
            _require(len(_floats(fields, name)) <= 1, f"{name} has more than one number")
        return

    for name in _OF_SPLITS:
        _require(len(_floats(fields, name)) == splits, f"{name} does not have {splits} numbers")
    _require(len(_floats(fields, "leaf_weight")) == leaves, f"leaf_weight does not have {leaves} numbers")
    _check_shape(fields, splits)
    _check_splits(fields, splits, features)


def _check_shape(fields: dict[str, str], splits: int) -> None:
    """Each node but the first is the child of exactly one, which was split before it, and counts add up."""
    left, right = _ints(fields, "left_child"), _ints(fields, "right_child")
    _require(len(left) == len(right) == splits, f"there are not {splits} left and right children")
    children = np.concatenate([left, right])
    expected = np.concatenate([np.arange(-splits - 1, 0), np.arange(1, splits)])
    _require(
        np.array_equal(np.sort(children), np.sort(expected)), "children do not reach each split and each leaf once"
    )
    parents = np.concatenate([np.arange(splits), np.arange(splits)])
    _require((parents[children > 0] < children[children > 0]).all(), "a split comes before its parent")

    count, of_leaf = _ints(fields, "internal_count"), _ints(fields, "leaf_count")
    _require(len(count) == splits and len(of_leaf) == splits + 1, "counts do not fit the splits and leaves")
    _require((of_leaf > 0).all(), "a leaf has no rows")
    rows = np.concatenate([count, of_leaf[::-1]])  # a leaf's child is negative: ~0 is the last
    _require((rows[left] + rows[right] == count).all(), "the rows of two children are not those of their split")

    depth = np.ones(splits, dtype=np.int64)
    for child, parent in sorted(zip(children.tolist(), parents.tolist(), strict=True)):
        if child > 0:
            depth[child] = depth[parent] + 1
    _require(depth.max() <= _MOST_DEPTH, f"it is deeper than {_MOST_DEPTH} splits")


def _check_splits(fields: dict[str, str], splits: int, features: TreeFeatures) -> None:
    """Features, ways to decide, thresholds and categories within their bounds."""
    feature, decision = _ints(fields, "split_feature"), _ints(fields, "decision_type")
    _require(len(feature) == len(decision) == splits, f"there are not {splits} features and decisions")
    _require(((feature >= 0) & (feature < features.count)).all(), f"a split's feature is not one of {features.count}")
    _require(_THRESHOLDS.fullmatch(fields["threshold"]) is not None, "threshold holds something else than numbers")
    threshold = np.array(fields["threshold"].split(), dtype=np.float64)
    _require(len(threshold) == splits, f"threshold does not have {splits} numbers")

    category = feature >= features.numbers
    _require(
        np.isin(decision[~category], _NUMBER_DECISIONS).all()
        and np.isin(decision[category], _CATEGORY_DECISIONS).all(),
        "a split's decision does not fit its feature",
    )
    _require(np.isfinite(threshold[category]).all(), "the set of a split of categories is infinite")
    sets = int(category.sum())
    _require(_one_int(fields, "num_cat") == sets, f"num_cat is not {sets}")
    if not sets:
        return
    _require(
        np.array_equal(np.sort(threshold[category]), np.arange(sets)), f"splits of categories do not use {sets} sets"
    )
    borders, words = _ints(fields, "cat_boundaries"), _ints(fields, "cat_threshold")
    _require(
        len(borders) == sets + 1 and borders[0] == 0 and (np.diff(borders) > 0).all() and borders[-1] == len(words),
        "cat_boundaries do not part cat_threshold into sets",
    )
    _require(((words >= 0) & (words < 2**_WORD)).all(), f"cat_threshold holds more than {_WORD} bits")
    spans = list(pairwise(borders.tolist()))
    for node in np.flatnonzero(category).tolist():
        low, high = spans[int(threshold[node])]
        levels = features.levels[int(feature[node]) - features.numbers]
        _require(_highest_bit(words[low:high]) < levels, f"a set of categories goes beyond {levels} levels")


def _highest_bit(words: npt.NDArray[np.int64]) -> int:
    used = np.flatnonzero(words)
    return -1 if not len(used) else int(used[-1]) * _WORD + int(words[used[-1]]).bit_length() - 1


def _ints(fields: dict[str, str], name: str) -> npt.NDArray[np.int64]:
    _require(_INTS.fullmatch(fields[name]) is not None, f"{name} holds something else than whole numbers")
    return np.array(fields[name].split(), dtype=np.int64)


def _one_int(fields: dict[str, str], name: str) -> int:
    found = _ints(fields, name)
    _require(len(found) == 1, f"{name} is not one whole number")
    return int(found[0])


def _floats(fields: dict[str, str], name: str) -> npt.NDArray[np.float64]:
    _require(_FLOATS.fullmatch(fields[name]) is not None, f"{name} holds something else than finite numbers")
    found = np.array(fields[name].split(), dtype=np.float64)
    _require(np.isfinite(found).all(), f"{name} holds a number that is not finite")
    return found
