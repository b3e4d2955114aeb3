"""The model in use: loaded once, swapped as one object, so that a request never sees two."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.assembly.build_matrix import features_at
from features.assembly.crm_facts import Closes, CrmFacts
from features.assembly.flat_matrix import flat_at, flat_rows
from features.assembly.request_rows import Records, RowMaker
from features.assembly.rule_values import rules_catalog
from features.assembly.warm_up import warm_up
from features.catalog.feature import Catalog
from features.cohort.objections import refuse_objecting, refuse_objecting_records
from features.cohort.record_segments import segments_of_records
from features.kernel.column_reader import micros_of
from features.matrix import Matrix
from features.schema.canonical_tables import TABLES
from features.schema.source import Source
from models.accounts.needed_seats import with_missing_seats
from models.bundle import Bundle, load_bundle
from models.explaining.framework import Framework
from models.explaining.language import ENGLISH, Language
from models.explaining.manual.manual_score import ManualRows
from models.scored_leads import Scored
from models.scoring import Beside, Rows, score, score_rows
from pipelines.registry.champion import catalog_for, require_champion
from pipelines.registry.soundness import require_sound
from pipelines.scoring.qualification_summary import columns_of
from pipelines.workspace.context import Context
from serving.json_values import to_json_values
from serving.state.lead_data import rows_of

if TYPE_CHECKING:
    from models.judging.drift.trained_values import TrainedValues


@dataclass(frozen=True)
class LoadedModel:
    """A bundle with the declaration it fits; everything a score needs."""

    bundle: Bundle
    context: Context
    maker: RowMaker
    folder: Path
    rules: RowMaker | None = None  # of the rubric in force, where the bundle was trained beside another one

    @property
    def source(self) -> Source:
        """The declaration it scores under."""
        return self.context.source

    @property
    def catalog(self) -> Catalog:
        """Features of the bundle as the declaration computes them."""
        return self.maker.catalog

    @cached_property
    def trained_values(self) -> "TrainedValues":
        """What training saw of each feature."""
        # imported with the first score: what they bring along would be felt in the server's start
        from models.judging.drift.trained_values import TrainedValues
        from pipelines.scoring.row_notes import hidden_features

        return TrainedValues.of(self.bundle, hidden_features(self.bundle, self.source))

    @property
    def flat(self) -> bool:
        """Whether the source has no clocks."""
        return self.source.kind == "flat"

    def warm(self, framework: Framework) -> None:
        """Score a made-up lead, so that the first real one finds everything loaded and compiled."""
        self.bundle.warm()
        if not self.flat:
            warm_up()
            self.score_one(empty_tables() | {"leads": [{"lead_id": "nobody"}]}, "nobody", "2024-01-01", framework)

    def score_one(
        self,
        tables: Records,
        lead_id: str,
        as_of: Any,
        framework: Framework,
        language: Language = ENGLISH,
        closes: Closes | None = None,
    ) -> Scored:
        """Score one lead from records; the rows of its account's other leads are among them."""
        return self.score_records(tables, [lead_id], as_of, framework, language, closes)

    def score_records(
        self,
        tables: Records,
        lead_ids: Sequence[str],
        as_of: Any,
        framework: Framework,
        language: Language = ENGLISH,
        closes: Closes | None = None,
    ) -> Scored:
        """Score leads from records, all at one as_of, in the given order.

        Without ``closes`` the rows of ``stages`` alone say which are over.
        """
        refuse_objecting_records(tables["leads"], self.source, lead_ids)
        rubric, manual = self.context.newer_rubric(self.bundle), None
        if self.flat:
            own = {str(row["lead_id"]): row for row in reversed(tables["leads"])}
            listed = [own[name] for name in lead_ids]
            values = flat_rows(listed, self.catalog, self.source)
            if self.rules is not None and rubric is not None:
                manual = ManualRows(rubric, flat_rows(listed, self.rules.catalog, self.source))
            moments = np.full(len(lead_ids), np.datetime64("NaT"), dtype="datetime64[us]")
        else:
            values = self.maker.rows(tables, lead_ids, as_of)
            if self.rules is not None and rubric is not None:
                manual = ManualRows(rubric, self.rules.rows(tables, lead_ids, as_of))
            moments = np.full(len(lead_ids), micros_of(as_of), dtype="datetime64[us]")

        segment = None
        if self.bundle.horizon_by_segment:
            segment = np.array(segments_of_records(tables, self.source, lead_ids), dtype=object)
        rows = Rows(self.catalog, values, np.array(lead_ids, dtype=object), moments, segment)
        return score_rows(
            self.bundle,
            rows,
            framework,
            source=self.source,
            policy=self.context.policy,
            language=language,
            beside=Beside(self._facts(tables, lead_ids, moments, closes), manual),
        )

    def _facts(self, tables: Any, lead_ids: Sequence[str], moments: Any, closes: Closes | None) -> CrmFacts:
        """What people did with the leads; of a source without clocks only how they ended."""
        as_of = np.asarray(moments, dtype="datetime64[us]").view(np.int64)
        facts = CrmFacts.of({} if self.flat else tables, self.source, lead_ids, as_of, closes)
        return with_missing_seats(facts, tables, self.source, lead_ids, self.context.accounts_policy)

    def score_tables(
        self,
        tables: dict[str, pd.DataFrame],
        lead_ids: list[str],
        as_of: Any,
        framework: Framework,
        language: Language = ENGLISH,
        closes: Closes | None = None,
    ) -> Scored:
        """Score leads of canonical tables, in the given order; ``as_of`` is one timestamp or a Series of them."""
        if self.flat:
            leads = tables["leads"].set_index("lead_id", drop=False).loc[lead_ids].reset_index(drop=True)
            refuse_objecting(leads, self.source, lead_ids)
            matrix = flat_at(leads, self.catalog, self.source)
            manual = self._manual_rows(lambda catalog: flat_at(leads, catalog, self.source))
        else:
            matrix = features_at(tables, self.source, self.catalog, lead_ids, as_of)
            manual = self._manual_rows(lambda catalog: features_at(tables, self.source, catalog, lead_ids, as_of))
        return score(
            self.bundle,
            matrix,
            framework,
            source=self.source,
            policy=self.context.policy,
            language=language,
            beside=Beside(self._facts(tables, lead_ids, matrix.keys["as_of"].to_numpy(), closes), manual),
        )

    def _manual_rows(self, build: Callable[[Catalog], Matrix]) -> ManualRows | None:
        """Rows under the rubric in force, where the bundle was trained beside another one."""
        rubric = self.context.newer_rubric(self.bundle)
        if rubric is None or self.rules is None:
            return None
        return ManualRows(rubric, build(self.rules.catalog).values)


def load_model(context: Context, bundle: Path | None = None) -> LoadedModel:
    """The champion's bundle, or the one in a directory, checked against the declaration of today.

    One that was never tried here scores made-up leads first, in a process of its own: a bundle may end that one, never
    the server.

    Raises
    ------
    RegistryError : there is no champion
    DataError : the pointer to it is damaged
    BundleError : it is damaged, does not score as a bundle must, or was trained under another declaration
    """
    if bundle is None:
        champion = require_champion(context.paths)
        return _load(context, champion.folder, champion.hash)
    return _load(context, bundle, None)


def load_kept(context: Context, bundle_hash: str) -> LoadedModel:
    """A kept bundle by its whole hash, checked as :func:`load_model` checks the champion's."""
    return _load(context, context.paths.bundles / bundle_hash, bundle_hash)


def _load(context: Context, folder: Path, bundle_hash: str | None) -> LoadedModel:
    loaded = load_bundle(folder, bundle_hash, shared=True)
    catalog = catalog_for(context, loaded)
    require_sound(context.paths, folder, loaded.hash)
    rubric = context.newer_rubric(loaded)
    rules = None if rubric is None else RowMaker(rules_catalog(context.source, rubric), context.source)
    return LoadedModel(loaded, context, RowMaker(catalog, context.source), folder, rules)


def empty_tables() -> dict[str, list[dict[str, Any]]]:
    """Records of a request with no rows yet."""
    return {name: [] for name in TABLES}


def list_frame(scored: Scored) -> pd.DataFrame:
    """Rows of the scored file with what qualification says of them, as the batch's list holds them."""
    return pd.concat([scored.frame, columns_of(scored, None)], axis="columns")


def lines_of(scored: Scored) -> list[dict[str, Any]]:
    """The rows of a list, JSON-ready."""
    return [to_json_values(row) for row in rows_of(list_frame(scored))]


def line_of(scored: Scored) -> dict[str, Any]:
    """The first row of a list, JSON-ready."""
    return to_json_values(rows_of(list_frame(scored).iloc[[0]])[0])
