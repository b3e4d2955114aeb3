"""Score: the open leads of now, ranked and explained; in flat sources the test rows, by the twin."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from features.array_types import Floats
from features.matrix import Matrix
from features.schema.vocabulary import TRAINED
from models.bundle import Bundle, load_bundle
from models.explaining.framework import CONTEXT
from models.explaining.points import CONTEXT_WARNING, context_share, sum_by_criterion
from models.scoring import Scored, score
from pipelines.diagnostics.activity_diagnostics import BOTS, bot_record
from pipelines.registry.champion import read_champion
from pipelines.scoring.account_rollup import accounts_record, roll_up_accounts
from pipelines.scoring.contribution_sample import influence_of
from pipelines.scoring.exploration import explore, judge_log, keep_log, places_of
from pipelines.scoring.qualification_summary import columns_of, qualification_record
from pipelines.scoring.state_history import StateHistory, replay_states
from pipelines.workspace.atomic_files import read_json, stage_dir, write_json, write_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_chop, load_matrix
from pipelines.workspace.table_files import load_tables

CARDS = 12


def run_score(context: Context) -> dict[str, Any]:
    """Write ``worklist.parquet`` (best first, ties by lead id) and ``cards.json`` of the first leads."""
    before = read_json(context.paths.train / "verdict.json")
    result: dict[str, Any] = {**before, "leads": 0}
    worklist = pd.DataFrame()
    cards: list[dict[str, Any]] = []
    bots: dict[str, Any] = {}
    qualification: dict[str, Any] = {}
    extras = Extras(pd.DataFrame(), {}, {})
    if before["verdict"] in TRAINED:
        bundle, matrix, kind = _subject(context)
        scored = score(bundle, matrix, context.framework, source=context.source, policy=context.policy)
        order = ranked(scored)
        standing = _standing(context, bundle, scored) if kind == "open leads" else None
        listed = pd.concat([scored.frame, columns_of(scored, standing)], axis=1).iloc[order].reset_index(drop=True)
        worklist = with_display(context, listed)
        qualification = qualification_record(worklist, scored, standing)
        if kind == "open leads" and len(worklist):
            extras = _open_leads(context, bundle, matrix, worklist, scored.log_odds[order])
        if kind == "test rows":
            worklist["won"] = matrix.label[order]
        cards = [scored.card(int(row)) for row in order[:CARDS]]
        bots = bot_record(context, bundle, scored.frame)
        share = context_share(scored.contributions, bundle.catalog, context.framework)
        result |= {
            "leads": len(worklist),
            "kind": kind,
            "bundle": bundle.hash,
            "context_share": share,
            "context_warning": share > CONTEXT_WARNING,
            "reference_probability": cards[0]["reference_probability"] if cards else None,
            "importance": importance(scored),
            "influence": influence_of(scored, context.settings.seed),
        }
    with stage_dir(context.paths.score) as folder:
        write_parquet(folder / "worklist.parquet", worklist)
        write_json(folder / "cards.json", cards)
        write_json(folder / "score.json", result)
        write_json(folder / BOTS, bots)
        write_json(folder / "qualification.json", qualification)
        write_json(folder / "accounts.json", extras.committees)
        write_json(folder / "exploration.json", extras.explored)
        write_parquet(folder / "accounts.parquet", extras.accounts)
        write_json(folder / "verdict.json", before)
    return result


@dataclass(frozen=True)
class Extras:
    """What only a list of open leads has: accounts, their committees, and exploration."""

    accounts: pd.DataFrame
    committees: dict[str, Any]
    explored: dict[str, Any]


def _open_leads(context: Context, bundle: Bundle, matrix: Matrix, worklist: pd.DataFrame, log_odds: Floats) -> Extras:
    """Accounts rolled up and places drawn; ``worklist`` (ranked, as ``log_odds``) gets the column ``place``."""
    tables = load_tables(context.paths)
    as_of = pd.Timestamp(worklist["as_of"].iloc[0])
    accounts = roll_up_accounts(context, tables, worklist, matrix.keys)
    log = keep_log(context, explore(context, worklist, log_odds, bundle.hash))
    explored = judge_log(context, tables, log, bundle, _promised(context, bundle))
    worklist["place"] = places_of(worklist, log[(log["as_of"] == as_of).to_numpy()])
    if explored:
        explored["drawn_now"] = worklist.loc[(worklist["place"] == "drawn").to_numpy(), "lead_id"].tolist()
    return Extras(accounts, accounts_record(context, tables, accounts, as_of), explored)


def _subject(context: Context) -> tuple[Bundle, Matrix, str]:
    """Who scores whom: the champion the open leads, or, without clocks, the twin the rows it never saw."""
    paths = context.paths
    if context.source.kind == "flat":
        test = load_matrix(paths.matrix).take(load_chop(paths.matrix).final.test)
        return load_bundle(paths.train / "twin"), test, "test rows"
    champion = read_champion(paths)
    if champion is None:
        return load_bundle(paths.train / "bundle"), load_matrix(paths.matrix, "open"), "open leads"
    return load_bundle(champion.folder, champion.hash), load_matrix(paths.matrix, "open"), "open leads"


def _standing(context: Context, bundle: Bundle, scored: Scored) -> StateHistory | None:
    """States over the last weeks, where the policy has a memory or more than one version."""
    policy = scored.policy
    remembers = policy.hysteresis_points or policy.minimum_dwell_days or len(context.policies) > 1
    if not remembers or not len(scored.log_odds):
        return None
    as_of = pd.Timestamp(scored.columns["as_of"][0])
    return replay_states(context, bundle, load_tables(context.paths), scored, as_of)


def _promised(context: Context, bundle: Bundle) -> float | None:
    """Log-odds at which the promised threshold stands for this very bundle, if it was mapped to it."""
    promised = read_json(context.paths.thresholds / "comparison.json").get("promise") or {}
    found = promised.get("mapped") or {}
    return float(found["log_odds"]) if found.get("bundle") == bundle.hash else None


def importance(scored: Scored) -> dict[str, list[dict[str, Any]]]:
    """Mean absolute points of every criterion (features summed first) and of every feature, largest first."""
    unit = scored.bundle.scale.points_per_log_odds
    catalog, framework = scored.bundle.catalog, scored.framework
    labels = {feature.name: feature.label or feature.name.replace("_", " ") for feature in catalog}
    parts = sum_by_criterion(scored.contributions, catalog, framework)
    criteria = {name: framework.label(name) for name in (*framework.ids, CONTEXT)}
    features = {name: labels.get(name, name) for name in scored.contributions.names}
    return {
        "criterion": _largest(criteria, abs(parts).mean(axis=0) * unit),
        "feature": [
            row for row in _largest(features, abs(scored.contributions.values).mean(axis=0) * unit) if row["points"]
        ],
    }


def _largest(labels: dict[str, str], points: Floats) -> list[dict[str, Any]]:
    order = sorted(zip(labels.items(), points.tolist(), strict=True), key=lambda row: (-row[1], row[0]))
    return [{"name": name, "label": label, "points": size} for (name, label), size in order]


def ranked(scored: Scored) -> Any:
    """Positions of the rows, best first; equal scores by lead id."""
    keys = pd.DataFrame({"z": -scored.log_odds, "lead": scored.frame["lead_id"]})
    return keys.sort_values(["z", "lead"], kind="stable").index.to_numpy()


def with_display(context: Context, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the leads' display columns and owner behind it."""
    from features.schema.vocabulary import Role

    columns = context.source.tables["leads"].columns
    shown = [name for name, column in columns.items() if column.role is Role.DISPLAY or name == "owner"]
    leads = load_tables(context.paths)["leads"]
    shown = [name for name in shown if name in leads.columns and name not in frame.columns]
    if not shown or "lead_id" not in leads.columns:
        return frame
    by_lead = leads.drop_duplicates("lead_id").set_index("lead_id")[shown]
    return frame.join(by_lead, on="lead_id")
