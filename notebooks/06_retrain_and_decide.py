# ---
# jupyter:
#   kernelspec:
#     display_name: leadscore
#     language: python
#     name: leadscore
# ---

# %% [markdown]
# # 06 Retrain on closed deals, and decide
#
# Once a month deals have closed. `retrain` takes in what is new, looks whether a feed broke, trains a challenger,
# judges it on rows whose labels came after both models were trained, and says what to do. Being younger wins nothing.
#
# The default source is the **synthetic** demo, lived through twice: as it stood on `EARLIER`, and today. It has a
# folder of its own, so that the champion of `make run` is left alone.

# %% tags=["parameters"]
SOURCE = "demo"  # a name, or the path of your own declaration
DATA_DIR = "../data/notebooks"  # where results are kept
SETTINGS = None  # budgets of a training; None: those of the product
EARLIER = "2025-12-01"  # a day in the past: what became known from then on is left out

# %%
import matplotlib.pyplot as plt
import pandas as pd

import leadscore

pd.set_option("display.max_colwidth", 120)
data = leadscore.read_source(SOURCE, DATA_DIR, settings=SETTINGS)
f"{len(data.tables['outcomes']):,} closed deals until {data.tables['outcomes']['known_at'].max():%Y-%m-%d}"

# %% [markdown]
# ## As it stood then
#
# The first retrain of a source makes its first champion, if the audit is clean and the verdict allows it.

# %%
if data.champion is None:
    first = leadscore.retrain(data, as_of=EARLIER)
    print(first["decision"], "|", first["sentence"])
    print(*first["new"]["sentences"], sep="\n")

# %% [markdown]
# ## Today, with the deals that closed since

# %%
again = leadscore.retrain(data)
print(*again["new"]["sentences"], sep="\n")
print(again["decision"], "|", again["sentence"])
print(again["next"])

# %% [markdown]
# Five decisions are possible: *promoted*, *a challenger is better* (and waits for you, because `promote` was not
# asked), *champion kept*, *inconclusive*, *refused* because a feed broke or a column leaks. Each has an exit status
# of `leadscore retrain`, for a scheduled job.

# %% [markdown]
# ## Who was judged, and by how much

# %%
checks = [
    {**check, "challenger": one["what"], "low": check["ci"][0], "high": check["ci"][1]}
    for one in again["challengers"]
    for check in one["gate"]["checks"]
]
table = pd.DataFrame(checks, columns=["challenger", "name", "difference", "low", "high", "margin", "outcome"])
for one in again["challengers"]:
    print(one["what"], "|", one["gate"]["sentence"], one["gate"]["needed"])
table.round(4)

# %%
drawn = table.dropna()
figure, axes = plt.subplots(figsize=(8, 0.5 * len(drawn) + 1.5))
labels = drawn["challenger"] + ": " + drawn["name"]
axes.hlines(labels, drawn["low"] / drawn["margin"], drawn["high"] / drawn["margin"])
axes.plot(drawn["difference"] / drawn["margin"], labels, "o")
axes.axvline(0, color="grey", linewidth=1)
axes.axvline(1, color="red", linewidth=1)
axes.set_xlabel("by how much the challenger is worse, in margins")
figure.tight_layout()

# %% [markdown]
# One line a figure, with its interval, in units of the margin that the gate allows. Wholly left of the grey line:
# better beyond noise. Reaching over the red one: it may be worse by more than the margin, so the gate does not let it
# pass. Where too few wins came after both were trained, there is nothing to draw yet, and the sentence above says
# from when on there will be.

# %% [markdown]
# ## Does the champion still fit what is scored now?

# %%
watched = leadscore.monitor(data)
print(watched["verdict"], "|", watched["headline"])
pd.DataFrame(watched["findings"]).head(8)

# %% [markdown]
# ## Decide
#
# `check=True` asks the gate and changes nothing. Without it the challenger becomes the champion; `leadscore rollback`
# takes it back.

# %%
asked = leadscore.promote(data, check=True)
print(asked.gate.text)
