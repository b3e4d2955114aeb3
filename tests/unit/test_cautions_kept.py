"""What is said against a bundle stays with it, however many runs come after."""

from pathlib import Path

from pipelines.registry.cautions import UNREADABLE, caution_of, keep_caution
from pipelines.workspace.paths import Paths


def test_a_caution_stays_with_its_bundle(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "calls")
    assert caution_of(paths, "a") == ""
    for name in ("a", "b"):
        (paths.bundles / name).mkdir(parents=True)
    keep_caution(paths, "a", "turned round")
    keep_caution(paths, "b", "")
    assert caution_of(paths, "a") == "turned round", "another run came, and 'a' still scores"
    assert caution_of(paths, "b") == caution_of(paths, "c") == ""
    keep_caution(paths, "b", "weak")
    assert (caution_of(paths, "a"), caution_of(paths, "b")) == ("turned round", "weak")
    (paths.bundles / "a").rmdir()
    keep_caution(paths, "b", "weak")
    assert caution_of(paths, "a") == "", "bundles that are gone are forgotten"


def test_a_damaged_file_is_said_and_replaced(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "calls")
    (paths.bundles / "a").mkdir(parents=True)
    paths.cautions.write_text("{", encoding="utf-8")
    assert caution_of(paths, "a") == UNREADABLE
    keep_caution(paths, "a", "turned round")
    assert caution_of(paths, "a") == "turned round"
