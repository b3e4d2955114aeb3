# ---
# jupyter:
#   kernelspec:
#     display_name: leadscore
#     language: python
#     name: leadscore
# ---

# %% [markdown]
# # 02 Point-in-time features, and what a leak looks like
#
# A feature is a leak if its value could not be known at the moment of scoring. Leaks make figures too good on paper
# and scores useless on the day. Here one is made on purpose, measured, and found by the audit.
#
# The default source is the **synthetic** demo; three leaks were planted in its export.

# %% tags=["parameters"]
SOURCE = "demo"  # a name, or the path of your own declaration
DATA_DIR = "../data"  # where results are kept
SETTINGS = None  # budgets of a training; None: those of the product

# %%
import matplotlib.pyplot as plt
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn import config_context
from sklearn.model_selection import cross_val_score

import leadscore

pd.set_option("display.max_colwidth", 150)
data = leadscore.read_source(SOURCE, DATA_DIR, settings=SETTINGS)
labelled = leadscore.labels(data.tables, data.source)
rows = labelled[labelled["matured"]].groupby("lead_id").head(1).reset_index(drop=True)
won = rows["label"].astype(int)
f"{len(rows):,} leads at their first look, {won.sum():,} won"

# %% [markdown]
# ## Strictly before
#
# A row of history is seen if it was known *before* the moment, not at it. One microsecond decides:

# %%
activities = data.tables["activities"]
one = activities[activities["actor"] == "lead"].sort_values("known_at").iloc[len(activities) // 4]
at, after = one["known_at"], one["known_at"] + pd.Timedelta(microseconds=1)
pair = leadscore.features_at(data.tables, data.source, [one["lead_id"]] * 2, pd.Series([at, after]))
changed = pair.loc[:, pair.nunique(dropna=False).gt(1).to_numpy()]
print(f"a {one['kind']} known at {at}")
changed.set_axis(["at that moment", "a microsecond later"]).T.head(8)

# %% [markdown]
# ## The same leads, then and today
#
# `then` holds what could be known when each lead was first looked at. `today` holds the same features as of the
# newest row of the data, which is what an ordinary export of a CRM gives: activities after the win are in it.

# %%
then = leadscore.features_at(data.tables, data.source, rows["lead_id"], rows["as_of"])
newest = activities["known_at"].max() + pd.Timedelta(days=1)
today = leadscore.features_at(data.tables, data.source, rows["lead_id"], newest)

booster = LGBMClassifier(n_estimators=60, num_leaves=8, n_jobs=1, verbose=-1)
later = leadscore.TemporalSplit(n_splits=3, horizon_days=data.source.label.horizon_days)
figures = {}
with config_context(enable_metadata_routing=True):
    for name, frame in {"then": then, "today": today}.items():
        asked = later.set_split_request(as_of=True)
        figures[name] = cross_val_score(
            booster, frame.select_dtypes("number"), won, cv=asked, scoring="roc_auc", params={"as_of": rows["as_of"]}
        )
aucs = pd.DataFrame(figures, index=[f"origin {k + 1}" for k in range(3)])
aucs.round(3)

# %%
figure, axes = plt.subplots(figsize=(6, 3))
aucs.plot.bar(ax=axes, rot=0)
axes.axhline(0.5, color="grey", linewidth=1)
axes.set_ylabel("AUC on later leads")
axes.set_ylim(0, 1.2)
axes.legend(loc="upper left", ncols=2)
figure.tight_layout()

# %% [markdown]
# AUC .5 is a coin. Same leads, same model, same later rows as judges: only the moment at which the features are taken
# differs. What `today` gains over `then` is the future that it has seen. No split of the rows would have shown it,
# because both sides of every split have seen it.

# %% [markdown]
# ## The audit finds it
#
# `audit` asks each column whether it knows the outcome. First the honest frame, then today's.

# %%
honest = leadscore.audit(then, won, order=rows["as_of"])
leaky = leadscore.audit(today, won, order=rows["as_of"])
print("then: ", honest["severity"].value_counts().to_dict())
print("today:", leaky["severity"].value_counts().to_dict())
leaky.head(8)

# %% [markdown]
# A word such as "current" in a name is only suspect; a *leak* is a column that tells won from lost better than an
# honest one can.

# %% [markdown]
# ## Planted in the raw file
#
# The same question to the export as it came. In the demo a contract number is written after the win, the stage is
# today's, and touches are counted until today. Training stops on such columns until they are declared out or accepted
# with a reason.

# %%
raw = pd.read_csv(data.context.paths.raw / data.source.tables["leads"].location.file)
raw = raw.merge(rows.assign(won=won)[["lead_id", "won"]], left_on="Lead ID", right_on="lead_id").drop(columns="lead_id")
found = leadscore.audit(raw.drop(columns="won"), raw["won"])
found[["column", "code", "severity", "message"]].head(8)
