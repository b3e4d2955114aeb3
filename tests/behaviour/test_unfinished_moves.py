"""A promotion or rollback that was killed between the pointer and its report is ended by the next, never done twice."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.artifacts.champion_record import ChampionRecord
from pipelines.registry.champion import MoveKind, PointerMove, point_to, read_champion, roll_back
from pipelines.registry.promotion_churn import churn_of_promotion, read_last_churn
from pipelines.registry.unfinished_move import noted_move, settle_move
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


BEGUN: list[Any] = []  # never left, as if their processes were gone; what is collected would be left


def begin(context: Context, to: str, move: PointerMove, churn: dict[str, Any]) -> None:
    """Begin a move."""
    BEGUN.append(noted_move(context, to, move, churn))
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
