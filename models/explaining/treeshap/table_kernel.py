"""Kernels of the tables: Shapley values of every pattern of conditions, and looking rows up in them."""

from typing import NamedTuple

import numpy as np

from features.array_types import Floats, Ints
from features.compiled_kernels import kernel
from models.explaining.treeshap.split_kernel import bin_block, decide

BLOCK = 256  # rows at a time: their bins and sums stay in the second-level cache


class LeafGames(NamedTuple):
    """The leaves of all groups as games, group by group; a ``*_start`` or ``group_*`` array has one item more.

    Parameters
    ----------
    group_bits : bits of each group; its table has ``2 ** bits`` values a column
    group_table : where each group's table starts
    group_leaf : the first leaf of each group
    leaf_value : output of each leaf
    leaf_start : the first feature of each leaf
    position, ones, zeros, share : per feature on a leaf's path its column in the group's table, the bits it wants to
        be 1 and to be 0, and the share of rows that follow the path where the feature is unknown
    """

    group_bits: Ints
    group_table: Ints
    group_leaf: Ints
    leaf_value: Floats
    leaf_start: Ints
    position: Ints
    ones: Ints
    zeros: Ints
    share: Floats


class Tables(NamedTuple):
    """Groups and their tables, as the kernels walk them; ``first`` arrays have one item more.

    Parameters
    ----------
    tree_group : the first group of each tree
    group_bit : the first bit of each group
    bit_start : the first literal of each bit
    literals : ``2 * split + 1`` where the row must go left at a split, ``2 * split`` where it must go right
    group_table : where each group's table starts in ``values``
    group_column : the first output column of each group in ``out_column``
    out_column : the output column of each of a group's columns
    values : the groups' tables, one after the other, each column by column
    """

    tree_group: Ints
    group_bit: Ints
    bit_start: Ints
    literals: Ints
    group_table: Ints
    group_column: Ints
    out_column: Ints
    values: Floats


@kernel
def shapley_of_pattern(met, share, value, weights, found):  # type: ignore[no-untyped-def]
    """Shapley values of a leaf's product game for one pattern of met conditions, into ``found``.

    Player f contributes factor 1 or 0 if present, ``share[f]`` if absent. With the others that are met called ones:
    phi_f = value (met_f - share_f) prod_{unmet} share * sum_k k! (d-k-1)!/d! e_{ones-k}(share of ones), where e are
    elementary symmetric polynomials; ``weights[k]`` holds k! (d-k-1)!/d!.
    """
    d = len(share)
    poly = np.empty(d + 1)
    for f in range(d):
        unmet, ones = 1.0, 0
        poly[0] = 1.0
        for g in range(d):
            if g == f:
                continue
            if met[g]:
                ones += 1
                poly[ones] = 0.0
                for k in range(ones, 0, -1):
                    poly[k] += poly[k - 1] * share[g]
            else:
                unmet *= share[g]

        total = 0.0
        for k in range(ones + 1):
            total += weights[k] * poly[ones - k]
        found[f] = value * ((1.0 if met[f] else 0.0) - share[f]) * unmet * total


@kernel
def fill_tables(games, tables):  # type: ignore[no-untyped-def]
    """Sum over a group's leaves of their Shapley values, for every pattern of the group's bits (:class:`LeafGames`)."""
    group_bits, group_table, group_leaf, leaf_value, leaf_start, position, ones, zeros, share = games
    for g in range(len(group_bits)):
        patterns = 1 << group_bits[g]
        for leaf in range(group_leaf[g], group_leaf[g + 1]):
            low, high = leaf_start[leaf], leaf_start[leaf + 1]
            d = high - low
            weights = np.empty(d)
            weights[0] = 1.0 / d
            for k in range(1, d):
                weights[k] = weights[k - 1] * k / (d - k)
            found = np.empty((1 << d, d))
            met = np.empty(d, np.bool_)
            for own in range(1 << d):
                for f in range(d):
                    met[f] = (own >> f) & 1 == 1
                shapley_of_pattern(met, share[low:high], leaf_value[leaf], weights, found[own])
            for pattern in range(patterns):
                own = 0
                for f in range(d):
                    want = ones[low + f]
                    if pattern & want == want and pattern & zeros[low + f] == 0:
                        own |= 1 << f
                for f in range(d):
                    tables[group_table[g] + position[low + f] * patterns + pattern] += found[own, f]


@kernel
def _match(goes_left, literals, bit_start, first_bit, last_bit, held, pattern):  # type: ignore[no-untyped-def]
    """Bits first_bit..last_bit of every row as one number; a bit is 1 where all its literals hold."""
    rows = len(pattern)
    pattern[:] = 0
    for b in range(first_bit, last_bit):
        for k in range(bit_start[b], bit_start[b + 1]):
            source, flip = goes_left[literals[k] >> 1], 1 - (literals[k] & 1)
            if k == bit_start[b]:
                for r in range(rows):
                    held[r] = source[r] ^ flip
            else:
                for r in range(rows):
                    held[r] &= source[r] ^ flip
        shift = b - first_bit
        for r in range(rows):
            pattern[r] |= held[r] << shift


@kernel
def _add(table, pattern, sums):  # type: ignore[no-untyped-def]
    """Add each row's table value to its sum."""
    for r in range(len(pattern)):
        sums[r] += table[pattern[r]]


@kernel
def look_up_rows(design, low_row, high_row, splits, tables, out):  # type: ignore[no-untyped-def]
    """Add table values to ``out`` for rows ``low_row`` to ``high_row``, a block at a time, feature-major."""
    columns, thresholds, tree_node, node_column, node_range, node_set, sets = splits
    tree_group, group_bit, bit_start, literals, group_table, group_column, out_column, values = tables

    kind, widest = node_range.dtype, 1
    for t in range(len(tree_node) - 1):
        widest = max(widest, tree_node[t + 1] - tree_node[t])
    bins, goes_left = np.empty((len(columns), BLOCK), kind), np.empty((widest, BLOCK), kind)
    held, pattern = np.empty(BLOCK, kind), np.empty(BLOCK, kind)
    column, sums = np.empty(BLOCK), np.empty((out.shape[1], BLOCK))

    for start in range(low_row, high_row, BLOCK):
        rows = min(BLOCK, high_row - start)
        bin_block(design, start, rows, columns, thresholds, bins, column)
        sums[:, :] = 0.0
        for t in range(len(tree_node) - 1):
            first = tree_node[t]
            for n in range(first, tree_node[t + 1]):
                members = sets[node_set[n, 0] : node_set[n, 1]]
                low, width = node_range[n]
                decide(bins[node_column[n], :rows], low, width, members, goes_left[n - first])
            for g in range(tree_group[t], tree_group[t + 1]):
                _match(goes_left, literals, bit_start, group_bit[g], group_bit[g + 1], held, pattern[:rows])
                size, at = 1 << (group_bit[g + 1] - group_bit[g]), group_table[g]
                for k in range(group_column[g], group_column[g + 1]):
                    _add(values[at : at + size], pattern[:rows], sums[out_column[k]])
                    at += size
        for r in range(rows):
            for c in range(out.shape[1]):
                out[start + r, c] += sums[c, r]


@kernel
def look_up_row(design, row, splits, tables, out):  # type: ignore[no-untyped-def]
    """The sums of :func:`look_up_rows` for one row, in the same order: without blocks, which cost a row alone most."""
    columns, thresholds, tree_node, node_column, node_range, node_set, sets = splits
    tree_group, group_bit, bit_start, literals, group_table, group_column, out_column, values = tables

    widest = 1
    for t in range(len(tree_node) - 1):
        widest = max(widest, tree_node[t + 1] - tree_node[t])
    bins, goes_left = np.empty((len(columns), 1), node_range.dtype), np.empty(widest, node_range.dtype)
    bin_block(design, row, 1, columns, thresholds, bins, np.empty(1))

    for t in range(len(tree_node) - 1):
        first = tree_node[t]
        for n in range(first, tree_node[t + 1]):
            here = bins[node_column[n], 0]
            if node_set[n, 1] > node_set[n, 0]:
                goes_left[n - first] = sets[node_set[n, 0] + here]
            else:
                goes_left[n - first] = here - node_range[n, 0]  # unsigned: what is below comes out far above
                goes_left[n - first] = goes_left[n - first] <= node_range[n, 1]
        for g in range(tree_group[t], tree_group[t + 1]):
            pattern = 0
            for b in range(group_bit[g], group_bit[g + 1]):
                held = 1
                for k in range(bit_start[b], bit_start[b + 1]):
                    held &= goes_left[literals[k] >> 1] ^ (1 - (literals[k] & 1))
                pattern |= held << (b - group_bit[g])
            size, at = 1 << (group_bit[g + 1] - group_bit[g]), group_table[g]
            for k in range(group_column[g], group_column[g + 1]):
                out[row, out_column[k]] += values[at + pattern]
                at += size
