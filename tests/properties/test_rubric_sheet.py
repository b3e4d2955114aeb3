"""Any rubric that can be used survives YAML to CSV to YAML: the same rules in the same order, to the last digit."""

from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.rubric.checks import find_contradictions
from features.rubric.schema import Rubric
from features.schema.vocabulary import Actor, Dimension, Stage, Topic
from pipelines.rubrics.rubric_files import read_rubric, write_rubric

EDGES = (
    "",
    " x ",
    "a,b",
    "x;y=z",
    "=SUM(A1)",
    '"q"',
    '"',
    "[a]",
    "{",
    "-1",
    "1,000",
    "..",
    "a\r\nb",
    "\t",
    "\x85",
    "<<",
    "no",
)
TEXTS = st.sampled_from(EDGES) | st.text(max_size=8)
SAID = TEXTS.filter(bool)
NUMBERS = (st.sampled_from([0.1 + 0.2, 1e-7, 1e21, -2.5, 3.0]) | st.floats(allow_nan=False, allow_infinity=False)).map(
    lambda number: number + 0.0  # no -0.0: it is 0
)
DAYS = st.integers(1, 3650)
MAYBE = st.none() | NUMBERS


@st.composite
def caps(draw: st.DrawFn) -> dict[str, float]:
    low, high = sorted(draw(st.tuples(NUMBERS, NUMBERS)))
    return draw(st.sampled_from([{"minimum": low}, {"maximum": high}, {"minimum": low, "maximum": high}]))


def ends(numbers: list[float]) -> list[dict[str, float]]:
    inner = [{"from": a, "below": b, "points": a} for a, b in pairwise(numbers)]
    return [{"below": numbers[0], "points": 1.5}, *inner, {"from": numbers[-1], "points": -1}]


VALUES = st.one_of(
    st.fixed_dictionaries({"values": st.dictionaries(TEXTS, NUMBERS, min_size=1, max_size=4)}),
    st.fixed_dictionaries({"patterns": st.dictionaries(TEXTS, NUMBERS, min_size=1, max_size=4)}),
    st.fixed_dictionaries({"ranges": st.lists(NUMBERS, min_size=1, max_size=3, unique=True).map(sorted).map(ends)}),
)
ON_VALUES = st.one_of(
    st.builds(lambda one, more: one | more, VALUES, st.fixed_dictionaries({"missing": MAYBE, "otherwise": MAYBE})),
    st.fixed_dictionaries({"filled": NUMBERS, "missing": MAYBE}),
)
DECAYS = st.one_of(
    st.fixed_dictionaries({"half_life_days": st.floats(0.001, 3650)}),
    st.fixed_dictionaries({"lifespan_days": st.floats(0.001, 3650)}),
    st.fixed_dictionaries(
        {"percent": st.floats(1, 100), "every_days": DAYS, "of": st.sampled_from(["original", "remaining"])}
    ),
)
STEPS = st.lists(
    st.fixed_dictionaries({"at_least": st.integers(1, 9), "points": NUMBERS}, optional={"within_days": DAYS}),
    min_size=1,
    max_size=3,
)
GIVES = st.one_of(
    st.fixed_dictionaries(
        {"points": NUMBERS, "per": st.sampled_from(["occurrence", "asset"])}, optional={"within_days": DAYS}
    ),
    st.fixed_dictionaries({"points": NUMBERS, "decay": DECAYS, "per": st.sampled_from(["once", "occurrence"])}),
    st.fixed_dictionaries({"points": NUMBERS, "at_least": st.integers(1, 9)}, optional={"within_days": DAYS}),
    st.fixed_dictionaries(
        {"steps": STEPS, "take": st.sampled_from(["best", "sum"]), "per": st.sampled_from(["once", "asset"])}
    ),
    st.fixed_dictionaries({"none": NUMBERS}, optional={"within_days": DAYS}),
)
ON_ACTIVITIES = st.builds(
    lambda gives, more: gives | more,
    GIVES,
    st.fixed_dictionaries(
        {"activity": st.lists(SAID, min_size=1, max_size=3)},
        optional={
            "none": NUMBERS,
            "assets": st.lists(TEXTS, max_size=3),
            "actors": st.lists(st.sampled_from(list(Actor)), min_size=1, unique=True).map(
                lambda a: [str(x) for x in a]
            ),
            "bots": st.booleans(),
        },
    ),
)


@st.composite
def rules(draw: st.DrawFn, number: int, groups: list[str]) -> dict[str, Any]:
    if draw(st.booleans()):
        rule = draw(ON_ACTIVITIES)
    else:
        rule = draw(ON_VALUES) | {draw(st.sampled_from(["lead", "account", "answer"])): draw(SAID)}
    head = {"id": f"rule_{number}", "group": draw(st.sampled_from(groups)), "label": draw(TEXTS)}
    more = draw(
        st.fixed_dictionaries(
            {"topic": st.sampled_from([str(topic) for topic in Topic])},
            optional={
                "cap": caps(),
                "only_in": st.lists(st.sampled_from([str(s) for s in Stage]), min_size=1, max_size=3, unique=True),
            },
        )
    )
    return {**head, **more, **rule}


@st.composite
def rubrics(draw: st.DrawFn) -> Rubric:
    names = draw(st.sampled_from([["fit"], ["fit", "intent"]]))
    groups = {
        name: draw(
            st.fixed_dictionaries(
                {"dimension": st.sampled_from([str(d) for d in Dimension]), "label": TEXTS}, optional={"cap": caps()}
            )
        )
        for name in names
    }
    head = draw(
        st.fixed_dictionaries(
            {"title": TEXTS, "version": TEXTS, "agreed_by": st.lists(TEXTS, max_size=3), "start": NUMBERS},
            optional={"effective_from": st.dates(), "total": caps()},
        )
    )
    made = [draw(rules(number, names)) for number in range(draw(st.integers(1, 3)))]
    threshold = {"stage": "mql", "points": draw(NUMBERS)}
    data = {"name": "team", **head, "groups": groups, "rules": made}
    try:
        rubric = Rubric.model_validate({**data, "thresholds": [threshold], "handoff": {"stage": "mql"}})
    except ValidationError:
        assume(False)
        raise
    assume(not find_contradictions(rubric))
    return rubric


def ordered(rubric: Rubric) -> str:
    """Everything, in order: dicts are equal in any order, but the first pattern that matches counts."""
    return rubric.model_dump_json(by_alias=True)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
@given(rubrics())
def test_yaml_to_csv_to_yaml_loses_nothing(tmp_path: Path, rubric: Rubric) -> None:
    first, sheet, back = tmp_path / "a.yaml", tmp_path / "b.csv", tmp_path / "c.yaml"
    write_rubric(rubric, first)
    assert ordered(read_rubric(first)) == ordered(rubric)
    write_rubric(read_rubric(first), sheet)
    write_rubric(read_rubric(sheet), back)
    assert back.read_bytes() == first.read_bytes()
    assert ordered(read_rubric(back)) == ordered(rubric)
    sheet.write_bytes(sheet.read_bytes().replace(b"\n", b"\r\n"))
    assert ordered(read_rubric(sheet)) == ordered(rubric), "saved by another program"
