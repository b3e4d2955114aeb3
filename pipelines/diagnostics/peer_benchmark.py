"""How good our recipe is beside its peers, on development rows or, counted, on the test block."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from features.cohort.splits import Chop, chop
from features.errors import DataError, TooLittleDataError
from features.matrix import Matrix
from features.schema.vocabulary import Verdict
from models.benchmarking.peer_benchmark import PeerComparison, PeerResult, compare_with_peers, summarise_comparisons
from models.benchmarking.peer_models import find_peers
from models.judging.cluster_bootstrap import Resampling
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.rubrics.rubric_candidate import rubric_candidate
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_chop, load_matrix

BlockName = Literal["dev", "test", "splits"]
LOOKS = "looks.json"


@dataclass(frozen=True)
class JudgedSplit:
    """Rows of one split that were judged, and what our recipe chose before seeing them."""

    n: int
    won: int
    winner: str
    verdict: str


@dataclass(frozen=True, kw_only=True)
class PeerBenchmark:
    """Our recipe, its candidates and its peers on the same splits.

    Parameters
    ----------
    looks_at_test_block : how often the final block was judged so far
    leaks : columns that carried the outcome at the last audit; None before any audit
    not_installed : peers left out, each with the package it needs
    """

    source: str
    synthetic: bool
    block: BlockName
    looks_at_test_block: int
    leaks: list[str] | None
    splits: tuple[JudgedSplit, ...]
    models: tuple[PeerResult, ...]
    not_installed: dict[str, str]
    better_than_ours: tuple[str, ...]

    def warnings(self) -> list[str]:
        """What is printed before the table: why its figures may mean nothing."""
        lines = []
        if self.leaks is None:
            lines.append("Not audited: run 'leadscore audit' first; a column may carry the outcome.")
        elif self.leaks:
            lines.append(
                f"Leak: {', '.join(self.leaks)} carried the outcome at the last audit, and every model here learned "
                "from it. These figures do not measure quality; declare it 'role: ignore', then run and judge again."
            )

        silent = sum(split.verdict == Verdict.NO_SIGNAL for split in self.splits)
        if silent:
            lines.append(
                f"No signal in {silent} of {len(self.splits)} splits: before the judged rows no candidate beat the "
                "base rate beyond noise, so a run would have made no model."
            )
        return lines

    def notes(self) -> list[str]:
        """What is printed after the table."""
        splits = "; ".join(f"{s.n:,} rows, {s.won:,} won, chosen: {s.winner} ({s.verdict})" for s in self.splits)
        lines = [f"judged on: {splits}", f"looks at the test block so far: {self.looks_at_test_block}"]
        lines += [f"not installed: {name} (package {package})" for name, package in self.not_installed.items()]
        better = ", ".join(self.better_than_ours) or "none"
        return [*lines, f"better than the chosen candidate beyond the 90% interval: {better}"]


def benchmark_peers(
    context: Context, block: BlockName = "dev", *, repeats: int = 3, notify: Callable[[str], None] | None = None
) -> PeerBenchmark:
    """One table of our recipe, its candidates and its peers on the same splits.

    ``dev`` never reads the final block: the newest ``repeats`` development blocks are judged by what can be learned
    before each, or, where there is no order, seeded splits of the development rows. ``test`` judges the final block;
    ``splits``, for few rows without an order, draws as many final blocks as ``repeats`` from all rows, since one small
    block tells more about luck than about the models. Both see rows of the test block, so the look is counted in
    ``looks.json``: a block looked at often is no longer a test.

    Raises
    ------
    DataError
        before the matrix of the source was built.
    TooLittleDataError
        where the development rows cannot be split once more.
    DataError
        ``splits`` of a source whose rows have an order: they would learn from later rows.
    """
    if not (context.paths.matrix / "chop.json").exists():
        raise DataError(
            f"source '{context.source.name}' has no matrix with a split in {context.paths.matrix}; run "
            f"'leadscore run --source {context.source.name}' first."
        )

    matrix, split = load_matrix(context.paths.matrix), load_chop(context.paths.matrix)
    chops = _chops(block, matrix, split, context, repeats)
    looks = looks_so_far(context) if block == "dev" else _count_look(context, block)

    peers, absent = find_peers()
    newest, rubric = context.source.prior_correction == "newest", rubric_candidate(context)
    matches = [
        compare_with_peers(part, made, peers, context.settings, rubric, notify, newest_level=newest)
        for part, made in chops
    ]

    return _report(context, block, matches, absent, looks)


def looks_so_far(context: Context) -> int:
    """How often the final block was judged by this command."""
    path = context.paths.root / LOOKS
    return len(read_json(path)["looks"]) if path.exists() else 0


def _count_look(context: Context, block: BlockName) -> int:
    path = context.paths.root / LOOKS
    before = read_json(path)["looks"] if path.exists() else []
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    looks = [*before, now if block == "test" else f"{now} {block}"]
    write_json(path, {"looks": looks})
    return len(looks)


def _chops(block: BlockName, matrix: Matrix, split: Chop, context: Context, repeats: int) -> list[tuple[Matrix, Chop]]:
    if block == "test":
        return [(matrix, split)]
    if block == "dev":
        return _development(matrix, split, context, repeats)
    if split.kind in ("time", "ordered"):
        raise DataError(
            f"the rows of source '{context.source.name}' have an order ({split.kind}); splits drawn from all of them "
            "would learn from later rows. Judge with --block dev or --block test."
        )
    return [(matrix, made) for made in _splits(matrix, context, repeats)]


def _splits(matrix: Matrix, context: Context, repeats: int) -> list[Chop]:
    """Seeded splits of a matrix without an order, each with a final block of its own."""
    return [chop(matrix, context.source.split, seed=context.settings.seed + 1 + k) for k in range(repeats)]


def _development(matrix: Matrix, split: Chop, context: Context, repeats: int) -> list[tuple[Matrix, Chop]]:
    if split.kind in ("time", "ordered"):
        if len(split.blocks) < 2:
            raise TooLittleDataError(
                f"source '{context.source.name}' has one development block; judging on development rows needs two. "
                "Raise split.folds, or wait for more outcomes."
            )
        newest = range(max(1, len(split.blocks) - repeats), len(split.blocks))
        return [(matrix, Chop(split.kind, split.blocks[:k], split.blocks[k], "development block")) for k in newest]

    rows = np.unique(np.concatenate([split.final.train, *(block.test for block in split.blocks)]))
    part = matrix.take(rows)
    return [(part, made) for made in _splits(part, context, repeats)]


def _report(
    context: Context, block: BlockName, matches: list[PeerComparison], absent: dict[str, str], looks: int
) -> PeerBenchmark:
    models = tuple(summarise_comparisons(matches, Resampling.of(context.settings)))

    return PeerBenchmark(
        source=context.source.name,
        synthetic=context.source.synthetic,
        block=block,
        looks_at_test_block=looks,
        leaks=_leaks(context),
        splits=tuple(JudgedSplit(len(m.won), int(m.won.sum()), m.winner, str(m.verdict)) for m in matches),
        models=models,
        not_installed=absent,
        better_than_ours=tuple(row.name for row in models if row.is_better),
    )


def _leaks(context: Context) -> list[str] | None:
    """Columns that the last audit called leaks and nobody accepted; None before any audit."""
    if not AuditRecord.exists(context.paths):
        return None
    return list(dict.fromkeys(finding.column for finding in AuditRecord.read(context.paths).leaks))
