"""A bundle whose hash is right and whose content is not: refused with the reason, before anything relies on it."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.errors import BundleError, RegistryError
from models.bundle import content_hash, load_bundle
from models.bundle_probe import probe_bundle
from pipelines.registry import soundness
from pipelines.registry.champion import MoveKind, PointerMove, keep_bundle, point_to, read_champion, roll_back
from pipelines.workspace.paths import Paths
from tests.reference.bundle_mutants import fit_sizes, write_bases

TEST = PointerMove(MoveKind.FORCED, "a test")
Document = dict[str, Any]


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_bases(tmp_path_factory.mktemp("bases"))


def changed(
    base: Path,
    folder: Path,
    document: Callable[[Document], object] = lambda _: None,
    text: Callable[[str], str] = lambda kept: kept,
) -> Path:
    """A copy of a bundle with other content and the hash of that; ``text`` changes the first booster."""
    found = json.loads((base / "bundle.json").read_text())
    files = {path.name: path.read_text() for path in sorted(base.glob("*.txt"))}
    document(found)
    first = min(files)
    files[first] = text(files[first])
    found.pop("hash")
    found["hash"] = content_hash(found, files)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bundle.json").write_text(json.dumps(found))
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def put(*path: Any, value: Any) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        node: Any = document
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = value

    return change


NAN, INFINITE = float("nan"), float("inf")
DOCUMENTS: dict[str, tuple[Callable[[Document], object], str]] = {
    "negative slope": (put("calibration", "slope", value=-0.9), "calibration.slope"),
    "no slope": (put("calibration", "slope", value=0.0), "calibration.slope"),
    "nan slope": (put("calibration", "slope", value=NAN), "nan stands where a number must"),
    "infinite intercept": (put("calibration", "intercept", value=INFINITE), "Infinity is not a number"),
    "huge intercept": (put("calibration", "intercept", value=1e300), "calibration.intercept"),
    "negative weight": (put("weights", "linear", value=-0.1), "weights.linear"),
    "no weights": (put("weights", value={}), "weights"),
    "absent component": (put("weights", "rate", value=0.1), "there is no component 'rate'"),
    "unknown component": (put("components", "pickle", value={}), "components.pickle"),
    "no points to double the odds": (put("scale", "pdo", value=0), "scale.pdo"),
    "falling percentiles": (lambda d: d["percentiles"].reverse(), "percentiles: .*must not fall"),
    "100 percentiles": (lambda d: d["percentiles"].pop(), "percentiles"),
    "one variance": (put("interval", "covariance", value=[[0.1]]), "interval.covariance"),
    "negative variance": (put("interval", "covariance", 0, 0, value=-1.0), "variance below 0"),
    "a coefficient too many": (lambda d: d["components"]["linear"]["theta"].append(0.1), "coefficients for"),
    "a nan coefficient": (put("components", "linear", "theta", 0, value=NAN), "nan stands"),
    "a feature of another": (put("components", "linear", "encoder", "codes", 0, 0, value="x"), "not in the catalog"),
    "no spread": (put("components", "linear", "encoder", "codes", 0, 1, "number", 3, value=0.0), "spread"),
    "a bin too few": (lambda d: d["components"]["scorecard"]["card"][0][2].pop(), "points for"),
    "half a fact": (lambda d: d["facts"]["visits"].pop("won_share"), "facts.visits"),
    "a horizon of words": (put("meta", "horizon_days", value="90"), "meta.horizon_days"),
    "a name outside": (put("components", "booster", "files", value=["../booster_0.txt"]), "outside its directory"),
    "itself as a file": (put("components", "booster", "files", value=["bundle.json"]), "outside its directory"),
    "deep": (put("meta", "x", value=json.loads("[" * 60 + "]" * 60)), "nested deeper"),
    "a number of 99 digits": (put("meta", "rows", value=10**99), "more than 63 bits"),
}


@pytest.mark.parametrize("case", DOCUMENTS)
def test_a_document_that_cannot_be_is_refused_with_the_place(bases: list[Path], tmp_path: Path, case: str) -> None:
    change, said = DOCUMENTS[case]
    with pytest.raises(BundleError, match=said):
        load_bundle(changed(bases[0], tmp_path / "b", change))


def line(name: str, value: str, tree: int = 2) -> Callable[[str], str]:
    """The first value of a line of a tree replaced; sizes fit again."""

    def change(text: str) -> str:
        before, block = text.split(f"\nTree={tree}\n")
        lines = block.split("\n")
        at = next(k for k, one in enumerate(lines) if one.startswith(f"{name}="))
        _, *others = lines[at].split("=", 1)[1].split(" ")
        lines[at] = f"{name}={' '.join([value, *others])}"
        return fit_sizes(f"{before}\nTree={tree}\n" + "\n".join(lines))

    return change


TEXTS: dict[str, tuple[Callable[[str], str], str]] = {
    "a nan leaf": (line("leaf_value", "nan"), "tree 2: leaf_value"),
    "a leaf without end": (line("leaf_value", "inf"), "tree 2: leaf_value"),
    "a huge leaf": (line("leaf_value", "1e300"), "tree 2: a leaf's value"),
    "a leaf too many": (line("leaf_value", "0.1 0.1"), "leaf values for"),
    "a circle": (line("left_child", "0"), "children do not reach"),
    "a child outside": (line("right_child", "99"), "children do not reach"),
    "a feature outside": (line("split_feature", "99"), "feature is not one of"),
    "a feature before the first": (line("split_feature", "-1"), "feature is not one of"),
    "a nan threshold": (line("threshold", "nan"), "threshold holds"),
    "another decision": (line("decision_type", "255"), "decision does not fit"),
    "leaves without number": (line("num_leaves", "2147483647"), "leaves"),
    "lines for leaves": (line("is_linear", "1"), "its leaves are lines"),
    "a number with an underscore": (line("leaf_value", "1_0"), "leaf_value"),
    "no rows": (line("leaf_count", "0"), "a leaf has no rows"),
    "three classes": (lambda t: t.replace("num_class=1", "num_class=3"), "num_class is '3'"),
    "another objective": (lambda t: t.replace("objective=binary sigmoid:1", "objective=poisson"), "objective is"),
    "the mean of trees": (lambda t: t.replace("label_index=0", "label_index=0\naverage_output"), "head"),
    "another number of features": (lambda t: t.replace("max_feature_idx=", "max_feature_idx=9"), "max_feature_idx"),
    "sizes that lie": (lambda t: t.replace("tree_sizes=", "tree_sizes=1"), "tree_sizes"),
    "no sizes": (lambda t: "\n".join(x for x in t.split("\n") if not x.startswith("tree_sizes")), "lacks tree_sizes"),
    "cut off": (lambda t: t[: len(t) // 2], "tree"),
    "a section of its own": (lambda t: t.replace("parameters:", "forced_splits:"), "what follows the trees"),
    "letters": (lambda t: t.replace("f0 f1", "f0 f\u0661"), "not ASCII"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_booster_s_text_that_training_never_writes_is_refused(bases: list[Path], tmp_path: Path, case: str) -> None:
    change, said = TEXTS[case]
    with pytest.raises(BundleError, match=said):
        load_bundle(changed(bases[0], tmp_path / "b", text=change))


@pytest.mark.parametrize("base", [1, 2])
def test_a_bundle_inside_a_bundle_is_read_as_strictly(bases: list[Path], tmp_path: Path, base: int) -> None:
    with pytest.raises(BundleError, match="leaf_value"):
        load_bundle(changed(bases[base], tmp_path / "b", text=line("leaf_value", "nan")))

    where = ("components", "prior") if base == 2 else ()
    own = (*where, "components", "segmented", "own", "boss")
    for place, value, said in (
        ((*own, "slope"), -1.0, r"own\.boss\.slope"),
        ((*own, "components"), {}, r"own\.boss: there is no component"),
        ((*own[:-2], "levels", "lines", "clerk", "factor"), -1.0, r"levels\.lines\.clerk\.factor"),
        ((*own[:-2], "components", "linear"), None, r"segmented\.weights: there is no component 'linear'"),
    ):
        with pytest.raises(BundleError, match=said):
            load_bundle(changed(bases[base], tmp_path / "c", put(*place, value=value)))


def test_no_feature_is_told_to_two_of_another_model(bases: list[Path], tmp_path: Path) -> None:
    twice = put("components", "prior", "mapping", "title", value="plan")
    with pytest.raises(BundleError, match=r"prior\.mapping: a feature comes twice"):
        load_bundle(changed(bases[2], tmp_path / "b", twice))


def test_a_threshold_that_lightgbm_writes_as_inf_is_sound(bases: list[Path], tmp_path: Path) -> None:
    """All known values go left, only missing ones right: the one infinity that real bundles hold."""
    text = (bases[0] / "booster_0.txt").read_text()
    tree = text.split("\nTree=2\n")[1]
    values = {one.split("=", 1)[0]: one.split("=", 1)[1].split(" ") for one in tree.split("\n\n")[0].split("\n")}
    number = next(k for k, decision in enumerate(values["decision_type"]) if decision != "1")

    def change(kept: str) -> str:
        before, block = kept.split("\nTree=2\n")
        held = values["threshold"].copy()
        held[number] = "inf"
        old, new = (f"threshold={' '.join(these)}\n" for these in (values["threshold"], held))
        return fit_sizes(f"{before}\nTree=2\n{block.replace(old, new, 1)}")

    folder = changed(bases[0], tmp_path / "b", text=change)
    assert "inf" in (folder / "booster_0.txt").read_text().split("\nTree=3\n")[0]
    probe_bundle(folder, load_bundle(folder).hash)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "data", "demo")


def test_only_listed_files_are_kept_and_no_link_is_followed(bases: list[Path], tmp_path: Path, paths: Paths) -> None:
    folder, secret = changed(bases[0], tmp_path / "b"), tmp_path / "secret"
    secret.write_text("not for everybody")
    (folder / "note.txt").write_text("unlisted")
    (folder / "sub").mkdir()
    (folder / "link").symlink_to(secret)
    kept = paths.bundles / keep_bundle(paths, folder)
    assert sorted(file.name for file in kept.iterdir()) == ["booster_0.txt", "booster_1.txt", "bundle.json"]

    (folder / "booster_1.txt").rename(tmp_path / "booster_1.txt")
    (folder / "booster_1.txt").symlink_to(tmp_path / "booster_1.txt")
    with pytest.raises(BundleError, match="is a link"):
        load_bundle(folder)
    (folder / "booster_1.txt").unlink()
    os.mkfifo(folder / "booster_1.txt")
    with pytest.raises(BundleError, match="is a pipe"):
        load_bundle(folder)


def test_a_pointer_moves_only_after_a_probe_which_is_made_once(
    bases: list[Path], tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = keep_bundle(paths, changed(bases[0], tmp_path / "a", put("scale", "version", value="first")))
    second = keep_bundle(paths, changed(bases[0], tmp_path / "b", put("scale", "version", value="second")))
    tried: list[str] = []

    def refuse(_: Path, bundle_hash: str) -> None:
        tried.append(bundle_hash)
        if bundle_hash == second:
            raise BundleError("scoring with it crashed (SIGFPE)")

    monkeypatch.setattr(soundness, "probe_bundle", refuse)
    point_to(paths, first, TEST)
    before = paths.champion.read_bytes()
    for _ in range(3):
        with pytest.raises(BundleError, match="SIGFPE"):
            point_to(paths, second, TEST)
    assert paths.champion.read_bytes() == before and tried == [first, second]

    monkeypatch.setattr(soundness, "probe_bundle", lambda _, bundle_hash: tried.append(bundle_hash))
    (paths.bundles / second / "bundle.json").touch()  # repaired: it is tried again
    point_to(paths, second, TEST)
    roll_back(paths)
    point_to(paths, second, TEST)
    assert tried == [first, second, second]

    (paths.bundles / first / "booster_0.txt").write_text("tree\n")
    with pytest.raises(BundleError, match="changed after it was written"):
        roll_back(paths)
    now = read_champion(paths)
    assert now is not None and now.hash == second
    for name in ("../x", "x", ""):
        with pytest.raises(RegistryError):
            point_to(paths, name, TEST)


def test_a_sound_bundle_passes_in_the_child_and_one_of_another_hash_does_not(bases: list[Path]) -> None:
    for base in bases[1:]:
        probe_bundle(base, load_bundle(base).hash)
    with pytest.raises(BundleError, match="expected 000000000000"):
        probe_bundle(bases[0], "0" * 64)


def test_a_bundle_whose_sums_run_away_is_refused_by_the_probe(bases: list[Path], tmp_path: Path) -> None:
    """Every number within its bounds, yet an ordinary lead gets log-odds that no probability has."""
    folder = changed(bases[0], tmp_path / "b", put("calibration", "intercept", value=9e5))
    with pytest.raises(BundleError, match="log-odds of an ordinary lead"):
        probe_bundle(folder, load_bundle(folder).hash)


def test_a_probe_that_crashes_or_does_not_end_refuses_the_bundle(
    bases: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BundleError, match=r"gave no answer within 0 s\. Nothing was changed"):
        probe_bundle(bases[0], "0" * 64, seconds=0.01)
    for script, said in (("kill -FPE $$", "SIGFPE"), ("kill -ABRT $$", "SIGABRT"), ("echo hello", "status 0")):
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        with pytest.raises(BundleError, match=said):
            probe_bundle(bases[0], "0" * 64)
