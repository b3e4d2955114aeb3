"""A promotion or rollback that was killed between the pointer and its report is ended by the next, never done twice."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from features.errors import BundleError
from pipelines.artifacts.champion_record import ChampionRecord
from pipelines.promotion import make_champion
from pipelines.registry.champion import MoveKind, PointerMove, point_to, read_champion, roll_back
from pipelines.registry.kept_decisions import decision_files, name_decision
from pipelines.registry.promotion_churn import churn_of_promotion, read_last_churn
from pipelines.registry.unfinished_move import Behind, noted_move, settle_move
from pipelines.retraining.unfinished_retrain import Begun, begin_retrain, end_retrain, note_draft
from pipelines.stages.register_bundle import run_register
from pipelines.tracking.mlflow_registry import NamedVersion, promote_if_kept
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.context import Context
from pipelines.workspace.paths import Paths
from tests.reference.challengers import early_champion
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def moved(tiny_copy: TinyRun, tmp_path: Path) -> tuple[TinyRun, str, str]:
    """A run whose champion was promoted over another; the hashes before and now."""
    trained = str(tiny_copy.summary["bundle"]["hash"])
    return tiny_copy, trained, early_champion(tiny_copy, tmp_path / "made").hash


THESE, OTHER = {"data": "these", "promote": False}, {"data": "other", "promote": False}
BEGUN: list[Any] = []  # never left, as if their processes were gone; what is collected would be left


def begin(context: Context, to: str, move: PointerMove, churn: dict[str, Any], *behind: Behind) -> None:
    """Begin a move."""
    BEGUN.append(noted_move(context, to, move, churn, *behind))
    BEGUN[-1].__enter__()


def test_a_rollback_that_was_killed_is_not_done_twice(cli: Cli, moved: tuple[TinyRun, str, str]) -> None:
    run, before, now = moved
    context, back = run.context, PointerMove(MoveKind.ROLLBACK, "")
    churn = churn_of_promotion(context, before)
    begin(context, before, back, churn)
    assert settle_move(context) is None, "killed before the pointer moved: it is begun anew"
    assert cli("rollback", *run.args)[0] == 0 and read_champion(context.paths).hash == before
    assert cli("rollback", *run.args)[0] == 0 and read_champion(context.paths).hash == now, "one step back, as asked"

    begin(context, before, back, churn)
    assert roll_back(context.paths).hash == before
    assert cli("rollback", *run.args)[0] == 0
    assert read_champion(context.paths).hash == before, "it had been rolled back already"
    told = read_last_churn(context)
    assert told is not None and (told["how"], told["challenger"]) == ("rollback", before)
    assert not context.paths.moving.exists()


def test_who_moved_with_a_promotion_that_was_killed_is_told_by_the_next(
    cli: Cli, moved: tuple[TinyRun, str, str]
) -> None:
    run, trained, _ = moved
    context, move = run.context, PointerMove(MoveKind.FORCED, "a new price list")
    churn = churn_of_promotion(context, trained)
    begin(context, trained, move, churn)
    point_to(context.paths, trained, move)
    assert read_last_churn(context) is None, "killed before who moved was written down"
    assert cli("promote", *run.args, "--bundle", trained)[0] == 0
    told = read_last_churn(context)
    assert told is not None and told["challenger"] == trained and told["churn"]["moved"] > 0
    assert not context.paths.moving.exists()


def decisions(paths: Paths) -> list[str]:
    return [read_json(file)["decision"] for file in decision_files(paths)]


def test_a_decision_is_on_record_once_the_pointer_moved_and_not_before(
    cli: Cli, moved: tuple[TinyRun, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, trained, _ = moved
    context, move = run.context, PointerMove(MoveKind.FORCED, "a new price list")
    words = ("promote", *run.args, "--bundle", trained, "--force", "--reason", "a new price list")

    def unsound(*_: object) -> None:
        raise BundleError("it scores nobody.")

    with monkeypatch.context() as patched:
        patched.setattr("pipelines.registry.champion.require_sound", unsound)
        assert cli(*words)[0] != 0
    assert decisions(context.paths) == [], "nothing was promoted"

    behind = Behind(decision=name_decision({"kind": "promote", "decision": "forced", "challenger": trained}))
    begin(context, trained, move, churn_of_promotion(context, trained), behind)
    assert settle_move(context) is None and decisions(context.paths) == [], "killed before the pointer moved"
    begin(context, trained, move, churn_of_promotion(context, trained), behind)
    note = context.paths.moving.read_bytes()
    point_to(context.paths, trained, move)
    assert settle_move(context) is not None and decisions(context.paths) == ["forced"]
    context.paths.moving.write_bytes(note)
    assert settle_move(context) is not None and decisions(context.paths) == ["forced"], "once, though killed again"

    assert cli("rollback", *run.args)[0] == 0 and cli(*words)[0] == 0
    assert decisions(context.paths) == ["forced", "forced"]


def test_a_decision_stays_on_record_though_the_pointer_moved_on_before_the_next_command(tmp_path: Path) -> None:
    paths, old, new, third = Paths(tmp_path, "mine"), "a" * 64, "b" * 64, "c" * 64
    context: Any = SimpleNamespace(paths=paths)
    paths.root.mkdir()
    moves: list[dict[str, str]] = []

    def point(to: str, previous: str) -> None:
        at = f"2026-01-01T00:00:0{len(moves)}+00:00"
        moves.append({"hash": to, "previous": previous, "how": "forced", "reason": "prices", "at": at})
        ChampionRecord.of({"path": f"bundles/{to}", "hash": to, "previous": previous, "history": moves}).write(paths)

    point(new, old)  # long ago the same move was made, and taken back
    point(old, new)
    forced = PointerMove(MoveKind.FORCED, "prices")
    churn = {"champion": old, "challenger": new, "churn": None, "sentence": "7 move."}
    begin(context, new, forced, churn, Behind(decision=name_decision({"kind": "promote", "decision": "forced"})))
    note = paths.moving.read_bytes()
    point(third, old)
    assert settle_move(context) is None and decisions(paths) == [], "it was never made"

    paths.moving.write_bytes(note)
    point(new, old)
    point(third, new)
    assert settle_move(context) is None, "what scores is another's"
    assert decisions(paths) == ["forced"] and read_last_churn(context) is None and not paths.moving.exists()


def test_what_trains_or_follows_a_registry_ends_a_move_first(
    moved: tuple[TinyRun, str, str],
) -> None:
    run, trained, now = moved
    context = run.context
    for number, go_on in enumerate(
        (lambda: run_register(context), lambda: promote_if_kept(context, NamedVersion("demo", "1", trained))), 1
    ):
        behind = Behind(decision=name_decision({"kind": "promote", "decision": "forced", "number": number}))
        begin(context, trained, PointerMove(MoveKind.FORCED, "prices"), churn_of_promotion(context, trained), behind)
        point_to(context.paths, trained, PointerMove(MoveKind.FORCED, "prices"))
        go_on()
        assert len(decisions(context.paths)) == number and not context.paths.moving.exists()
        point_to(context.paths, now, PointerMove(MoveKind.FORCED, "back"))


def test_who_asks_not_to_be_tracked_tells_mlflow_nothing(
    moved: tuple[TinyRun, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, trained, now = moved
    monkeypatch.setattr("pipelines.tracking.mlflow_run.mirror_aliases", lambda *_: "away")
    move, churn = PointerMove(MoveKind.FORCED, "prices"), churn_of_promotion(run.context, trained)
    assert make_champion(run.context, trained, move, churn, track=False)[2] == ""
    back = churn_of_promotion(run.context, now)
    assert make_champion(run.context, now, move, back)[2] == "away"


def test_a_champion_that_a_killed_retrain_made_by_training_is_its_own(tmp_path: Path) -> None:
    paths, now = Paths(tmp_path, "mine"), "b" * 64
    context: Any = SimpleNamespace(paths=paths)
    paths.root.mkdir()
    assert begin_retrain(context, THESE) == Begun(None)
    first = {"hash": now, "previous": None, "how": "first", "reason": "there was none", "at": "2026-01-01T00:00:00"}
    ChampionRecord.of({"path": f"bundles/{now}", "hash": now, "previous": None, "history": [first]}).write(paths)
    assert begin_retrain(context, THESE) == Begun(None), "run again after the kill: it found none"
    assert begin_retrain(context, OTHER) == begin_retrain(context, OTHER) == Begun(now), "it made none"
    end_retrain(context)
    assert not paths.begun.exists()


def test_a_retrain_that_had_decided_goes_on_unless_more_was_asked_or_somebody_moved_the_pointer(tmp_path: Path) -> None:
    paths, now, other = Paths(tmp_path, "mine"), "b" * 64, "c" * 64
    context: Any = SimpleNamespace(paths=paths)
    paths.root.mkdir()

    def score(bundle: str) -> None:
        ChampionRecord.of({"path": f"bundles/{bundle}", "hash": bundle, "previous": None}).write(paths)

    score(now)
    draft = {"decision": "champion kept", "champion_before": now, "churn": None}
    begin_retrain(context, THESE)
    note_draft(context, draft, now)
    assert begin_retrain(context, THESE) == Begun(now, draft)
    kept = paths.begun.read_bytes()
    assert begin_retrain(context, THESE | {"promote": True}) == Begun(now), "another question"
    paths.begun.write_bytes(kept)
    score(other)
    assert begin_retrain(context, THESE) == Begun(other), "held against another champion"

    note_draft(context, draft | {"champion_before": other}, now)
    write_json(paths.churn, {"challenger": now, "sentence": "7 move."})
    score(now)
    assert begin_retrain(context, THESE).draft["churn"]["sentence"] == "7 move.", "as it was written down with the move"
    paths.begun.write_text("[]")
    assert begin_retrain(context, THESE) == Begun(now), "damaged: it begins anew"


@pytest.mark.parametrize("moved", [False, True])
def test_an_interrupt_keeps_the_note_once_the_pointer_has_moved(moved: bool, tmp_path: Path) -> None:
    paths, old, new = Paths(tmp_path, "mine"), "a" * 64, "b" * 64
    context: Any = SimpleNamespace(paths=paths)
    paths.root.mkdir()
    ChampionRecord.of({"path": f"bundles/{old}", "hash": old, "previous": None}).write(paths)
    with pytest.raises(KeyboardInterrupt), noted_move(context, new, PointerMove(MoveKind.ROLLBACK, ""), None):
        if moved:
            ChampionRecord.of({"path": f"bundles/{new}", "hash": new, "previous": old}).write(paths)
        raise KeyboardInterrupt
    assert paths.moving.exists() == moved
    assert (settle_move(context) is not None) == moved and not paths.moving.exists()
