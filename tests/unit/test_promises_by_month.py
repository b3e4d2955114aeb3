"""The heat map of promises holds each figure once and never invents one."""

from pipelines.diagnostics.promises_by_month import promises_by_month


def row(month: str, stage: str, what: str, attained: float, team: str = "sales") -> dict[str, object]:
    return {"month": month, "stage": stage, "what": what, "team": team, "attained": attained, "judged": 20, "met": 10}


LEVELS = [{"stage": "mql", "what": "first touch", "promised_hours": 4.0}]


def test_promises_stand_down_and_months_across() -> None:
    found = promises_by_month(
        [row("2026-01", "mql", "first touch", 0.4), row("2026-03", "mql", "first touch", 0.8)], LEVELS
    )
    assert found.months == ("2026-01", "2026-03")
    (promise,) = found.promises
    assert promise.promised_hours == 4.0 and promise.team == ""
    assert [cell and cell.step for cell in promise.cells] == [1, 5]
    assert promise.latest is not None and promise.latest.month == "2026-03"


def test_a_month_without_enough_deadlines_stays_empty_and_old_months_are_cut() -> None:
    rows = [row(f"2025-{month:02d}", "mql", "first touch", 0.5) for month in range(1, 13)]
    rows += [row("2026-01", "sal", "next step", 0.5), row("2024-12", "iql", "next step", 0.5)]
    whole = promises_by_month(rows, LEVELS)
    assert next(one for one in whole.promises if one.stage == "sal").cells[0] is None
    short = whole.last(12)
    assert short.months[0] == "2025-02" and {one.stage for one in short.promises} == {"mql", "sal"}


def test_several_teams_of_one_promise_are_told_apart() -> None:
    found = promises_by_month([row("2026-01", "mql", "x", 0.5, "a"), row("2026-01", "mql", "x", 0.6, "b")], LEVELS)
    assert [(one.team, one.promised_hours) for one in found.promises] == [("a", None), ("b", None)]


def test_nothing_measured_is_an_empty_map() -> None:
    assert promises_by_month([], []).last().promises == ()
