"""Kernels that integrate Shapley values in one depth-first walk of a tree, several rows at a time or one.

At a split, ``pull`` says how far the row draws the chance of the first child from its share s: 1 - s or -s, and 0 where
an earlier split on the same feature already kept the row out. At a node of the rule with ``moved`` m, the chance of the
first child is c = s + m pull; m is the node x itself, or x / (x + (1 - x) z) below splits on the same feature that let
through the share z. With W the weight of the node times the chances above, and A, B the sums below the two children:
the sum below the split is B + c (A - B), and its feature gains pull * slope * W (A - B), slope = dm/dx.

No sum is re-ordered between the kernels, so one row alone has the bits it has among many.
"""

import numpy as np

from features.compiled_kernels import kernel
from models.explaining.treeshap.split_kernel import bin_block, decide_tree, decide_tree_alone, most_splits

PAIR, ENTER, TURN, LEAVE_ONE, LEAVE_BOTH = 0, 1, 2, 3, 4  # a split on two leaves; before, between, after its subtrees


@kernel
def _pull(goes_left, places, v, share, rows, pull):  # type: ignore[no-untyped-def]
    """How far each row draws a split's chance from its share."""
    left = goes_left[places[v, 0]]
    if places[v, 4]:
        for r in range(rows):
            pull[r] = (1.0 - left[r]) - share
    else:
        for r in range(rows):
            pull[r] = left[r] * 1.0 - share
    while places[v, 5] >= 0:
        flip, v = places[v, 6], places[v, 5]
        left = goes_left[places[v, 0]]
        for r in range(rows):
            pull[r] *= (left[r] ^ flip) * 1.0


@kernel
def _go_down(above, pull, share, moved, nodes, rows, below):  # type: ignore[no-untyped-def]
    """Weights of the first child from those of its split."""
    for q in range(nodes):
        m, source, target = moved[q], above[q], below[q]
        for r in range(rows):
            target[r] = source[r] * (share + m * pull[r])


@kernel
def _turn(above, nodes, rows, below):  # type: ignore[no-untyped-def]
    """Weights of the second child from those of its split and of the first child, in place of the latter."""
    for q in range(nodes):
        source, target = above[q], below[q]
        for r in range(rows):
            target[r] = source[r] - target[r]


@kernel
def _leave_pair(weight, pull, amounts, rule, nodes, rows, total, gain):  # type: ignore[no-untyped-def]
    """Sum below a split on two leaves, and what its feature gains; ``amounts`` are share and the two outputs."""
    share, second = amounts[0], amounts[2]
    apart = amounts[1] - second
    for q in range(nodes):
        m, step, w, up = rule[0, q], apart * rule[1, q], weight[q], total[q]
        for r in range(rows):
            gain[r] += w[r] * step
            up[r] = second + (share + m * pull[r]) * apart


@kernel
def _leave_one(weight, pull, amounts, rule, nodes, rows, first, total, gain):  # type: ignore[no-untyped-def]
    """Sum below a split whose second child is a leaf."""
    share, second = amounts[0], amounts[2]
    for q in range(nodes):
        m, slope, w, a, up = rule[0, q], rule[1, q], weight[q], first[q], total[q]
        for r in range(rows):
            apart = a[r] - second
            gain[r] += w[r] * apart * slope
            up[r] = second + (share + m * pull[r]) * apart


@kernel
def _leave_both(weight, pull, amounts, rule, nodes, rows, first, second, total, gain):  # type: ignore[no-untyped-def]
    """Sum below a split of two subtrees."""
    share = amounts[0]
    for q in range(nodes):
        m, slope, w, a, b, up = rule[0, q], rule[1, q], weight[q], first[q], second[q], total[q]
        for r in range(rows):
            apart = a[r] - b[r]
            gain[r] += w[r] * apart * slope
            up[r] = b[r] + (share + m * pull[r]) * apart


@kernel
def _credit(gain, pull, rows, sums):  # type: ignore[no-untyped-def]
    for r in range(rows):
        sums[r] += gain[r] * pull[r]
        gain[r] = 0.0


@kernel
def _integrate_tree(walks, t, goes_left, rows, pulls, weights, totals, gain, sums):  # type: ignore[no-untyped-def]
    """Add a tree's Shapley values to the sums of a block of rows, shape (outputs, lanes).

    ``pulls`` (levels, lanes), ``weights`` (levels, nodes, lanes) and ``totals`` (2, levels, nodes, lanes) are stacks,
    one entry a level; ``gain`` (lanes,) is zero before and after.
    """
    nodes, steps, places = walks.nodes[t], walks.steps, walks.places
    amounts, rules = walks.amounts, walks.rules
    for q in range(nodes):
        weights[0, q, :rows] = walks.weights[nodes, q]

    for i in range(walks.tree_step[t], walks.tree_step[t + 1]):
        kind, v = steps[i, 0], steps[i, 1]
        level, rule = places[v, 1], rules[places[v, 7]]
        pull, weight, total = pulls[level], weights[level], totals[places[v, 2], level]
        if kind == TURN:
            _turn(weight, nodes, rows, weights[level + 1])
            continue

        if kind in (ENTER, PAIR):
            _pull(goes_left, places, v, amounts[v, 0], rows, pull)
        if kind == ENTER:
            _go_down(weight, pull, amounts[v, 0], rule[0], nodes, rows, weights[level + 1])
            continue

        if kind == PAIR:
            _leave_pair(weight, pull, amounts[v], rule, nodes, rows, total, gain)
        elif kind == LEAVE_ONE:
            _leave_one(weight, pull, amounts[v], rule, nodes, rows, totals[0, level + 1], total, gain)
        else:
            first, second = totals[0, level + 1], totals[1, level + 1]
            _leave_both(weight, pull, amounts[v], rule, nodes, rows, first, second, total, gain)
        _credit(gain, pull, rows, sums[places[v, 3]])


@kernel
def _integrate_tree_alone(walks, t, goes_left, pulls, weights, totals, sums):  # type: ignore[no-untyped-def]
    """:func:`_integrate_tree` for one row, in the same order; no array has an axis of lanes."""
    nodes, steps, places = walks.nodes[t], walks.steps, walks.places
    amounts, rules = walks.amounts, walks.rules
    for q in range(nodes):
        weights[0, q] = walks.weights[nodes, q]

    for i in range(walks.tree_step[t], walks.tree_step[t + 1]):
        kind, v = steps[i, 0], steps[i, 1]
        level, share, rule = places[v, 1], amounts[v, 0], places[v, 7]
        if kind == TURN:
            for q in range(nodes):
                weights[level + 1, q] = weights[level, q] - weights[level + 1, q]
            continue

        if kind in (ENTER, PAIR):
            left = goes_left[places[v, 0]]
            pulls[level] = ((1.0 - left) if places[v, 4] else left * 1.0) - share
            above = v
            while places[above, 5] >= 0:
                flip, above = places[above, 6], places[above, 5]
                pulls[level] *= (goes_left[places[above, 0]] ^ flip) * 1.0
        pull = pulls[level]
        if kind == ENTER:
            for q in range(nodes):
                weights[level + 1, q] = weights[level, q] * (share + rules[rule, 0, q] * pull)
            continue

        gain, side = 0.0, places[v, 2]
        for q in range(nodes):
            chance = share + rules[rule, 0, q] * pull
            if kind == PAIR:
                second = amounts[v, 2]
                apart = amounts[v, 1] - second
                gain += weights[level, q] * (apart * rules[rule, 1, q])
            else:
                second = amounts[v, 2] if kind == LEAVE_ONE else totals[1, level + 1, q]
                apart = totals[0, level + 1, q] - second
                gain += weights[level, q] * apart * rules[rule, 1, q]
            totals[side, level, q] = second + chance * apart
        sums[places[v, 3]] += gain * pull


@kernel
def integrate_rows(design, low_row, high_row, splits, walks, out):  # type: ignore[no-untyped-def]
    """Add Shapley values to ``out`` for rows ``low_row`` to ``high_row``, a block at a time, feature-major."""
    kind, lanes, levels, nodes = splits.bounds.dtype, walks.lanes, walks.levels, walks.weights.shape[1]
    bins, goes_left = np.empty((len(splits.columns), lanes), kind), np.empty((most_splits(splits), lanes), kind)
    pulls, weights = np.empty((levels, lanes)), np.empty((levels, nodes, lanes))
    totals, gain = np.empty((2, levels, nodes, lanes)), np.zeros(lanes)
    values, sums = np.empty(lanes), np.empty((out.shape[1], lanes))
    for start in range(low_row, high_row, lanes):
        rows = min(lanes, high_row - start)
        bin_block(design, start, rows, splits.columns, splits.thresholds, bins, values)
        sums[:, :] = 0.0
        for t in range(len(splits.tree) - 1):
            decide_tree(bins, splits, t, rows, goes_left)
            _integrate_tree(walks, t, goes_left, rows, pulls, weights, totals, gain, sums)
        for r in range(rows):
            for c in range(out.shape[1]):
                out[start + r, c] += sums[c, r]


@kernel
def integrate_row(design, row, splits, walks, out):  # type: ignore[no-untyped-def]
    """The sums of :func:`integrate_rows` for one row, in the same order: without blocks."""
    kind, levels, nodes = splits.bounds.dtype, walks.levels, walks.weights.shape[1]
    bins, goes_left = np.empty((len(splits.columns), 1), kind), np.empty(most_splits(splits), kind)
    pulls, weights, totals = np.empty(levels), np.empty((levels, nodes)), np.empty((2, levels, nodes))
    sums = np.zeros(out.shape[1])
    bin_block(design, row, 1, splits.columns, splits.thresholds, bins, np.empty(1))
    for t in range(len(splits.tree) - 1):
        decide_tree_alone(bins, splits, t, goes_left)
        _integrate_tree_alone(walks, t, goes_left, pulls, weights, totals, sums)
    for c in range(len(sums)):
        out[row, c] += sums[c]
