# ---
# jupyter:
#   kernelspec:
#     display_name: leadscore
#     language: python
#     name: leadscore
# ---

# %% [markdown]
# # 04 Reading explanations with reps
#
# A rep's card groups the reasons by the criteria of the team's framework; a data scientist knows SHAP plots. Both are
# the same numbers, exact for every model that leadscore trains, and both add up to the score.
#
# The default source is the **synthetic** demo. If nothing was trained yet, the next cells do it; `make run` does it
# too.

# %% tags=["parameters"]
SOURCE = "demo"  # a name, or the path of your own declaration
DATA_DIR = "../data"  # where results are kept
SETTINGS = None  # budgets of a training; None: those of the product

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

warnings.filterwarnings("ignore", message="IProgress not found")  # of a progress bar that nothing here shows
import shap

import leadscore

data = leadscore.read_source(SOURCE, DATA_DIR, settings=SETTINGS)
if data.champion is None:
    print(leadscore.train(data).text)
bundle = data.champion
opened = leadscore.worklist(data)
opened[["lead_id", "score", "probability", "probability_low", "probability_high", "grade", "next_action"]].head()

# %% [markdown]
# ## The card of the lead on top
#
# 50 and all points add up to the score. A status is about evidence (met, not met, indicated, unknown), never about
# the sign of the points: a budget that is confirmed and small can cost points.

# %%
lead = opened.iloc[0]
criteria = [name.removeprefix("status_") for name in opened.columns if name.startswith("status_")]
print(f"lead {lead['lead_id']}: score {lead['score']}, {lead['probability']:.0%} within the horizon")
for reason in (lead["reason_1"], lead["reason_2"], lead["reason_3"]):
    print(" ", reason)
card = pd.DataFrame(
    {"points": [lead[f"points_{name}"] for name in criteria], "status": [lead[f"status_{name}"] for name in criteria]},
    index=criteria,
)
card

# %%
points = opened.filter(like="points_").iloc[0]
print("50", *(f"{value:+d} {name.removeprefix('points_')}" for name, value in points.items()))
print(f"adds up to {50 + points.sum()}; the score is {lead['score']}")

# %% [markdown]
# ## The same lead as a waterfall
#
# `explain` hands out a `shap.Explanation`, so every plot of shap works on it. Units are log-odds of a win.

# %%
some = opened.head(300)
values = leadscore.features_at(data.tables, data.source, some["lead_id"], some["as_of"], bundle=bundle)
explained = leadscore.explain(bundle, values)
shap.plots.waterfall(explained[0], max_display=12, show=False)
plt.gcf().set_size_inches(9, 5)
plt.tight_layout()

# %% [markdown]
# Read from the bottom up: it begins at the bundle's base (shap writes E[f(X)] there), each bar moves the log-odds, and
# the top is this lead's. The bars of one criterion, times a fixed factor and rounded together, are its points on the
# card. Ten points double the odds unless the report says otherwise. A bar says what the model has seen go together with
# wins, not what to do to win.

# %%
parts = leadscore.contributions(bundle, values)
probability = 1 / (1 + np.exp(-parts.sum(axis=1).to_numpy()))
float(np.abs(probability - some["probability"].to_numpy()).max())

# %% [markdown]
# The largest difference between the sum of the parts and the probability that the list shows: nothing but rounding of
# floating point.

# %% [markdown]
# ## What moves the list

# %%
np.random.seed(7)
shap.plots.beeswarm(explained, max_display=12, show=False)
plt.gcf().set_size_inches(9, 5)
plt.tight_layout()

# %% [markdown]
# One dot a lead, one line a feature, the widest first; red is a high value, grey a text or a missing one. A line
# whose colours do not sort from left to right has an effect that depends on other features, or rises and falls. With
# reps, ask of each line: does this match what you see? A line nobody believes is worth a look at its data before it
# is worth a discussion.

# %% [markdown]
# ## One feature closely

# %%
size = np.abs(explained.values).mean(axis=0)
numeric = [k for k, name in enumerate(parts.columns[:-1]) if name in values and values[name].dtype.kind in "fi"]
widest = max((k for k in numeric if values[parts.columns[k]].nunique() > 8), key=lambda k: size[k])
figure, axes = plt.subplots(figsize=(7, 3.5))
axes.scatter(values[parts.columns[widest]], explained.values[:, widest], s=12)
axes.axhline(0, color="grey", linewidth=1)
axes.set_xlabel(explained.feature_names[widest])
axes.set_ylabel("log-odds")
figure.tight_layout()

# %% [markdown]
# Where the dots at one value spread, other features decide how much this one counts. Steps are the model's bins and
# splits.
#
# ## Points by criterion beside each other

# %%
by_criterion = opened[[f"points_{name}" for name in criteria]].rename(columns=lambda name: name.removeprefix("points_"))
figure, axes = plt.subplots(figsize=(7, 3))
axes.boxplot([by_criterion[name] for name in criteria], orientation="horizontal", tick_labels=criteria)
axes.axvline(0, color="grey", linewidth=1)
axes.set_xlabel("points")
figure.tight_layout()

# %% [markdown]
# Half of the open leads lie inside each box. A criterion whose box is a line tells leads apart hardly at all, perhaps
# because nobody asks: the share of leads of which it is unknown says so.

# %%
pd.DataFrame({name: opened[f"status_{name}"].value_counts(normalize=True) for name in criteria}).fillna(0).round(2)
