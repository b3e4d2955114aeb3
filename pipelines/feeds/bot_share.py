"""Whether scanners click more than they used to: the share of bot-prone activities that the bot filter takes away."""

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.assembly.bot_effect import BotClicks
from features.schema.source import Source
from models.judging.drift.monitor_findings import Finding, Level
from models.judging.feeds.feed_profile import FEWEST
from models.judging.feeds.row_blocks import exceeds

CHECK = "bots"
_BLOCK = pd.Timedelta(days=28)
_BLOCKS = 6  # the newest and those before
_MORE = 0.1


def judge_bots(tables: Tables, source: Source, cutoff: pd.Timestamp) -> Finding | None:
    """The share of the newest 28 days against earlier stretches as long; None where no kind is bot-prone."""
    if not any(kind.bot_prone for kind in source.activity_kinds.values()):
        return None
    clicks = BotClicks(tables, source)
    known = [clicks.known_at(cutoff - k * _BLOCK)[1] for k in range(_BLOCKS + 1)]
    rows = np.array([len(bot) for bot in known], dtype=np.float64)
    bots = np.array([bot.sum() for bot in known], dtype=np.float64)
    seen, taken = -np.diff(rows), -np.diff(bots)
    enough = seen >= FEWEST
    if not enough[0] or enough[1:].sum() < 2:
        return Finding(CHECK, Level.UNKNOWN, "Too few bot-prone activities to tell whether scanners click more.")
    shares = np.clip(taken / np.maximum(seen, 1.0), 0.0, 1.0)
    now, before = float(shares[0]), shares[1:][enough[1:]]
    sentence = (
        f"{now:.0%} of the bot-prone activities of the last 28 days are scanners' clicks, {before.min():.0%} to "
        f"{before.max():.0%} in stretches as long before."
    )
    if not exceeds(now, before, int(seen[0]), _MORE):
        return Finding(CHECK, Level.OK, sentence)
    advice = (
        "A new scanner, or a tracker that fires by itself: look at 'bots:' of the declaration, and at the mails sent."
    )
    return Finding(CHECK, Level.WATCH, sentence, advice, "activities")
