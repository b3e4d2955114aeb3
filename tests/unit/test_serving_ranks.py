"""A lead scored again stands where sorting all anew would put it."""

import numpy as np

from serving.state.worklist.ranks import Ranks, sort_best_first


def test_leads_scored_again_one_by_one_stand_as_if_all_were_sorted_anew() -> None:
    rng = np.random.default_rng(7)
    count = 60
    probability = rng.integers(0, 8, count) / 10  # many are equal
    id_rank = rng.permutation(count)
    whole = np.zeros(count, dtype=np.int64)
    ranks = Ranks(
        probability=probability,
        score=whole,
        state=whole,
        manual=np.full(count, np.nan),
        disagree=np.zeros(count, dtype=np.bool_),
        by_score=sort_best_first(probability, id_rank),
        patches={},
    )
    for _ in range(200):
        lines = {
            int(at): {"probability": int(rng.integers(0, 8)) / 10, "score": 5}
            for at in rng.integers(0, count, int(rng.integers(1, 3)))
        }
        before = ranks.probability.copy()
        changed = ranks.replace_rows(lines, [1] * len(lines), id_rank, has_points=False)
        assert (ranks.probability == before).all(), "readers of the old ranks keep them"
        ranks = changed
        assert ranks.by_score.tolist() == sort_best_first(ranks.probability, id_rank).tolist()
        assert all(ranks.probability[at] == line["probability"] and ranks.state[at] == 1 for at, line in lines.items())
