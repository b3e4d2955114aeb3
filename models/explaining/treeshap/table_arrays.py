"""Groups and their tables as the flat arrays the kernels walk over."""

from collections.abc import Sequence

import numpy as np

from features.array_types import Floats
from models.explaining.treeshap.flat_arrays import ints, offsets
from models.explaining.treeshap.table_kernel import LeafGames, Tables, fill_tables
from models.explaining.treeshap.table_plan import Group, table_size


def table_arrays(groups: Sequence[Sequence[Group]], scale: float) -> Tables:
    """Bits, table offset and output columns of every group, tree by tree; leaf values are multiplied by ``scale``."""
    flat = [group for part in groups for group in part]
    bits = [bit for group in flat for bit in group.bits]
    return Tables(
        tree_group=offsets(map(len, groups)),
        group_bit=offsets(len(group.bits) for group in flat),
        bit_start=offsets(map(len, bits)),
        literals=ints([2 * split + left for bit in bits for split, left in bit]),
        group_table=offsets(table_size([group]) for group in flat),
        group_column=offsets(len(group.columns) for group in flat),
        out_column=ints([column for group in flat for column in group.columns]),
        values=_table_values(flat, scale),
    )


def _table_values(groups: Sequence[Group], scale: float) -> Floats:
    """The groups' tables, one after the other, each column by column."""
    leaves = [leaf for group in groups for leaf in group.leaves]
    wanted = [feature for leaf in leaves for feature in leaf.features]
    position, ones, zeros = (ints([int(feature[k]) for feature in wanted]) for k in range(3))
    games = LeafGames(
        group_bits=ints([len(group.bits) for group in groups]),
        group_table=offsets(table_size([group]) for group in groups),
        group_leaf=offsets(len(group.leaves) for group in groups),
        leaf_value=np.array([scale * leaf.value for leaf in leaves], dtype=np.float64),
        leaf_start=offsets(len(leaf.features) for leaf in leaves),
        position=position,
        ones=ones,
        zeros=zeros,
        share=np.array([feature[3] for feature in wanted], dtype=np.float64),
    )

    tables = np.zeros(table_size(groups))
    fill_tables(games, tables)
    return tables
