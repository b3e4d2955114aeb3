"""From the operations of features to columns of the kernel and to the arithmetic that finishes them."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Self, assert_never

from features.catalog.feature import Catalog, Feature, FeatureType
from features.kernel.program import FOREVER, BotRole, Column, Item, Op, Part, TableProgram
from features.kernel.scanner_clicks import BotBorders
from features.point_in_time.microseconds import days
from features.schema.conditions import Between, Condition
from features.schema.operations import (
    ActiveDays,
    ActivityBreadth,
    ActivityCount,
    ActivityParams,
    ActivityRows,
    ActivityTrend,
    ActivityValueSum,
    AnswerAge,
    AnswerCount,
    AnswerParams,
    AnswerValue,
    ColumnValue,
    CommitteeParams,
    Constant,
    ContactBreadth,
    ContactCount,
    CurrentStage,
    DecayedSum,
    FirstChannel,
    LastChannel,
    LeadAge,
    LinearSum,
    OutcomeBreadth,
    OutcomeCount,
    OwnFunction,
    RecycleCount,
    StageParams,
    StreamPart,
    TimeInStage,
    condition_of,
)
from features.schema.source import Source, title_column
from features.schema.vocabulary import Actor, Stage

ProgramKey = tuple[str, str]
OWN: ProgramKey = ("own", "lead")  # of what functions of a user's own compute: no program of the kernel

_ACTIVITY_OPS: Mapping[str, Op] = {
    "count": Op.COUNT,
    "recency": Op.RECENCY,
    "decayed": Op.DECAYED,
    "linear": Op.LINEAR,
    "breadth": Op.BREADTH,
    "streak": Op.STREAK,
    "active_days": Op.ACTIVE_DAYS,
    "sum_value": Op.SUM,
    "first_channel": Op.FIRST_ROW,
    "last_channel": Op.LAST_ROW,
}
Filter = tuple[str, tuple[str, ...] | None, tuple[str, ...]]  # column, accepted texts, refused texts
Finish = Literal["value", "days", "trend", "lookup", "answer_age", "answered", "constant", "own"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a feature is finished: its program, the columns of the kernel it takes, and the arithmetic by name.

    ``column`` is what a lookup reads from the table's row, ``read_as`` how, ``windows`` the days of a trend.
    """

    feature: Feature
    key: ProgramKey
    finish: Finish
    columns: tuple[int, ...] = ()
    column: str = ""
    read_as: str = "number"
    derive: str | None = None
    windows: tuple[float, float] = (0.0, 0.0)

    @cached_property
    def condition(self) -> Condition | None:
        """The condition that makes a flag of the value, if any."""
        return condition_of(self.feature.params)

    @cached_property
    def is_plain(self) -> bool:
        """Whether a column of the kernel is the feature as it stands: counts and sums are never missing."""
        return self.finish == "value" and self.condition is None


@dataclass
class Compiled:
    """Programs by (table, scope) and one plan per feature, in catalog order."""

    programs: dict[ProgramKey, TableProgram] = field(default_factory=dict)
    plans: list[Plan] = field(default_factory=list)
    borders: BotBorders = field(default_factory=lambda: BotBorders(0, 0, 2))
    title_column: str | None = None
    source: Source | None = None

    @cached_property
    def by_program(self) -> Mapping[ProgramKey, "ProgramPlans"]:
        """The plans that read each program."""
        found: dict[ProgramKey, list[tuple[int, Plan]]] = {}
        for place, plan in enumerate(self.plans):
            found.setdefault(plan.key, []).append((place, plan))
        return {key: ProgramPlans.of(plans) for key, plans in found.items() if key != OWN}

    @cached_property
    def own(self) -> tuple[tuple[int, Feature], ...]:
        """Features that functions of a user's own compute, with their places in the catalog."""
        return tuple((place, plan.feature) for place, plan in enumerate(self.plans) if plan.key == OWN)


@dataclass(frozen=True)
class ProgramPlans:
    """The plans that read one program, with their places in the catalog.

    ``plain`` are the places of features that are columns of the kernel as they stand, ``columns`` those columns;
    ``others`` want finishing.
    """

    every: tuple[tuple[int, Plan], ...]
    plain: tuple[int, ...]
    columns: tuple[int, ...]
    others: tuple[tuple[int, Plan], ...]

    @classmethod
    def of(cls, plans: Sequence[tuple[int, Plan]]) -> Self:
        """Of plans with their places."""
        plain = [(place, plan.columns[0]) for place, plan in plans if plan.is_plain]
        return cls(
            tuple(plans),
            tuple(place for place, _ in plain),
            tuple(column for _, column in plain),
            tuple((place, plan) for place, plan in plans if not plan.is_plain),
        )


def compile_catalog(catalog: Catalog, source: Source) -> Compiled:
    """Programs and plans for every feature of a catalog; those of the last few pairs are kept."""
    key = (catalog.hash, id(source))
    with _lock:
        if key in _kept:
            return _kept[key][1]
    compiled = _compile(catalog, source)
    with _lock:
        _kept[key] = (source, compiled)  # holding the source keeps its id its own
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return compiled


_KEPT = 8  # pairs of catalog and source; bounds the memory of a server that reloads bundles
_kept: OrderedDict[tuple[str, int], tuple[Source, Compiled]] = OrderedDict()
_lock = threading.Lock()


def _compile(catalog: Catalog, source: Source) -> Compiled:
    compiled = Compiled(borders=BotBorders.of(source.bots), title_column=title_column(source), source=source)
    roles = {name: _bot_role(kind.bot_prone, kind.send) for name, kind in source.activity_kinds.items()}
    for feature in catalog:
        compiled.plans.append(_plan(feature, compiled, roles))
    lookups: dict[ProgramKey, set[str]] = {}
    for plan in compiled.plans:
        if plan.column:
            lookups.setdefault(plan.key, set()).add(plan.column)
    for key, names in lookups.items():
        compiled.programs[key].looked_up = tuple(sorted(names))
    return compiled


def _bot_role(prone: bool, send: bool) -> BotRole:
    return BotRole.SEND if send else BotRole.PRONE if prone else BotRole.NONE


def _program(compiled: Compiled, table: str, scope: str, roles: Mapping[str, BotRole]) -> TableProgram:
    key = (table, scope)
    if key not in compiled.programs:
        compiled.programs[key] = TableProgram(table, scope, roles if table == "activities" else {})
    return compiled.programs[key]


def _plan(feature: Feature, compiled: Compiled, roles: Mapping[str, BotRole]) -> Plan:
    params = feature.params
    if isinstance(params, Constant):
        return Plan(feature=feature, key=("leads", "lead"), finish="constant")
    if isinstance(params, OwnFunction):
        return Plan(feature=feature, key=OWN, finish="own")
    if isinstance(params, LeadAge | ColumnValue):
        return _row_plan(feature, params, compiled)
    if isinstance(params, AnswerParams):
        return _answer_plan(feature, params, compiled)
    if isinstance(params, StageParams):
        return _stage_plan(feature, params, compiled)
    if isinstance(params, CommitteeParams):
        return _committee_plan(feature, params, compiled)
    return _activity_plan(feature, params, compiled, roles)


def _read_as(feature: Feature, params: ColumnValue | AnswerValue) -> str:
    if params.condition is not None:
        return "number" if isinstance(params.condition, Between) else "text"
    if params.read_as is not None:
        return params.read_as
    return "text" if feature.type is FeatureType.CATEGORY else "number"


def _row_plan(feature: Feature, params: LeadAge | ColumnValue, compiled: Compiled) -> Plan:
    """A column of the lead's own row, or of its account's row in force."""
    key = (params.table, "account" if params.table == "accounts" else "lead")
    columns = (_program(compiled, *key, {}).column(Column((Part(),), Op.LAST_ROW)),)
    if isinstance(params, LeadAge):
        return Plan(feature=feature, key=key, finish="lookup", columns=columns, column=params.moment, read_as="moment")
    return Plan(
        feature=feature,
        key=key,
        finish="lookup",
        columns=columns,
        column=params.column,
        read_as=_read_as(feature, params),
        derive=params.derive,
    )


def _answer_plan(feature: Feature, params: AnswerParams, compiled: Compiled) -> Plan:
    key = ("answers", "lead")
    program = _program(compiled, *key, {})
    channels = None if params.channel is None else (params.channel,)
    questions = params.questions if isinstance(params, AnswerCount) else (params.question,)
    columns = tuple(
        program.column(Column((Part((("question", (name,), ()), ("channel", channels, ()))),), Op.LAST_ROW))
        for name in questions
    )

    match params:
        case AnswerValue():
            read_as = _read_as(feature, params)
            return Plan(feature=feature, key=key, finish="lookup", columns=columns, column="value", read_as=read_as)
        case AnswerAge():
            return Plan(feature=feature, key=key, finish="answer_age", columns=columns, column="value")
        case AnswerCount():
            return Plan(feature=feature, key=key, finish="answered", columns=columns, column="value")
    assert_never(params)


def _stage_plan(feature: Feature, params: StageParams, compiled: Compiled) -> Plan:
    key = ("stages", "lead")
    program = _program(compiled, *key, {})
    match params:
        case TimeInStage():
            latest = program.column(Column((Part(),), Op.RECENCY))
            return Plan(feature=feature, key=key, finish="days", columns=(latest,))
        case CurrentStage():
            row = program.column(Column((Part(),), Op.LAST_ROW))
            return Plan(feature=feature, key=key, finish="lookup", columns=(row,), column="stage", read_as="text")
        case RecycleCount():
            recycled = Part((("stage", (str(Stage.RECYCLED),), ()),))
            count = program.column(Column((recycled,), Op.COUNT))
            return Plan(feature=feature, key=key, finish="value", columns=(count,))
    assert_never(params)


def _committee_plan(feature: Feature, params: CommitteeParams, compiled: Compiled) -> Plan:
    """Contacts or closed opportunities of the account."""
    key = (params.table, params.scope)
    match params:
        case ContactCount():
            column = Column((Part(_accept_only(role=params.roles)),), Op.COUNT)
        case ContactBreadth():
            column = Column((Part(),), Op.BREADTH, item=Item.ROLE)
        case OutcomeCount():
            column = Column((Part(_accept_only(won=params.won, product=params.products)),), Op.COUNT)
        case OutcomeBreadth():
            column = Column((Part(_accept_only(won=params.won)),), Op.BREADTH, item=Item.ASSET)
    return Plan(feature=feature, key=key, finish="value", columns=(_program(compiled, *key, {}).column(column),))


def _accept_only(**texts: tuple[str, ...] | None) -> tuple[Filter, ...]:
    """Filters of the columns that accept only some texts."""
    return tuple((name, wanted, ()) for name, wanted in texts.items() if wanted is not None)


def _activity_plan(feature: Feature, params: ActivityParams, compiled: Compiled, roles: Mapping[str, BotRole]) -> Plan:
    key = ("activities", params.rows.scope)
    program = _program(compiled, *key, roles)
    bots = params.rows.exclude_bots and BotRole.PRONE in roles.values()
    stream = _stream(params)
    if isinstance(params, ActivityTrend):
        short, long = map(float, params.windows_days)
        ends = tuple(program.column(Column(stream, Op.COUNT, days(w), Item.ASSET, bots)) for w in (short, long))
        return Plan(feature=feature, key=key, finish="trend", columns=ends, windows=(short, long))

    op, item = _ACTIVITY_OPS[params.op], Item.ASSET
    if isinstance(params, ActivityCount) and params.distinct_assets:
        op = Op.BREADTH
    elif isinstance(params, ActivityBreadth) and params.item is not None:
        item = Item[params.item.upper()]
    columns = (program.column(Column(stream, op, _activity_window(params), item, bots)),)

    if isinstance(params, FirstChannel | LastChannel):
        return Plan(feature=feature, key=key, finish="lookup", columns=columns, column="channel", read_as="text")
    return Plan(feature=feature, key=key, finish="days" if op is Op.RECENCY else "value", columns=columns)


def _activity_window(params: ActivityParams) -> int:
    match params:
        case ActivityCount() | ActivityBreadth() | ActivityValueSum() | ActiveDays():
            days_back = params.window_days
        case LinearSum():
            days_back = params.lifespan_days
        case _:
            days_back = None
    return FOREVER if days_back is None else days(float(days_back))


def _stream(params: ActivityParams) -> tuple[Part, ...]:
    """The rows an operation looks at, by what is accepted of them and, where they decay, by half-life."""
    rows = params.rows
    any_channel = isinstance(params, FirstChannel | LastChannel)
    stream = []
    for part in rows.parts or (None,):
        kinds = rows.kinds if part is None else part.kinds
        accept = _filters(rows, part, any_channel=any_channel)
        if not isinstance(params, DecayedSum | LinearSum):
            stream.append(Part(accept))
            continue

        by_life: dict[float, list[str]] = {}
        for kind in kinds or ("",):
            by_life.setdefault(_life(params, kind), []).append(kind)
        for life, named in by_life.items():
            kept = tuple(("kind", tuple(named), one[2]) if one[0] == "kind" else one for one in accept)
            stream.append(Part(kept, life))
    return tuple(stream)


def _filters(rows: ActivityRows, part: StreamPart | None, *, any_channel: bool) -> tuple[Filter, ...]:
    kinds, assets, actors = rows.kinds, rows.assets, rows.actors
    refused: tuple[str, ...] = ()
    if part is not None:
        kinds, actors = part.kinds, part.actors
        assets, refused = part.assets or assets, part.not_assets or ()

    return (
        *_accept_only(kind=kinds),
        *([("asset", assets, refused)] if assets is not None or refused else []),
        *_accept_only(actor=actors or (str(Actor.LEAD),), channel=("*",) if any_channel else None, role=rows.roles),
    )


def _life(params: DecayedSum | LinearSum, kind: str) -> float:
    """Days after which half of an activity's weight is left, or all of it is gone."""
    if isinstance(params, LinearSum):
        return float(params.lifespan_days)
    if params.half_lives is not None:
        return float(params.half_lives.get(kind, 0.0))
    return float(params.half_life_days or 0.0)
