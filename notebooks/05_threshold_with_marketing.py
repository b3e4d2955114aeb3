# ---
# jupyter:
#   kernelspec:
#     display_name: leadscore
#     language: python
#     name: leadscore
# ---

# %% [markdown]
# # 05 A threshold with marketing
#
# Rubric and model are judged on the same past weeks, over the leads that were not yet with sales, as if each had
# decided whom to hand off. From that comes the score to begin at: by a promise, or by what sales can work.
#
# The default source is the **synthetic** demo. If nothing was trained yet, the next cells do it; `make run` does it
# too.

# %% tags=["parameters"]
SOURCE = "demo"  # a name, or the path of your own declaration
DATA_DIR = "../data"  # where results are kept
SETTINGS = None  # budgets of a training; None: those of the product

# %%
import matplotlib.pyplot as plt
import pandas as pd

import leadscore

data = leadscore.read_source(SOURCE, DATA_DIR, settings=SETTINGS)
if data.champion is None:
    print(leadscore.train(data).text)
compared = leadscore.compare(data)
print(compared["population"]["sentence"])
print(*compared["sentences"], sep="\n")

# %% [markdown]
# ## At the same workload
#
# Each row is a policy replayed over the test weeks. A lead is handed off once, its win counts once.

# %%
columns = ["policy", "workload", "wins", "wins_ci", "precision", "recall", "missed"]
policies = pd.DataFrame(compared["policies"])[columns].set_index("policy")
policies.round(3)

# %%
figure, axes = plt.subplots(figsize=(8, 4))
for name, curve in compared["curves"].items():
    steps = pd.DataFrame(curve)
    low, high = zip(*steps["wins_ci"], strict=True)
    axes.plot(steps["workload"], steps["wins"], label=name)
    axes.fill_between(steps["workload"], low, high, alpha=0.15)
axes.set_xlabel("leads handed off")
axes.set_ylabel("wins among them")
axes.legend()
figure.tight_layout()

# %% [markdown]
# One line a policy: how many of the wins its first leads hold. Bands are 90% intervals over accounts; where they
# overlap the two may be alike. These are wins *already inside* each list, under the treatment of the time. They are
# not wins that the list would add.

# %% [markdown]
# ## From which score on?
#
# What every whole score would have done, and three scores with a name.

# %%
steps = pd.DataFrame(compared["scores"]["steps"])
named = {point["name"]: point["score"] for point in compared["scores"]["points"]}
print(named)
steps[["score", "handoffs", "per_week", "wins", "rubric_wins", "precision"]].iloc[:: max(1, len(steps) // 12)].round(2)

# %%
figure, axes = plt.subplots(figsize=(8, 4))
low, high = zip(*steps["precision_ci"], strict=True)
axes.fill_between(steps["score"], [100 * x for x in low], [100 * x for x in high], alpha=0.15)
axes.plot(steps["score"], 100 * steps["precision"], label="won, % of the handed off")
axes.plot(steps["score"], steps["per_week"], label="handed off a week")
marks = pd.Series(named, dtype="float").dropna()
for score, mark in marks.groupby(marks):
    axes.axvline(score, color="grey", linewidth=1)
    axes.annotate(", ".join(mark.index), (score, axes.get_ylim()[1]), rotation=90, va="top", ha="right")
axes.set_xlabel("hand off from this score on")
axes.legend()
figure.tight_layout()

# %% [markdown]
# To the right fewer leads and more of them won; to the left more work and more wins in all. `promise` is the lowest
# score at which the promised share held with the stated confidence on past months, `capacity` is what sales can work.
# Decide which of the two binds before looking at the line: a score chosen because it looks good on these weeks will
# look worse on the next ones.

# %%
print(compared["promise"]["sentence"])
print(*compared["plan"]["sentences"], *compared["notes"], sep="\n")

# %% [markdown]
# ## What of the rubric itself?
#
# What each rule gives, and what outcomes would give it. "Cannot tell" is an answer: the interval holds both.

# %%
worth = pd.DataFrame(compared["repair"]["worth"])
worth[["label", "points", "deserved", "deserved_low", "deserved_high", "verdict"]].round(0)

# %% [markdown]
# ## Try another rubric
#
# A draft is replayed on the same leads before anybody adopts it. Here the one that the learned scorecard proposes, in
# the rubric's own form, ready to be argued with.

# %%
proposed = data.context.paths.thresholds / "proposed_rubric.yaml"
draft = leadscore.rubric(proposed, data.source) if proposed.exists() else data.rubric
tried = leadscore.replay(data, draft)
print(tried["sentences"][0])
pd.DataFrame(tried["policies"])[["policy", "workload", "wins", "precision"]].round(3)
