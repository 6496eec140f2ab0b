"""Stacks of symmetric matrices of one or two rows, component by component: calling LAPACK on each costs several times as much.

A stack is an array (P, ...) of the lower triangle row by row: P = 1 for one row, 3 for two. Vectors are (G, ...).
"""

from __future__ import annotations

import numpy as np

DIAGONAL = {1: [0], 2: [0, 2]}  # places of the components on the diagonal, by rows


def packed(matrices: np.ndarray) -> np.ndarray:
    """Lower triangle of matrices (..., G, G), its components first."""
    rows, columns = np.tril_indices(matrices.shape[-1])
    return np.ascontiguousarray(np.moveaxis(matrices[..., rows, columns], -1, 0))


def cholesky(stack: np.ndarray) -> np.ndarray:
    """Lower factor of each matrix, packed likewise."""
    if len(stack) == 1:
        return np.sqrt(stack)
    top = np.sqrt(stack[0])
    side = stack[1] / top
    return np.stack([top, side, np.sqrt(stack[2] - side**2)])


def forward(factor: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Inverse of the factor times each vector."""
    if len(factor) == 1:
        return np.asarray(vectors / factor)
    first = vectors[0] / factor[0]
    return np.stack([first, (vectors[1] - factor[1] * first) / factor[2]])


def backward(factor: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Inverse of the transposed factor times each vector."""
    if len(factor) == 1:
        return np.asarray(vectors / factor)
    last = vectors[1] / factor[2]
    return np.stack([(vectors[0] - factor[1] * last) / factor[0], last])


def diagonal(stack: np.ndarray) -> np.ndarray:
    """Components on the diagonal, shape (G, ...)."""
    return stack[::2] if len(stack) > 1 else stack


def form(vectors: np.ndarray) -> np.ndarray:
    """Components of xx', those beside the diagonal twice: their sum with a stack's components is x'Ax."""
    if len(vectors) == 1:
        return np.asarray(vectors**2)
    return np.stack([vectors[0] ** 2, 2 * vectors[0] * vectors[1], vectors[1] ** 2])
