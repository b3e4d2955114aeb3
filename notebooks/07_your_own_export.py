# ---
# jupyter:
#   kernelspec:
#     display_name: leadscore
#     language: python
#     name: leadscore
# ---

# %% [markdown]
# # 07 Your own CRM export
#
# From one CSV with a row per deal to a ranked list of the open ones. `init` looks at the file and writes a
# declaration; what it could not tell stands at the top under `TO EDIT`.
#
# `EXPORT` is the path of your file. Left empty, one is made of the **synthetic** demo, in the form that CRMs export.

# %% tags=["parameters"]
EXPORT = ""  # path of your export: a file, a folder, a zip, a workbook
DATA_DIR = "../data/notebooks"  # where results are kept
SETTINGS = None  # budgets of a training; None: those of the product
DEMO = "demo"  # what the export is made of where EXPORT is empty

# %%
from pathlib import Path

import pandas as pd

import leadscore

if not EXPORT:
    tables = leadscore.read_source(DEMO, DATA_DIR, settings=SETTINGS).tables
    leads = tables["leads"].merge(tables["accounts"].drop_duplicates("account_id"), on="account_id", how="left")
    last = tables["stages"].sort_values("known_at").groupby("lead_id").tail(1).set_index("lead_id")
    stage = leads["lead_id"].map(last["stage"])
    over = stage.isin(["won", "lost", "disqualified"])
    export = pd.DataFrame(
        {
            "Deal ID": leads["lead_id"],
            "Status": stage.where(over, "open").str.title(),
            "Created": leads["created_at"].dt.strftime("%Y-%m-%d %H:%M"),
            "Closed": leads["lead_id"].map(last["known_at"]).where(over).dt.strftime("%Y-%m-%d %H:%M"),
            "Company": leads["company"],
            "Contact": leads["full_name"],
            "Job title": leads["job_title"],
            "Lead source": leads["lead_source"],
            "Industry": leads["industry"],
            "Employees": leads["employees"],
            "Country": leads["country"],
        }
    )
    EXPORT = str(Path(DATA_DIR) / "my_deals.csv")
    export.to_csv(EXPORT, index=False)
pd.read_csv(EXPORT).head() if EXPORT.endswith(".csv") else EXPORT

# %% [markdown]
# ## A declaration
#
# Every guess stands with its evidence. Read it, mend it, keep it in git: it is the contract between the export and
# the model.

# %%
declaration = Path(DATA_DIR) / "my_deals.yaml"
if not declaration.exists():
    leadscore.init(EXPORT, out=declaration, data_dir=DATA_DIR)
text = declaration.read_text(encoding="utf-8")
print(text[:3500])

# %%
[line for line in text.splitlines() if line.startswith("# TO EDIT")] or "nothing has to be edited before the first run"

# %% [markdown]
# ## Read it
#
# Rows that break the contract go to quarantine with the rule they broke. Nothing is dropped in silence: read = kept +
# quarantined.

# %%
mine = leadscore.read_source(declaration, DATA_DIR, settings=SETTINGS)
labelled = leadscore.labels(mine.tables, mine.source)
known = labelled[labelled["matured"]]
print(
    f"{len(mine.tables['leads']):,} leads kept; {len(known):,} with a known outcome, {int(known['label'].sum()):,} won"
)
labelled[["lead_id", "as_of", "label", "matured"]].head()

# %% [markdown]
# ## Learn
#
# The verdict is `ok`, `weak_signal`, `no_signal`, `too_little_data` or `leak`. All five are results; the last three
# give no bundle, and points of a rubric go on working meanwhile.

# %%
trained = leadscore.train(mine)
print(trained.verdict, "|", trained.text)

# %% [markdown]
# ## The open leads, best first

# %%
if mine.champion is not None:
    best = leadscore.worklist(mine)
    print(best[["lead_id", "score", "probability", "reason_1", "reason_2"]].head(10).to_string())

# %% [markdown]
# From here: `leadscore run --source my_deals.yaml` writes the report, `leadscore serve` opens the pages, a rubric of
# your own stands beside the model ([rubrics](../docs/rubrics.md)), and further tables (activities, answers, stages)
# make the features that an export of deals alone cannot have ([your data](../docs/your_data.md)).
