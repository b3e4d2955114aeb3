"""What a synthetic market leaves behind: activities, answers and stages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from pipelines.synth.market import DORMANT_WEEKS, Market
from pipelines.synth.truth import LOST, WON, Fate

MINUTE = 1.0 / (7 * 24 * 60)  # in weeks
HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
LATE_SHARE = 0.05  # of activities that become known days later, so that both clocks matter
PAGES = ("blog/guide", "blog/trends", "product/tour", "pricing", "customers", "careers")
LINKS = ("pricing", "customers", "blog/guide")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How often a kind happens per open week: ``exp(base + interest + window + need)``, and on which assets."""

    base: float
    interest: float
    window: float
    need: float = 0.0
    assets: tuple[str, ...] = ()
    value: float = 0.0


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "page_view": Kind(base=-0.9, interest=0.45, window=0.8, need=0.15, assets=PAGES),
        "content_download": Kind(
            base=-2.8, interest=0.5, window=0.2, need=0.0, assets=("guide", "checklist", "roi-study")
        ),
        "webinar": Kind(base=-3.8, interest=0.5, window=0.2, need=0.1, assets=("intro", "deep-dive")),
        "demo_request": Kind(base=-4.6, interest=0.1, window=1.9, need=0.4),
        "trial_start": Kind(base=-4.8, interest=0.2, window=1.7, need=0.3),
        "chat": Kind(base=-4.0, interest=0.2, window=1.0, need=0.2),
        "roi_calculator": Kind(base=-4.4, interest=0.1, window=1.4, need=0.4, assets=("roi",)),
        "unsubscribe": Kind(base=-6.0, interest=-0.4, window=-0.5, need=-0.4),
    }
)


def _spread(rng: np.random.Generator, rate: Floats) -> tuple[Ints, Floats]:
    """Leads and moments (weeks) of Poisson events with a rate per lead and week."""
    count = rng.poisson(rate)
    lead, week = np.nonzero(count)
    times = count[lead, week]
    lead, week = np.repeat(lead, times), np.repeat(week, times)
    return lead.astype(np.int64), week + rng.random(len(week))


def draw_activities(rng: np.random.Generator, market: Market, fate: Fate) -> pd.DataFrame:
    """Columns lead, kind, at, known (weeks), actor, asset, channel, value."""
    frames = [_kind(rng, name, kind, market, fate) for name, kind in KINDS.items()]
    frames += [_product(rng, frames, market, fate), _mail(rng, market, fate), _reps(rng, market, fate)]

    frame = pd.concat(frames, ignore_index=True)
    frame = frame[frame["at"] > market.created[frame["lead"]]].reset_index(drop=True)

    lag = rng.exponential(5 * MINUTE, len(frame))
    late = rng.random(len(frame)) < LATE_SHARE
    lag[late] += rng.exponential(3 * DAY, int(late.sum()))
    return frame.assign(known=frame["at"] + lag)


def _kind(rng: np.random.Generator, name: str, kind: Kind, market: Market, fate: Fate) -> pd.DataFrame:
    weeks = fate.is_open.shape[1]
    log_rate = (
        kind.base
        + (kind.interest * market.interest)[:, None]
        + kind.window * market.window[:, :weeks]
        + kind.need * market.parts["need"][:, :weeks]
    )

    lead, at = _spread(rng, np.exp(log_rate) * fate.is_open)
    assets = np.array(kind.assets or ("",), dtype=object)

    running = market.window[lead, at.astype(np.int64)]
    pick = rng.integers(0, len(assets), len(lead))
    if name == "page_view":
        buying = rng.random(len(lead)) < 0.25 + 0.35 * running
        pick = np.where(buying, rng.choice([2, 3, 4], len(lead)), rng.choice([0, 1, 2, 5], len(lead)))

    return _frame(lead, name, at, "lead", assets[pick], "web", rng.gamma(2.0, 2.0, len(lead)))


def _product(rng: np.random.Generator, frames: list[pd.DataFrame], market: Market, fate: Fate) -> pd.DataFrame:
    """Product use in the three weeks after a trial starts, more of it the more the lead needs the product."""
    trials = pd.concat(frames)
    trials = trials[trials["kind"] == "trial_start"]
    lead = trials["lead"].to_numpy(dtype=np.int64)
    count = rng.poisson(np.exp(1.3 + 0.6 * market.parts["need"][lead, 0]))
    lead = np.repeat(lead, count).astype(np.int64)
    at = np.repeat(trials["at"].to_numpy(), count) + 3 * rng.random(len(lead))
    inside = at < fate.is_open.shape[1]
    lead, at = lead[inside], at[inside]
    assets = rng.choice(["import", "report", "share", "settings"], len(lead)).astype(object)
    return _frame(lead, "product_event", at, "lead", assets, "product", np.full(len(lead), np.nan))


def _mail(rng: np.random.Generator, market: Market, fate: Fate) -> pd.DataFrame:
    """Campaign mails every third week; people open and click, scanners click every link within seconds."""
    weeks = fate.is_open.shape[1]
    rounds = np.zeros(weeks)
    rounds[::3] = 1.0
    lead, week = np.nonzero(fate.is_open * rounds * (rng.random(fate.is_open.shape) < 0.8))
    at = week + 0.2 + 0.02 * rng.random(len(lead))
    campaign = np.array([f"campaign-{k:03d}" for k in week], dtype=object)
    frames = [_frame(lead, "email_sent", at, "system", campaign, "email", np.full(len(lead), np.nan))]

    warm = 1 / (1 + np.exp(-(-0.9 + 0.7 * market.interest[lead])))
    opened = rng.random(len(lead)) < warm
    seen = at[opened] + rng.exponential(9 * HOUR, int(opened.sum()))
    frames.append(_frame(lead[opened], "email_open", seen, "lead", campaign[opened], "email", np.nan))

    clicked = rng.random(int(opened.sum())) < 0.25 + 0.2 * market.window[lead[opened], week[opened]]
    where = rng.choice(np.array(LINKS, dtype=object), int(clicked.sum()))
    moment = seen[clicked] + rng.exponential(4 * MINUTE, int(clicked.sum())) + 0.5 * MINUTE
    frames.append(_frame(lead[opened][clicked], "email_click", moment, "lead", where, "email", np.nan))

    scanned = market.accounts["scanner"].to_numpy()[market.leads["account"].to_numpy()[lead]]
    scanned &= rng.random(len(lead)) < 0.8  # the rest is held back or known already
    for k, link in enumerate(LINKS):
        moment = at[scanned] + (2 + k + rng.random(int(scanned.sum()))) / 60 * MINUTE
        assets = np.full(int(scanned.sum()), link, dtype=object)
        frames.append(_frame(lead[scanned], "email_click", moment, "lead", assets, "email", np.nan))

    return pd.concat(frames, ignore_index=True)


def _reps(rng: np.random.Generator, market: Market, fate: Fate) -> pd.DataFrame:
    """What reps do: more where they hope, which is why it may not be learned from unless declared."""
    weeks = fate.is_open.shape[1]
    hope = np.exp(-3.2 + 0.5 * market.hazard_log_odds[:, :weeks] + 2.0)
    worked = ~market.leads["never_worked"].to_numpy()
    lead, at = _spread(rng, np.minimum(hope, 1.5) * fate.is_open * worked[:, None])
    kind = np.where(rng.random(len(lead)) < 0.5, "rep_call", "rep_email")
    return _frame(lead, kind, at, "rep", np.full(len(lead), "", dtype=object), "crm", np.nan)


def _frame(
    lead: Ints, kind: object, at: Floats, actor: str, asset: object, channel: str, value: object
) -> pd.DataFrame:
    columns = {"lead": lead, "kind": kind, "at": at, "actor": actor, "asset": asset, "channel": channel, "value": value}
    return pd.DataFrame(columns)


Answerer = Callable[[np.random.Generator, Market, Ints, Ints], np.ndarray]


def _budget(rng: np.random.Generator, market: Market, lead: Ints, week: Ints) -> np.ndarray:
    seen = market.parts["budget"][lead, week] / 0.55 + rng.normal(0, 0.8, len(lead))
    return np.select([seen > 1.1, seen > 0.1, seen > -0.8], [">50k", "10-50k", "<10k"], "none")


def _authority(rng: np.random.Generator, market: Market, lead: Ints, week: Ints) -> np.ndarray:
    rank = market.leads["rank"].to_numpy()[lead] + rng.normal(0, 0.7, len(lead))
    return np.select([rank > 2.3, rank > 0.9], ["decides", "recommends"], "uses")


def _timeline(rng: np.random.Generator, market: Market, lead: Ints, week: Ints) -> np.ndarray:
    ahead = market.window[lead, week] + 0.5 * market.window[lead, week + 6] + rng.normal(0, 0.45, len(lead))
    return np.select([ahead > 0.9, ahead > 0.4], ["this quarter", "this year"], "no plan")


def _pain(rng: np.random.Generator, market: Market, lead: Ints, week: Ints) -> np.ndarray:
    pain = market.parts["need"][lead, week] + rng.normal(0, 0.6, len(lead))
    return np.clip(np.rint(5 + 2.2 * pain), 0, 10).astype(int).astype(str)


QUESTIONS: Mapping[str, tuple[Answerer, str, float]] = MappingProxyType(
    {
        # question -> how it is answered, the topic whose weakness keeps people silent, base rate of answering
        "budget": (_budget, "budget", -2.7),
        "decision_role": (_authority, "authority", -2.5),
        "start": (_timeline, "timeline", -2.5),
        "pain": (_pain, "need", -2.6),
    }
)
CHANNELS = ("form", "quiz", "calculator", "chatbot", "poll", "call")
CHANNEL_SHARE = (0.4, 0.12, 0.08, 0.1, 0.06, 0.24)


def draw_answers(rng: np.random.Generator, market: Market, fate: Fate) -> pd.DataFrame:
    """Columns lead, question, value, at, known, channel; silence is not random: who lacks a thing seldom says so."""
    weeks = fate.is_open.shape[1]
    frames = []
    for name, (answer, topic, base) in QUESTIONS.items():
        quiet = 0.5 * market.parts[topic][:, :weeks] / max(float(market.parts[topic].std()), 1e-9)
        rate = np.exp(base + quiet + 0.8 * market.window[:, :weeks] + 0.25 * market.interest[:, None])
        lead, at = _spread(rng, rate * fate.is_open)
        value = answer(rng, market, lead, at.astype(np.int64)).astype(object)
        frames.append(pd.DataFrame({"lead": lead, "question": name, "value": value, "at": at}))

    frame = pd.concat(frames, ignore_index=True)
    frame = frame[frame["at"] > market.created[frame["lead"]]].reset_index(drop=True)

    frame["channel"] = rng.choice(CHANNELS, len(frame), p=CHANNEL_SHARE)
    lag = np.where(frame["channel"] == "call", rng.exponential(1.5 * DAY, len(frame)), 2 * MINUTE)
    return frame.assign(known=frame["at"] + lag)


def draw_stages(rng: np.random.Generator, market: Market, fate: Fate) -> pd.DataFrame:
    """Columns lead, stage, at, owner, reason: the funnel with working-hour delays, recycles and dead ends."""
    leads = market.leads
    rows: list[tuple[int, str, float, str, str]] = [
        (k, "lead", float(at), str(owner), "")
        for k, (at, owner) in enumerate(zip(market.created, leads["owner"], strict=True))
    ]

    back: dict[int, list[float]] = {}
    for lead, when in fate.recycled:
        back.setdefault(lead, []).append(float(when))

    weeks = fate.is_open.shape[1]
    for k, owner in enumerate(leads["owner"]):
        end = float(fate.at[k]) if np.isfinite(fate.at[k]) else float(weeks)

        if not leads["never_worked"].iloc[k]:
            at = float(market.created[k])
            for stage, wait in (("mql", 10), ("sal", 1.2), ("sql", 12), ("opportunity", 16)):
                at = _working(at + float(rng.exponential(wait)) * DAY)
                if at >= end:
                    break
                rows.append((k, stage, at, str(owner), ""))

        for pause in back.get(k, []):
            rows.append((k, "recycled", pause + 0.99, str(owner), str(rng.choice(["timing", "no response"]))))
            again = pause + 1 + DORMANT_WEEKS + 0.3
            if again < end:
                rows.append((k, "mql", again, str(owner), "returned"))

        if fate.ended[k] == WON:
            rows.append((k, "won", end, str(owner), ""))
        elif fate.ended[k] == LOST:
            student = bool(leads["student"].iloc[k]) or rng.random() < 0.06
            reason = "not a fit" if student else str(rng.choice(["price", "competitor", "no response", "no project"]))
            rows.append((k, "disqualified" if student else "lost", end, str(owner), reason))

    return pd.DataFrame(rows, columns=["lead", "stage", "at", "owner", "reason"])


def draw_touches(rng: np.random.Generator, market: Market, fate: Fate, steps: pd.DataFrame) -> pd.DataFrame:
    """First acts of reps after a lead was handed to them, in office hours; sooner where they hope. Columns as
    :func:`draw_activities`.
    """
    weeks = fate.is_open.shape[1]
    handed = steps[(steps["stage"] == "mql").to_numpy() & (rng.random(len(steps)) < 0.85)]
    lead, entered = handed["lead"].to_numpy(dtype=np.int64), handed["at"].to_numpy()

    hope = market.hazard_log_odds[lead, np.minimum(entered.astype(np.int64), weeks - 1)]
    wait = rng.exponential(3.2 * HOUR, len(lead)) * np.exp(-0.3 * (hope - hope.mean()) / max(float(hope.std()), 1e-9))
    at = np.array([in_office(in_office(start) + more) for start, more in zip(entered, wait, strict=True)])

    kept = at < np.where(np.isfinite(fate.at[lead]), fate.at[lead], weeks)
    lead, at = lead[kept], at[kept]
    kind = np.where(rng.random(len(lead)) < 0.7, "rep_call", "rep_email")
    asset = np.full(len(lead), "", dtype=object)
    return _frame(lead, kind, at, "rep", asset, "crm", np.nan).assign(known=at + rng.exponential(5 * MINUTE, len(lead)))


def in_office(at: float) -> float:
    """The same moment, or the next working day at nine if it lies outside nine to five on a weekday."""
    day, hour = divmod(at % 1.0 * 7 * 24, 24)
    if day < 5 and 9 <= hour < 17:
        return at
    start = float(np.floor(at)) + day * DAY + 9 * HOUR + (DAY if hour >= 17 else 0.0)
    return start if start % 1.0 < 5 * DAY else float(np.ceil(start)) + 9 * HOUR


def _working(at: float) -> float:
    """The same moment, or the next Monday morning if it falls on a weekend."""
    return at if at % 1.0 < 5 / 7 else float(np.ceil(at)) + 9 * HOUR
