"""Matrix: the training matrix, its chop, and the open leads of now."""

import pandas as pd

from features.array_types import Tables
from features.assembly.build_matrix import matrix_at, matrix_of
from features.assembly.flat_matrix import flat_matrix, flat_open
from features.assembly.half_lives import adopt_half_lives
from features.assembly.list_values import adopt_list_items
from features.catalog.build_catalog import build_catalog
from features.catalog.segment_feature import segment_feature
from features.cohort.cohort import cutoff_of, open_cohort
from features.cohort.splits import Chop, chop
from features.errors import TooLittleDataError
from features.matrix import Matrix
from features.schema.vocabulary import Verdict
from models.judging.evaluation.backtest import require_enough, require_in_all
from models.training.prior_bundle import split_few
from pipelines.artifacts.score_record import write_half_lives
from pipelines.artifacts.verdict_record import MatrixVerdict
from pipelines.compute.engines import choose_builder
from pipelines.diagnostics.activity_diagnostics import HalfLives, half_life_records, half_lives_of
from pipelines.own_code.own_functions import OWN_CODE, check_functions, code_of
from pipelines.registry.prior_bundle import names_prior
from pipelines.workspace.atomic_files import stage_dir, write_json
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import save_matrix
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables, mark_of_tables


def build(context: Context) -> MatrixVerdict:
    """Write the training matrix, ``chop.json`` and the matrix of open leads, where the source tells them apart.

    Too few outcomes are no error here: ``verdict.json`` says ``too_little_data`` and the later stages pass it on.

    Raises
    ------
    PolicyError
        if a qualification policy's profile uses what is no feature, before anything is computed.
    """
    if context.policies:
        catalog = build_catalog(context.source, context.rubric)
        for policy in context.policies:
            policy.profile.check(catalog)

    # refused before anything is computed
    segment_feature(build_catalog(context.source, context.rubric), context.source)
    tables = load_tables(context.paths)
    lives = half_lives_of(context, tables)
    matrix, now, cutoff = _matrices(context, tables, lives)
    split: Chop | None = None
    problem = ""
    try:
        split = _split(context, matrix)
    except TooLittleDataError as error:
        problem = error.message
    judged = matrix.matured
    won = matrix.label[judged]
    if context.source.features:
        check_functions(tables, context.source, matrix.catalog, matrix.keys)
    verdict = MatrixVerdict.of(
        {
            "verdict": Verdict.TOO_LITTLE_DATA if split is None else Verdict.OK,
            "verdict_text": problem,
            "cohort_rows": len(matrix),
            "matured_rows": int(judged.sum()),
            "won_rows": int(won.sum()),
            "leads": int(matrix.keys["lead_id"].nunique()),
            "base_rate": float(won.mean()) if len(won) else None,
            "features": len(matrix.catalog),
            "open_leads": 0 if now is None else len(now),
            "data_cutoff": None if cutoff is None else cutoff.isoformat(),
            "split": None
            if split is None
            else {"kind": split.kind, "explanation": split.explanation, "notes": split.notes},
            "tables": mark_of_tables(context.paths),
        }
    )
    with stage_dir(context.paths.matrix) as folder:
        save_matrix(folder, matrix)
        if now is not None:
            save_matrix(folder, now, "open")
        if split is not None:
            write_json(folder / "chop.json", split.record())
        if context.source.features:
            write_json(folder / f"{OWN_CODE}.json", code_of(matrix.catalog))
        write_half_lives(folder, half_life_records(context.source, lives))
        verdict.write(folder)
    return verdict


def is_outdated(paths: Paths) -> bool:
    """Whether a matrix was built, and from other tables than ingest left since: who came or closed is not in it."""
    return MatrixVerdict.exists(paths) and MatrixVerdict.read(paths).tables != mark_of_tables(paths)


def _split(context: Context, matrix: Matrix) -> Chop:
    """The split as declared, or, where wins are too few for it and a prior bundle is named, the one for few rows."""
    declared, settings = context.source, context.settings
    try:
        require_in_all(matrix, settings)
        made = chop(matrix, declared.split, seed=settings.seed, horizon_days=declared.label.longest_horizon_days)
        if not names_prior(context):
            return made
        require_enough(matrix, made, settings)
        return made
    except TooLittleDataError as problem:
        if not names_prior(context):
            raise
        return split_few(matrix, declared.split, settings, problem.message)


def _matrices(context: Context, tables: Tables, lives: HalfLives) -> tuple[Matrix, Matrix | None, pd.Timestamp | None]:
    source = adopt_list_items(adopt_half_lives(context.source, lives.adopted), tables)
    if source.kind == "flat":
        leads = tables["leads"]
        return flat_matrix(leads, source, context.rubric), flat_open(leads, source, context.rubric), None
    cutoff = cutoff_of(tables, source)
    catalog = build_catalog(source, context.rubric)
    open_now = open_cohort(tables, source, cutoff)
    engine = choose_builder(context.engine)
    now = matrix_at(open_now, tables, source, catalog, build=engine)
    return matrix_of(tables, source, catalog, cutoff, build=engine), now, cutoff
