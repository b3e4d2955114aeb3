"""The bundle: everything fitted, as one directory of JSON and booster text; nothing in it can execute."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats
from features.assembly.frameless_rows import Values
from features.catalog.feature import Catalog, FeatureType
from features.errors import BundleError, ContractError
from features.schema.vocabulary import Dimension
from models.bundle_files.document_checks import check_parts, listed_files
from models.bundle_files.document_schema import parse_document
from models.bundle_files.last_read import LastRead
from models.bundle_files.plain_files import read_plain_file
from models.bundle_files.rubric_order import order_rubrics
from models.bundle_files.strict_json import parse_strictly
from models.calibration.evidence_limits import EvidenceLimits
from models.calibration.interval import IntervalModel
from models.candidates.blend import blend_contributions, explain_by, log_odds_of
from models.candidates.booster_text import MOST_BYTES as MOST_BOOSTER_BYTES
from models.candidates.kinds import LEARNED
from models.candidates.prior import PriorCandidate
from models.candidates.rubric import RubricCandidate
from models.candidates.segmented import SegmentedModel
from models.explaining.language import Language
from models.explaining.questions import AnswerTable
from models.explaining.reasons import ReasonWriter
from models.interfaces import Calibration, Candidate, Contributions, Scale
from models.logistic import sigmoid

FORMAT = 1  # of bundle.json; raised when an older reader would misread it
KINDS: Mapping[str, Any] = MappingProxyType(
    {**LEARNED, SegmentedModel.name: SegmentedModel, PriorCandidate.name: PriorCandidate}
)
MOST_DOCUMENT_BYTES = 32 * 2**20  # of bundle.json: 130 features take 0.3 MB, a hundred times as much is none of ours
MOST_BYTES = 128 * 2**20  # of all text files: bounds what a server holds while it looks at a bundle
VOLATILE = ("trained_at", "run_id", "seconds")  # keys of meta that differ between equal trainings
_SEVERAL = 8  # leads that are explained as a block: more than the 4 that TreeShap walks one by one
_NAME_LISTS = 64  # lists of features whose dimensions are kept: one a set of components, so a few are in use


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A fitted model and what is needed to score, explain and judge with it.

    Parameters
    ----------
    meta : source, horizon_days, trained_through, winner, verdict, candidates, versions, settings, ...; times and ids
        (``trained_at``, ``run_id``, ``seconds``) are left out of the hash
    catalog : features of the matrix, in column order
    components : fitted candidates by name
    weights : the model is the weighted sum of these components' log-odds
    calibration : affine map on that sum
    interval : uncertainty of the event rate given the score
    scale : log-odds to points
    facts : per feature, what won and lost leads looked like (plain JSON)
    percentiles : shape (101,), calibrated log-odds of the leads of a list at the training (or of the judged rows)
    rubric : the fitted rubric candidate, for comparison, if the source has one
    questions : what answers to each question were worth among training leads
    trained_on : bins and shares of the training rows, to measure drift against; empty in older bundles
    stored_hash : the hash that was verified while reading, empty for a bundle made in memory
    """

    meta: Mapping[str, Any]
    catalog: Catalog
    components: Mapping[str, Candidate]
    weights: Mapping[str, float]
    calibration: Calibration
    interval: IntervalModel
    scale: Scale
    facts: Mapping[str, Any]
    percentiles: Floats
    rubric: RubricCandidate | None = None
    questions: tuple[AnswerTable, ...] = ()
    trained_on: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    stored_hash: str = field(default="", init=False, compare=False, repr=False)

    def __repr__(self) -> str:
        """In a line, as a notebook shows it: the hash, what it is made of and what it learned from."""
        meta = self.meta
        learned = "" if "won" not in meta else f", {meta['won']:,} won of {meta['rows']:,} rows"
        return f"Bundle({self.hash[:12]}: {meta.get('winner')} of '{meta.get('source')}'{learned})"

    def raw_log_odds(self, values: Values) -> Floats:
        """Weighted sum of the components' log-odds, before calibration, shape (n,)."""
        return log_odds_of(self.components, self.weights, values)

    def log_odds(self, values: Values) -> Floats:
        """Calibrated log-odds, shape (n,)."""
        return self.calibration.apply(self.raw_log_odds(values))

    def contributions(self, values: Values) -> Contributions:
        """Additive parts of :meth:`log_odds`; their sum equals it within 1e-9."""
        parts = [(self.weights[name], self.components[name].contributions(values)) for name in sorted(self.weights)]
        return blend_contributions(parts).rescale(self.calibration.slope, self.calibration.intercept)

    def explain(self, values: Values) -> tuple[Floats, Contributions]:
        """:meth:`raw_log_odds` and :meth:`contributions` at one reading of the values."""
        raw, parts = explain_by(self.components, self.weights, values)
        return raw, parts.rescale(self.calibration.slope, self.calibration.intercept)

    def warm(self) -> None:
        """Score and explain empty leads, so that everything built on first use is ready for the first real ones.

        One lead, and several: the trees are walked by a different kernel for each.
        """
        for rows in (1, _SEVERAL):
            texts, numbers = pd.Series([None] * rows, dtype="str"), pd.Series(np.full(rows, np.nan))
            self.explain(
                pd.DataFrame({f.name: texts if f.type is FeatureType.CATEGORY else numbers for f in self.catalog})
            )

    def bounds(self, raw: Floats) -> tuple[Floats, Floats]:
        """90% interval of the probability for log-odds before calibration, of segments whose level is known."""
        return self.chances(raw)[1:]

    def level_variance(self, values: Values) -> Floats | None:
        """What is not known of the level of each row's segment [calibrated, squared]; None in a model without any."""
        model = self.components.get(SegmentedModel.name)
        if not isinstance(model, SegmentedModel):
            return None
        return self.calibration.slope**2 * model.level_variance(values)

    def chances(self, raw: Floats, level_variance: Floats | None = None) -> tuple[Floats, Floats, Floats]:
        """Probability and 90% interval for log-odds before calibration, low <= probability <= high, each shape (n,).

        They keep the distance from 0 and 1 that the leads learned from demand; log-odds and points do not change.

        Parameters
        ----------
        level_variance : of each row, from :meth:`level_variance`
        """
        low, high = self.interval.bounds(raw, self.calibration, level_variance)
        return self.limits.apply(sigmoid(self.calibration.apply(raw)), low, high)

    def probability(self, values: Values) -> tuple[Floats, Floats, Floats]:
        """Probability within the horizon and its 90% interval, each shape (n,)."""
        return self.chances(self.raw_log_odds(values), self.level_variance(values))

    @cached_property
    def limits(self) -> EvidenceLimits:
        """What the leads it learned from cannot rule out; older bundles know of rows only."""
        rows, won = int(self.meta.get("rows", 0)), int(self.meta.get("won", 0))
        won_leads = int(self.meta.get("won_leads", won))
        return EvidenceLimits(won_leads, int(self.meta.get("lost_leads", rows - won)))

    def percentile(self, log_odds: Floats) -> Floats:
        """Share of the reference population scored lower, 0..100, shape (n,)."""
        return np.asarray(np.searchsorted(self.percentiles, log_odds, side="left").clip(0, 100), dtype=np.float64)

    @cached_property
    def reason_writer(self) -> Callable[[Language], ReasonWriter]:
        """The writer of reasons in a language; the same for all requests, as leads share most sentences."""
        return cache(partial(ReasonWriter, self.catalog, self.facts))

    @cached_property
    def dimensions(self) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
        """Dimension of each named feature; features of no dimension count as fit."""
        known = self.catalog.by_name

        @lru_cache(maxsize=_NAME_LISTS)
        def dimensions_of(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(str(known[n].dimension if n in known else Dimension.FIT) for n in names)

        return dimensions_of

    @property
    def horizon_days(self) -> int:
        """Days after as_of in which a win counts, where its segment has no horizon of its own (:meth:`horizon_of`)."""
        return int(self.meta["horizon_days"])

    @property
    def horizon_by_segment(self) -> Mapping[str, int]:
        """Segments with a horizon of their own, in days."""
        return dict(self.meta.get("horizon_by_segment") or {})

    @property
    def horizons(self) -> tuple[int, ...]:
        """All horizons, from the shortest to the longest; one where segments have none of their own."""
        return tuple(sorted({self.horizon_days, *self.horizon_by_segment.values()}))

    def horizon_of(self, segment: Any) -> int:
        """Days after as_of in which a win of a lead of this segment counts; NA: of none."""
        own = self.horizon_by_segment.get(segment) if isinstance(segment, str) else None
        return self.horizon_days if own is None else own

    @property
    def knows_outcomes(self) -> bool:
        """Whether any outcome was certain when it was made; chances of points that know none are even odds."""
        return not self.by_points or bool(self.meta["rows"])

    @property
    def by_points(self) -> bool:
        """Whether the score is the rubric's points, and no model's."""
        return self.meta.get("mode") == "points"

    @property
    def age_days(self) -> tuple[float, float]:
        """Least and greatest age of the leads learned from; NaN where there are no clocks, or it is not on record."""
        low, high = (math.nan if age is None else float(age) for age in self.meta.get("age_days") or (None, None))
        return low, high

    def document(self) -> dict[str, Any]:
        """The bundle as JSON, without the booster texts."""
        return {
            "format": FORMAT,
            "meta": dict(self.meta),
            "catalog": self.catalog.records(),
            "components": {name: component.state() for name, component in self.components.items()},
            "weights": dict(self.weights),
            "calibration": {"slope": self.calibration.slope, "intercept": self.calibration.intercept},
            "interval": self.interval.state(),
            "scale": {
                "version": self.scale.version,
                "reference_log_odds": self.scale.reference_log_odds,
                "pdo": self.scale.pdo,
            },
            "facts": dict(self.facts),
            "percentiles": self.percentiles.tolist(),
            "rubric": None if self.rubric is None else self.rubric.state(),
            "questions": [table.state() for table in self.questions],
            **({"trained_on": dict(self.trained_on)} if self.trained_on else {}),
        }

    def files(self) -> dict[str, str]:
        """Text files that belong to the components."""
        return {name: text for component in self.components.values() for name, text in component.files().items()}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as :func:`save_bundle` writes it, so that nothing but JSON and text is kept of what was fitted."""
        return _restore, (json.loads(_dump(self.document())), self.files())

    @cached_property
    def hash(self) -> str:
        """SHA-256 over all content but times and ids."""
        return self.stored_hash or content_hash(json.loads(_dump(self.document())), self.files())


def content_hash(document: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """SHA-256 of a bundle's document and files, times and ids left out."""
    kept = {**document, "meta": {k: v for k, v in document["meta"].items() if k not in VOLATILE}}
    digest = hashlib.sha256(_dump(kept).encode())
    for name in sorted(files):
        digest.update(f"\x00{name}\x00{files[name]}".encode())
    return digest.hexdigest()


def save_bundle(bundle: Bundle, folder: Path) -> str:
    """Write a bundle into an existing or new directory; returns its hash."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in bundle.files().items():
        (folder / name).write_text(text, encoding="utf-8")
    document = json.loads(_dump(bundle.document()))
    document["hash"] = bundle.hash
    (folder / "bundle.json").write_text(_dump(document), encoding="utf-8")
    return bundle.hash


_LAST_READ: LastRead[Bundle] = LastRead(2)  # a server that promotes and rolls back goes between two


@dataclass(frozen=True)
class StoredBundle:
    """A bundle and the bytes it was read from, by file name: what is copied is what was checked, and nothing else."""

    bundle: Bundle
    contents: Mapping[str, bytes]


def load_bundle(folder: Path, expect_hash: str | None = None, *, shared: bool = False) -> Bundle:
    """Read a bundle.

    ``shared`` gives the object that was read last from files of the same content, with what it has built on first use:
    for whoever changes nothing about it.

    Raises
    ------
    BundleError : it is missing, damaged, of another format, not the one expected, or made of numbers that no training
        writes
    """
    return read_bundle(folder, expect_hash, shared=shared).bundle


def read_bundle(folder: Path, expect_hash: str | None = None, *, shared: bool = False) -> StoredBundle:
    """As :func:`load_bundle`, with the bytes of its files.

    A hash tells that nothing was changed since somebody wrote it, not who wrote it: what it holds is checked as well,
    and the trees before LightGBM sees them.
    """
    try:
        return _read(folder, expect_hash, shared)
    except ContractError as problem:
        raise BundleError(f"bundle {folder} cannot be used: {problem}") from problem
    except FileNotFoundError as problem:
        raise BundleError(f"{problem.filename} was not found; train first, or name another bundle.") from problem
    except OSError as problem:
        raise BundleError(
            f"bundle {folder} cannot be read ({problem.strerror}). Check the path and rights."
        ) from problem
    except ValueError as problem:
        raise BundleError(f"bundle {folder} is damaged: {problem}. Restore it, or train again.") from problem
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, MemoryError) as problem:
        raise BundleError(f"bundle {folder} is damaged: {problem!r:.200}. Restore it, or train again.") from problem


def _read(folder: Path, expect_hash: str | None, shared: bool) -> StoredBundle:
    path = folder / "bundle.json"
    contents = {path.name: read_plain_file(path, MOST_DOCUMENT_BYTES)}
    document = parse_strictly(contents[path.name], nan_under="meta")
    names = listed_files(document)
    if document["format"] != FORMAT:
        raise BundleError(
            f"{path} has format {document['format']!r:.40}; this version reads format {FORMAT}. Train again, or "
            "install the version that wrote it."
        )

    left = MOST_BYTES
    for name in names:
        contents[name] = read_plain_file(folder / name, min(MOST_BOOSTER_BYTES, left))
        left -= len(contents[name])
    files = {name: contents[name].decode("utf-8").replace("\r\n", "\n") for name in names}

    stored = document.pop("hash")
    found = content_hash(document, files)
    if found != stored or (expect_hash is not None and found != expect_hash):
        raise BundleError(
            f"bundle {folder} has hash {found[:12]}, expected {str(expect_hash or stored)[:12]}: it was changed "
            "after it was written. Restore it, or train again."
        )

    make = partial(_make, document, files, found)
    if not shared:
        return StoredBundle(make(), contents)
    # the hash leaves out when it was trained, and for how long
    written = hashlib.sha256(contents[path.name]).digest()
    return StoredBundle(_LAST_READ.read((found, written), make), contents)


def _make(document: Mapping[str, Any], files: Mapping[str, str], found: str) -> Bundle:
    check_parts(parse_document(document))
    bundle = _restore(document, files)
    # not an argument of the bundle: dataclasses.replace must not carry it over to another one
    object.__setattr__(bundle, "stored_hash", found)
    return bundle


def _restore(document: Mapping[str, Any], files: Mapping[str, str]) -> Bundle:
    catalog = Catalog.from_records(document["catalog"])
    # the rubric of a component is the state of one, as that of the bundle is
    states, rubric = (order_rubrics(document[name], catalog) for name in ("components", "rubric"))
    components = {name: KINDS[name].restore(state, files) for name, state in states.items()}
    return Bundle(
        meta=document["meta"],
        catalog=catalog,
        components=components,
        weights=document["weights"],
        calibration=Calibration(**document["calibration"]),
        interval=IntervalModel.restore(document["interval"]),
        scale=Scale(**document["scale"]),
        facts=document["facts"],
        percentiles=np.asarray(document["percentiles"], dtype=np.float64),
        rubric=None if rubric is None else RubricCandidate.restore(rubric, {}),
        questions=tuple(AnswerTable.restore(state) for state in document.get("questions", ())),
        trained_on=document.get("trained_on", MappingProxyType({})),
    )


def _dump(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1)
