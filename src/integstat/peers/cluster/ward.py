"""Ward's hierarchical groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from integstat.peers.cluster.rows import Rows, in_order


def ward(rows: Rows, ks: Sequence[int]) -> np.ndarray:
    """Cut one tree into several numbers of groups.

    Parameters
    ----------
    rows : Rows
        With whole numbers as weights.
    ks : sequence of int
        Each at most the number of rows.

    Returns
    -------
    ndarray of int, shape (len(ks), m)
        Labels from 0 in the order of first appearance.

    Notes
    -----
    Merges the two groups whose union raises the sum of squares least (Ward 1963,
    https://doi.org/10.1080/01621459.1963.10500845); copies are merged first, at no cost. Where several merges cost the same,
    the order of the rows decides, and there are exactly k groups all the same. A merge is never taken back.
    """
    copies = np.repeat(np.arange(len(rows.points)), rows.weight.astype(int))
    if len(copies) == 1:
        return np.zeros((len(ks), 1), dtype=np.int64)
    tree = linkage(rows.points[copies], "ward")
    tree[:, 2] = np.arange(len(tree))
    first = np.searchsorted(copies, np.arange(len(rows.points)))
    return np.array([in_order(fcluster(tree, k, "maxclust")[first]) for k in ks])
