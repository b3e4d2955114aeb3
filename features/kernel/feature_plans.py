"""From feature parameters to columns of the kernel and to the arithmetic that finishes them."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from features.catalog.feature import Catalog, Feature, FeatureType
from features.errors import ContractError
from features.kernel.program import FOREVER, BotRole, Column, Item, Op, Part, TableProgram
from features.kernel.scanner_clicks import BotBorders
from features.point_in_time.microseconds import days
from features.schema.source import Source, title_column
from features.schema.vocabulary import Actor, Stage

ProgramKey = tuple[str, str]

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
_FILTERS = (
    ("kinds", "kind"),
    ("assets", "asset"),
    ("actors", "actor"),
    ("channels", "channel"),
    ("roles", "role"),
    ("stages", "stage"),
    ("reasons", "reason"),
    ("won", "won"),
    ("products", "product"),
    ("deal_kinds", "deal_kind"),
    ("questions", "question"),
)


@dataclass(frozen=True)
class Plan:
    """How a feature is finished: its program, the columns it reads, and the arithmetic by name.

    ``finish`` is one of ``value``, ``days``, ``trend``, ``lookup``, ``answer_age``, ``answered``, ``constant``.
    """

    feature: Feature
    key: ProgramKey
    columns: tuple[int, ...]
    finish: str
    column: str = ""
    read_as: str = "number"
    derive: str | None = None
    windows: tuple[float, float] = (0.0, 0.0)
    test: Mapping[str, Any] | None = None

    @cached_property
    def is_plain(self) -> bool:
        """Whether a column of the kernel is the feature as it stands: counts and sums are never missing."""
        return self.finish == "value" and self.test is None


@dataclass
class Compiled:
    """Programs by (table, scope) and one plan per feature, in catalog order."""

    programs: dict[ProgramKey, TableProgram] = field(default_factory=dict)
    plans: list[Plan] = field(default_factory=list)
    borders: BotBorders = field(default_factory=lambda: BotBorders(0, 0, 2))
    title_column: str | None = None

    @cached_property
    def by_program(self) -> Mapping[ProgramKey, "ProgramPlans"]:
        """The plans that read each program."""
        found: dict[ProgramKey, list[tuple[int, Plan]]] = {}
        for place, plan in enumerate(self.plans):
            found.setdefault(plan.key, []).append((place, plan))
        return {key: ProgramPlans.of(plans) for key, plans in found.items()}


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
    """Programs and plans for every feature of a catalog; those of the last few pairs are kept.

    Raises
    ------
    ContractError
        for parameters no family knows, naming the feature.
    """
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


_KEPT = 8
_kept: OrderedDict[tuple[str, int], tuple[Source, Compiled]] = OrderedDict()
_lock = threading.Lock()


def _compile(catalog: Catalog, source: Source) -> Compiled:
    compiled = Compiled(borders=BotBorders.of(source.bots), title_column=title_column(source))
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
    table = str(params.get("table", ""))
    if table == "constant":
        return Plan(feature, ("leads", "lead"), (), "constant")
    if table in ("leads", "accounts") and params.get("column"):
        return _attribute(feature, table, compiled)
    if table == "leads" and params.get("op") == "age":
        program = _program(compiled, "leads", "lead", {})
        column = program.column(Column((Part(),), Op.LAST_ROW))
        moment = str(params.get("moment", "created_at"))
        return Plan(feature, ("leads", "lead"), (column,), "lookup", moment, "moment", test=params.get("test"))
    if table == "answers":
        return _answer(feature, compiled)
    if table == "stages":
        return _stage(feature, compiled)
    if table in ("activities", "contacts", "outcomes"):
        return _aggregate(feature, table, compiled, roles)
    raise ContractError(
        f"feature '{feature.name}' ({feature.family}) reads table '{table}'; "
        "known are leads, accounts, contacts, activities, answers, stages and outcomes."
    )


def _read_as(feature: Feature) -> str:
    test = feature.params.get("test")
    if test is not None:
        return "number" if {"minimum", "maximum"} & set(test) else "text"
    if feature.params.get("as"):
        return str(feature.params["as"])
    return "text" if feature.type is FeatureType.CATEGORY else "number"


def _attribute(feature: Feature, table: str, compiled: Compiled) -> Plan:
    scope = "account" if table == "accounts" else "lead"
    column = _program(compiled, table, scope, {}).column(Column((Part(),), Op.LAST_ROW))
    params = feature.params
    derive = params.get("derive")
    plan = Plan(feature, (table, scope), (column,), "lookup", str(params["column"]), _read_as(feature))
    return _with(plan, test=params.get("test"), derive=None if derive is None else str(derive))


def _with(plan: Plan, **changes: Any) -> Plan:
    return Plan(**{**plan.__dict__, **changes})


def _scope(feature: Feature) -> str:
    return str(feature.params.get("scope") or "lead")


def _window(params: Mapping[str, Any], name: str = "window_days") -> int:
    value = params.get(name)
    return FOREVER if value is None else days(float(value))


def _answer(feature: Feature, compiled: Compiled) -> Plan:
    params, scope = feature.params, _scope(feature)
    program = _program(compiled, "answers", scope, {})
    questions = params.get("questions") or ([params["question"]] if params.get("question") else [])
    channel = params.get("channel")
    channels = None if channel is None else (str(channel),)
    op = str(params.get("op", "value"))
    if op not in ("value", "age", "answered", "count") or not questions:
        raise ContractError(
            f"feature '{feature.name}' asks for '{op}' of answers to {list(questions)}; "
            "known are value, age, answered and count, each of a named question."
        )
    columns = tuple(
        program.column(
            Column((Part((("question", (str(q),), ()), ("channel", channels, ()))),), Op.LAST_ROW, _window(params))
        )
        for q in questions
    )
    finish = {"value": "lookup", "age": "answer_age", "answered": "answered", "count": "answered"}[op]
    return Plan(feature, ("answers", scope), columns, finish, "value", _read_as(feature), test=params.get("test"))


def _stage(feature: Feature, compiled: Compiled) -> Plan:
    params, scope = feature.params, _scope(feature)
    program = _program(compiled, "stages", scope, {})
    key, op = ("stages", scope), str(params.get("op", ""))
    if op == "time_in_stage":
        column = program.column(Column((Part(),), Op.RECENCY))
        return Plan(feature, key, (column,), "days", test=params.get("test"))
    if op in ("current", "current_known"):
        column = program.column(Column((Part(),), Op.LAST_ROW))
        return Plan(feature, key, (column,), "lookup", "stage", "text", test=params.get("test"))
    if op in ("recycles", "count", "recency"):
        stages = (str(Stage.RECYCLED),) if op == "recycles" else params.get("stages")
        part = Part((("stage", None if stages is None else tuple(stages), ()),))
        what = Op.RECENCY if op == "recency" else Op.COUNT
        column = program.column(Column((part,), what, _window(params)))
        return Plan(feature, key, (column,), "days" if op == "recency" else "value", test=params.get("test"))
    raise ContractError(
        f"feature '{feature.name}' asks for '{op}' of stages; known are time_in_stage, current_known, recycles, "
        "count and recency."
    )


def _stream(params: Mapping[str, Any], table: str, op: str) -> tuple[Part, ...]:
    parts: Sequence[Mapping[str, Any]] = params.get("parts") or [params]
    half_lives = params.get("half_lives") or {}
    stream = []
    for part in parts:
        accept: list[tuple[str, tuple[str, ...] | None, tuple[str, ...]]] = []
        for plural, name in _FILTERS:
            wanted = part.get(plural, params.get(plural))
            refused = tuple(part.get(f"not_{plural}") or ())
            if name == "actor" and table == "activities":
                wanted = wanted or (str(Actor.LEAD),)
            if name == "channel" and op in ("first_channel", "last_channel"):
                wanted = wanted or ("*",)
            if wanted is not None or refused:
                accept.append((name, None if wanted is None else tuple(str(w) for w in wanted), refused))
        if op not in ("decayed", "linear"):
            stream.append(Part(tuple(accept)))
            continue
        kinds = part.get("kinds") or params.get("kinds") or [""]
        default = params.get("half_life_days") or params.get("lifespan_days") or 0.0
        by_life: dict[float, list[str]] = {}
        for kind in kinds:
            by_life.setdefault(float(half_lives.get(kind, default)), []).append(str(kind))
        for life, named in by_life.items():
            kept = [("kind", tuple(named), a[2]) if a[0] == "kind" else a for a in accept]
            stream.append(Part(tuple(kept), life))
    return tuple(stream)


def _aggregate(feature: Feature, table: str, compiled: Compiled, roles: Mapping[str, BotRole]) -> Plan:
    params, op = feature.params, str(feature.params.get("op", "count"))
    scope = "account" if table == "contacts" else _scope(feature)
    program, key = _program(compiled, table, scope, roles), (table, scope)
    bots = table == "activities" and bool(params.get("exclude_bots", True)) and BotRole.PRONE in roles.values()
    stream, test = _stream(params, table, op), params.get("test")
    if op == "trend":
        short, long = _trend_windows(params)
        columns = tuple(program.column(Column(stream, Op.COUNT, days(w), Item.ASSET, bots)) for w in (short, long))
        return Plan(feature, key, columns, "trend", windows=(short, long), test=test)
    if op == "count" and params.get("distinct_assets"):
        op = "breadth"
    if op not in _ACTIVITY_OPS:
        raise ContractError(
            f"feature '{feature.name}' asks for '{op}' of {table}; known are {', '.join((*_ACTIVITY_OPS, 'trend'))}."
        )
    window = _window(params, "lifespan_days") if op == "linear" else _window(params)
    item = Item[str(params.get("item", "asset")).upper()] if op == "breadth" else Item.ASSET
    column = program.column(Column(stream, _ACTIVITY_OPS[op], window, item, bots))
    if op in ("first_channel", "last_channel"):
        return Plan(feature, key, (column,), "lookup", "channel", "text", test=test)
    return Plan(feature, key, (column,), "days" if op == "recency" else "value", test=test)


def _trend_windows(params: Mapping[str, Any]) -> tuple[float, float]:
    if params.get("windows_days"):
        short, long = params["windows_days"]
        return float(short), float(long)
    short = float(params.get("window_days") or 14)
    return short, 4 * short
