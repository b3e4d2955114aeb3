"""Every feature family in slow, plain Python: the meaning that the kernel must reproduce."""

import fnmatch
import json
import math
from collections.abc import Callable
from typing import Any

from features.catalog.families.job_titles import job_function, seniority
from features.catalog.feature import Catalog, Feature, FeatureType
from features.kernel.column_reader import micros_of, number_of
from features.schema.operation_records import params_record
from features.schema.source import Source
from tests.reference.worlds import DAY, SECOND, Record, World

STAGES = ["lead", "iql", "mql", "sal", "sql", "pql", "opportunity", "won", "lost", "recycled", "disqualified"]
HAPPENED = {"activities": "happened_at", "answers": "happened_at", "stages": "entered_at", "outcomes": "closed_at"}


def written(feature: Feature) -> dict[str, Any]:
    """What a feature computes, as a bundle writes it: the oracle knows no operation."""
    return params_record(feature.params)


class Oracle:
    """Values of a catalog for one lead at one moment, one feature at a time."""

    def __init__(self, world: World, source: Source, title: str | None = "job_title") -> None:
        self.world, self.source, self.title = world, source, title

    def row(self, catalog: Catalog, lead_id: str, as_of: int) -> dict[str, float | str | None]:
        return {feature.name: self.value(feature, lead_id, as_of) for feature in catalog}

    def value(self, feature: Feature, lead_id: str, as_of: int) -> float | str | None:
        params = written(feature)
        if params["table"] == "constant":
            return float(params["value"])
        by_account = params.get("scope") == "account" or params["table"] in ("accounts", "contacts")
        account = self._lead(lead_id).get("account_id")
        nobody = by_account and account is None
        found = None if nobody else self._raw(feature, lead_id, account, as_of)
        if nobody and params["table"] == "activities" and params["op"].endswith("_channel"):
            found = None
        test = params.get("test")
        if test is not None:
            return None if nobody and feature.when_empty is None else self._test(found, test)
        return feature.when_empty if found is None else found

    def _lead(self, lead_id: str) -> Record:
        return next(r for r in self.world["leads"] if r["lead_id"] == lead_id)

    def _account_of(self, lead_id: str) -> str | None:
        return next((r.get("account_id") for r in self.world["leads"] if r["lead_id"] == lead_id), None)

    def _visible(self, table: str, lead_id: str, account: str | None, by_account: bool, as_of: int) -> list[Record]:
        """Rows of the lead or its account known strictly before as_of, with what is needed to aggregate them."""
        rows = []
        for row in self.world[table]:
            owner = row.get("lead_id")
            its_account = row.get("account_id") if table == "outcomes" else None
            if its_account is None and owner is not None:
                its_account = self._account_of(owner)
            if (its_account != account) if by_account else (owner != lead_id):
                continue
            happened = row.get(HAPPENED[table])
            known = row.get("known_at")
            known = happened if known is None else known
            happened = known if happened is None else happened
            if by_account and table != "outcomes":
                known = max(known, self._lead(owner)["known_at"])
            if known < as_of:
                title = self._lead(owner).get(self.title) if owner and self.title else None
                role = seniority(title) if title else None
                rows.append({**row, "known": known, "age": as_of - happened, "role": role})
        rows.sort(key=lambda r: self._order(table, r))
        return self._unique(rows) if table == "activities" else rows

    def _order(self, table: str, row: Record) -> tuple[Any, ...]:
        texts = {
            "activities": ("kind", "channel"),
            "answers": ("question", "value", "channel"),
            "outcomes": ("won", "product", "deal_kind"),
        }.get(table, ())
        tie = tuple(str(row.get(name) or "") for name in texts)
        if table == "stages":
            tie = (STAGES.index(row["stage"]),)
        return (row["known"], -row["age"], tie)

    def _unique(self, rows: list[Record]) -> list[Record]:
        seen: set[tuple[str, str]] = set()
        kept = []
        for row in rows:
            name = (row["lead_id"], row.get("activity_id"))
            if name[1] is None or name not in seen:
                kept.append(row)
            seen.add(name)
        return kept

    def _bots(self, rows: list[Record]) -> set[int]:
        kinds, bots = self.source.activity_kinds, self.source.bots
        clicks = [r for r in rows if r["kind"] in kinds and kinds[r["kind"]].bot_prone]
        sends = [r for r in rows if r["kind"] in kinds and kinds[r["kind"]].send]
        found = set()
        for click in clicks:
            own = [r for r in clicks if r["lead_id"] == click["lead_id"]]
            after = any(
                s["lead_id"] == click["lead_id"] and 0 <= s["age"] - click["age"] <= bots.seconds_after_send * SECOND
                for s in sends
            )
            span = bots.burst_seconds * SECOND
            burst = any(
                0 <= start["age"] - click["age"] <= span
                and sum(0 <= start["age"] - r["age"] <= span for r in own) >= bots.burst_count
                for start in own
            )
            if after or burst:
                found.add(id(click))
        return found

    def _raw(self, feature: Feature, lead_id: str, account: str | None, as_of: int) -> float | str | None:
        params, table = written(feature), written(feature)["table"]
        if table in ("leads", "accounts") and (params.get("column") or params.get("op") == "age"):
            return self._attribute(feature, lead_id, account, as_of)
        if table == "contacts":
            rows = [r for r in self.world["leads"] if r.get("account_id") == account and r["known_at"] < as_of]
            rows = [
                {**r, "age": as_of - r["known_at"], "role": seniority(r[self.title]) if r.get(self.title) else None}
                for r in rows
            ]
            return self._aggregate(params, rows, set())
        rows = self._visible(table, lead_id, account, params.get("scope") == "account", as_of)
        if table == "answers":
            return self._answer(feature, rows, as_of)
        bots = self._bots(rows) if table == "activities" and params.get("exclude_bots", True) else set()
        rows = [r for r in rows if r["age"] > 0]
        if table == "stages":
            return self._stage(params, rows)
        return self._aggregate(params, rows, bots)

    def _attribute(self, feature: Feature, lead_id: str, account: str | None, as_of: int) -> float | str | None:
        params = written(feature)
        if params["table"] == "leads":
            row = self._lead(lead_id)
            rows = [row] if row["known_at"] < as_of else []
        else:
            always = -(2**62)
            rows = [
                {**r, "known_at": always if r.get("known_at") is None else r["known_at"]}
                for r in self.world["accounts"]
                if r["account_id"] == account
            ]
            rows = sorted((r for r in rows if r["known_at"] < as_of), key=lambda r: r["known_at"])
        if not rows:
            return None
        if params.get("op") == "age":
            return (as_of - rows[-1][params.get("moment", "created_at")]) / DAY
        return self._read(feature, rows[-1].get(params["column"]), as_of)

    def _read(self, feature: Feature, value: Any, as_of: int) -> float | str | None:
        params = written(feature)
        if value is None or value == "":
            return None if params.get("as") != "filled" else 0.0
        if params.get("derive"):
            return seniority(value) if params["derive"] == "seniority" else job_function(value)
        if params.get("as") == "moment":
            at = micros_of(value)
            return None if at == -(2**63) else (as_of - at) / DAY
        if params.get("as") == "filled":
            return 1.0
        if params.get("as") == "items":
            held = self._items(str(value))
            return float(len(held)) if params.get("holds") is None else float(params["holds"].lower() in held)
        text_test = params.get("test") is not None and not {"minimum", "maximum"} & set(params["test"])
        if text_test or (feature.type is FeatureType.CATEGORY and params.get("test") is None):
            return str(value) if not isinstance(value, float) or not value.is_integer() else str(int(value))
        number = number_of(value)
        return None if math.isnan(number) else number

    def _items(self, text: str) -> set[str]:
        if text.startswith("["):
            parts = json.loads(text)
        else:
            parts = [text]
            for sign in ";|\n,":
                if sign in text:
                    parts = text.split(sign)
                    break
        return {part.strip().lower() for part in parts if part.strip()}

    def _answer(self, feature: Feature, rows: list[Record], as_of: int) -> float | str | None:
        params, op = written(feature), written(feature).get("op", "value")
        answered = 0.0
        for question in params.get("questions") or [params["question"]]:
            said = self._in_force(rows, question, params.get("channel"), params.get("window_days"))
            if op == "value":
                return self._read(feature, said["value"] if said else None, as_of)
            if op == "age":
                return said["age"] / DAY if said and said["value"] else None
            answered += bool(said and said["value"])
        return answered

    def _in_force(self, rows: list[Record], question: str, channel: str | None, window: float | None) -> Record | None:
        """The answer that happened last; of several at one moment the one known last."""
        said = None
        for row in rows:
            if row["question"] != question or row["age"] <= 0 or (channel and row.get("channel") != channel):
                continue
            if window is not None and row["age"] > window * DAY:
                continue
            if said is None or row["age"] <= said["age"]:
                said = row
        return said

    def _stage(self, params: Any, rows: list[Record]) -> float | str | None:
        op = params["op"]
        if op == "recycles":
            return float(sum(r["stage"] == "recycled" for r in rows))
        if not rows:
            return None
        latest = min(r["age"] for r in rows)
        if op == "time_in_stage":
            return latest / DAY
        return str([r for r in rows if r["age"] == latest][-1]["stage"])

    def _aggregate(self, params: Any, rows: list[Record], bots: set[int]) -> float | str | None:
        op = "breadth" if params.get("distinct_assets") and params["op"] == "count" else params["op"]
        kept = [
            (r, part) for r in rows if id(r) not in bots and r["age"] > 0 for part in [self._part(params, r)] if part
        ]
        window = params.get("lifespan_days") if op == "linear" else params.get("window_days")
        if window is not None:
            kept = [(r, part) for r, part in kept if r["age"] <= window * DAY]
        ages = [r["age"] for r, _ in kept]
        if op == "trend":
            short, long = params.get("windows_days") or (params["window_days"], 4 * params["window_days"])
            recent, all_ = sum(a <= short * DAY for a in ages), sum(a <= long * DAY for a in ages)
            return math.log2((recent + 1) / ((all_ - recent) * short / (long - short) + 1)) if all_ else None
        if op in ("first_channel", "last_channel"):
            return self._channel(op, [r for r, _ in kept if r.get("channel")])
        if op == "breadth":
            name = {"asset": "asset", "lead": "lead_id", "role": "role"}[params.get("item", "asset")]
            name = "product" if params["table"] == "outcomes" else name
            return float(len({r[name] for r, _ in kept if r.get(name) is not None}))
        known: dict[str, Callable[[], float | None]] = {
            "count": lambda: float(len(kept)),
            "recency": lambda: min(ages) / DAY if ages else None,
            "decayed": lambda: float(sum(2.0 ** (-r["age"] / DAY / self._life(params, r)) for r, _ in kept)),
            "linear": lambda: float(sum(1 - a / DAY / params["lifespan_days"] for a in ages)),
            "sum_value": lambda: float(sum(r["value"] for r, _ in kept if r.get("value") is not None)),
            "active_days": lambda: float(len({(a - 1) // DAY for a in ages})),
            "streak": lambda: float(self._streak({(a - 1) // (7 * DAY) for a in ages})),
        }
        if op not in known:
            raise NotImplementedError(f"the oracle has no '{op}': add it to Oracle._aggregate in {__file__}")
        return known[op]()

    def _streak(self, weeks: set[int]) -> int:
        return next(n for n in range(53) if n not in weeks or n == 52)

    def _life(self, params: Any, row: Record) -> float:
        return float((params.get("half_lives") or {}).get(row.get("kind"), params.get("half_life_days")) or 0)

    def _channel(self, op: str, rows: list[Record]) -> str | None:
        if not rows:
            return None
        if op == "first_channel":
            oldest = max(r["age"] for r in rows)
            return str(next(r for r in rows if r["age"] == oldest)["channel"])
        latest = min(r["age"] for r in rows)
        return str([r for r in rows if r["age"] == latest][-1]["channel"])

    def _part(self, params: Any, row: Record) -> bool:
        return any(self._fits({**params, **part}, row) for part in params.get("parts") or [{}])

    def _fits(self, part: Any, row: Record) -> bool:
        checks = [
            ("kinds", "kind"),
            ("assets", "asset"),
            ("actors", "actor"),
            ("roles", "role"),
            ("won", "won"),
            ("products", "product"),
        ]
        for plural, name in checks:
            value = row.get(name)
            text = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else value
            if name == "actor" and text is None:
                text = "lead"
            wanted, refused = part.get(plural), part.get(f"not_{plural}") or ()
            if wanted is not None and not any(text is not None and fnmatch.fnmatchcase(text, w) for w in wanted):
                return False
            if any(text is not None and fnmatch.fnmatchcase(text, w) for w in refused):
                return False
        return True

    def _test(self, found: float | str | None, test: Any) -> float:
        if "missing" in test:
            return float((found is None) == test["missing"])
        if found is None:
            return 0.0
        if "values" in test:
            return float(str(found).casefold() in {str(v).casefold() for v in test["values"]})
        if "pattern" in test:
            return float(fnmatch.fnmatchcase(str(found).lower(), test["pattern"].lower()))
        low = -math.inf if test.get("minimum") is None else test["minimum"]
        high = math.inf if test.get("maximum") is None else test["maximum"]
        return float(low <= float(found) < high)
