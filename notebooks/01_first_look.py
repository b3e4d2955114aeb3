# ---
# jupyter:
#   kernelspec:
#     display_name: leadscore
#     language: python
#     name: leadscore
# ---

# %% [markdown]
# # 01 First look at your leads
#
# What is in the tables, what counts as won, how much of it can be learned from, and what a lead looked like at a
# given moment. Nothing is trained here.
#
# The default source is the **synthetic** demo, which leadscore generates itself. Put the path of your own declaration
# in its place.

# %% tags=["parameters"]
SOURCE = "demo"  # a name, or the path of your own declaration
DATA_DIR = "../data"  # where results are kept
SETTINGS = None  # budgets of a training; None: those of the product

# %%
import matplotlib.pyplot as plt
import pandas as pd

import leadscore

pd.set_option("display.max_colwidth", 120)
data = leadscore.read_source(SOURCE, DATA_DIR, settings=SETTINGS)
pd.Series({name: len(table) for name, table in data.tables.items()}, name="rows")

# %% [markdown]
# ## What is left out, and why
#
# A column is a feature only if the declaration says when its value was known. These were declared out:

# %%
left_out = [
    (table, name, column.excluded_because)
    for table, declared in data.source.tables.items()
    for name, column in declared.columns.items()
    if column.excluded_because
]
pd.DataFrame(left_out, columns=["table", "column", "why"])

# %% [markdown]
# ## What counts as won
#
# One row per lead and moment. `label` is 1 if the lead was won within the horizon after `as_of`, 0 if not. A row is
# *matured* once the horizon and the reporting lag have passed; before that nobody can know, and the row is left out
# whatever became of it so far.

# %%
labelled = leadscore.labels(data.tables, data.source)
matured = labelled[labelled["matured"]]
print(f"{len(labelled):,} rows of {labelled['lead_id'].nunique():,} leads; {len(matured):,} matured")
print(f"{matured['label'].mean():.1%} of matured rows are won within {data.source.label.horizon_days} days")
matured[["lead_id", "as_of", "label", "label_known_at", "weight"]].head()

# %% [markdown]
# ## Does the rate move?

# %%
month = matured["as_of"].dt.to_period("M").astype("str")
monthly = matured.groupby(month)["label"].agg(["mean", "size"])
figure, axes = plt.subplots(figsize=(9, 3))
axes.bar(monthly.index, 100 * monthly["mean"])
axes.set_ylabel("won within the horizon, %")
axes.tick_params(axis="x", rotation=90)
figure.tight_layout()

# %% [markdown]
# Each bar is the share of the month's matured rows that were won. Bars that rise or fall over time are why later rows
# judge earlier ones everywhere in leadscore: a random split would borrow the future's level. The newest months are
# missing because their labels are not known yet, not because nothing was won.

# %% [markdown]
# ## How time is split
#
# Development blocks choose, the last block judges once. A row is learned from only if its label was known when the
# judged rows begin.

# %%
split = leadscore.split(labelled, data.source)
print(split.explanation)
pd.DataFrame(
    [(block.name, len(block.train), len(block.test)) for block in (*split.blocks, split.final)],
    columns=["block", "learned from", "judged"],
)

# %% [markdown]
# ## One lead, at three moments
#
# The same lead as it could be known on three days. Later columns know more, and none of them knows what came after
# its own day.

# %%
lead = matured.loc[matured["label"] == 1, "lead_id"].value_counts().index[0]
rows = matured[matured["lead_id"] == lead]
moments = rows["as_of"].iloc[[0, len(rows) // 2, -1]].tolist()
seen = leadscore.features_at(data.tables, data.source, [lead] * len(moments), pd.Series(moments)).set_axis(moments).T
moved = seen[seen.nunique(axis=1, dropna=False) > 1]
print(f"lead {lead}: {len(moved)} of {len(seen)} features moved")
moved.head(15)
