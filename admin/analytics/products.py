"""Products of long, narrow matrices, in small pieces that are added up in a fixed order.

In one piece the linear algebra library would share the work among threads, which on a busy machine wait for each
other most of the time, and whose number would show in the last digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PIECE = 256


def gram(x: NDArray[Any], weight: NDArray[Any] | None = None) -> NDArray[Any]:
    """x' diag(weight) x."""
    return crossed(x, x if weight is None else x * weight[:, None])


def crossed(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """x' y, for matrices of equally many rows."""
    whole = len(x) // PIECE * PIECE
    head = x[:whole].reshape(-1, PIECE, x.shape[1])
    other = y[:whole].reshape(-1, PIECE, y.shape[1])
    return np.asarray(np.matmul(head.transpose(0, 2, 1), other).sum(axis=0) + x[whole:].T @ y[whole:])


def scores(x: NDArray[Any], coef: NDArray[Any]) -> NDArray[Any]:
    """x coef, for a vector or a narrow matrix of coefficients."""
    narrow = coef[:, None] if coef.ndim == 1 else coef
    whole = len(x) // PIECE * PIECE
    found = np.empty((len(x), narrow.shape[1]), dtype=np.result_type(x, coef))
    np.matmul(
        x[:whole].reshape(-1, PIECE, x.shape[1]),
        narrow,
        out=found[:whole].reshape(-1, PIECE, narrow.shape[1]),
    )
    found[whole:] = x[whole:] @ narrow
    return found[:, 0] if coef.ndim == 1 else found
