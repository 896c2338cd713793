"""The arithmetic of a slice, of a teacher or of a larger student.

H hidden size before, h after, E embedding size before, e after, N heads, D head size,
F feed-forward size, V pieces. With a basis P [H, h] (orthonormal columns) the smaller
residual stream is x P: a weight that reads the stream becomes P' W, one that writes it
W P. Of heads, neurons and blocks some stay, with all of their weights.
"""

import dataclasses

import numpy as np

from ei_bert_tf.recipe import StudentConfig

# Arrays under the names of the student's layers, as get_weights has them.
Weights = dict[str, list[np.ndarray]]
_LEAST_VARIANCE = 1e-12
_READERS = ("query", "key", "value")


@dataclasses.dataclass(frozen=True)
class Slice:
    """Where to cut, as states on real text say.

    Attributes:
        basis: float32 [H, h], rotated eigenvectors of the uncentred second moment of
            the residual stream.
        kept_energy: share of that moment inside the basis.
        blocks: the blocks that stay, one a block of the result.
        heads, neurons: for each kept block the ids that stay, ascending.
        norms: for each of the result's norms what NormFit has found; None where the
            stream stays as it is, and the norms with it.
        gains: for each kept block and each of its heads that stay what its context is
            multiplied by; None for 1.
    """

    basis: np.ndarray
    kept_energy: float
    blocks: list[int]
    heads: list[np.ndarray]
    neurons: list[np.ndarray]
    norms: list[tuple[np.ndarray, np.ndarray]] | None
    gains: list[np.ndarray] | None = None


class NormFit:
    """Least squares of norm(x) * scale + shift to what the larger model's norm gives
    in the smaller one's basis; the scale is one per dimension, that of `rms` one in
    all."""

    def __init__(self, norm: str):
        self._norm = norm
        self._sums = [0.0] * 5

    def add(self, before: np.ndarray, after: np.ndarray) -> None:
        """Takes in rows [R, h] from before and behind the norm, in the basis."""
        x = before.astype(np.float64)
        if self._norm != "affine":
            x = x - x.mean(axis=1, keepdims=True)
            x = x / np.sqrt(np.square(x).mean(axis=1, keepdims=True) + _LEAST_VARIANCE)
        y = after.astype(np.float64)
        terms = (len(x), x.sum(0), y.sum(0), (x * x).sum(0), (x * y).sum(0))
        self._sums = [a + b for a, b in zip(self._sums, terms, strict=True)]

    def solve(self) -> tuple[np.ndarray, np.ndarray]:
        """Scale, float32 [h] (of `rms` [1]), and shift, float32 [h]."""
        n, x, y, xx, xy = self._sums
        covariance, variance = xy - x * y / n, xx - x * x / n
        if self._norm == "rms":
            covariance, variance = (
                terms.sum(keepdims=True) for terms in (covariance, variance)
            )
        scale = covariance / np.maximum(variance, _LEAST_VARIANCE)
        return scale.astype(np.float32), ((y - scale * x) / n).astype(np.float32)


class GainFit:
    """Least squares, for each head, of gain * context to the context of another form of
    attention; at least LEAST, so that no head starts as dead or turned round."""

    LEAST = 1e-3

    def __init__(self):
        self._sums = [0.0, 0.0]

    def add(self, context: np.ndarray, wanted: np.ndarray) -> None:
        """Takes in rows [R, N, D] of both."""
        x, y = context.astype(np.float64), wanted.astype(np.float64)
        terms = (x * x).sum((0, 2)), (x * y).sum((0, 2))
        self._sums = [a + b for a, b in zip(self._sums, terms, strict=True)]

    def solve(self) -> np.ndarray:
        """float32 [N]."""
        xx, xy = self._sums
        gains = xy / np.maximum(xx, _LEAST_VARIANCE)
        return np.maximum(gains, self.LEAST).astype(np.float32)


def rotated_basis(moment: np.ndarray, size: int, seed: int) -> tuple[np.ndarray, float]:
    """The leading eigenvectors of a second moment, times a random orthogonal matrix.

    The rotation spreads outlier dimensions, which per-tensor int8 could not hold
    otherwise.

    Args:
        moment: float64 [H, H], uncentred.

    Returns:
        float32 [H, size] and the share of the moment's trace inside.
    """
    values, vectors = np.linalg.eigh(moment)
    chosen = vectors[:, ::-1][:, :size]
    energy = values[::-1][:size].sum() / values.sum()
    return (chosen @ rotation(size, seed)).astype(np.float32), float(energy)


def rotation(size: int, seed: int) -> np.ndarray:
    """Random orthogonal matrix, uniform (QR of a Gaussian, signs fixed)."""
    gaussian = np.random.default_rng(seed).standard_normal((size, size))
    q, r = np.linalg.qr(gaussian)
    return q * np.sign(np.diag(r))


def best(scores: np.ndarray, count: int) -> np.ndarray:
    """Ids of the `count` highest scores, ascending; of equal ones the first."""
    return np.sort(np.argsort(-scores, kind="stable")[:count])


def factorised(rows: np.ndarray, piece_weights: np.ndarray, size: int) -> np.ndarray:
    """The leading directions of an embedding table, by an SVD weighted with the root
    of what each piece counts.

    Args:
        rows: [V, h], the pieces' vectors in the stream.
        piece_weights: float [V].

    Returns:
        [size, h], orthonormal rows, the leading one first.
    """
    weights = np.sqrt(piece_weights + 1.0)[:, None]
    _, _, right = np.linalg.svd(weights * rows, full_matrices=False)
    return right[:size]


def sliced(weights: Weights, config: StudentConfig, cut: Slice) -> Weights:
    """What is left behind the embedding table and its projection.

    Args:
        weights: of the larger model; where it has no segment ids, those that it has
            are left out.
        config: of the result; head_size is the larger model's.
        cut: for the result.
    """
    basis, size = cut.basis, config.head_size
    width = config.heads * size
    found = {
        name: [weights[name][0] @ basis]
        for name in ("positions", "segment_embedding")
        if name in weights
    }
    kernel, bias = weights["task_projection"]
    found["task_projection"] = [basis.T @ kernel, bias]
    for name in ("pooler", "classifier"):
        found[name] = weights[name]
    for index, block in enumerate(cut.blocks):
        old, new = f"block_{block}", f"block_{index}"
        heads, neurons = cut.heads[index], cut.neurons[index]
        for role in _READERS:
            kernel, bias = weights[f"{old}_{role}"]
            kernel = kernel.reshape(len(kernel), -1, size)[:, heads].reshape(-1, width)
            bias = bias.reshape(-1, size)[heads].reshape(width)
            found[f"{new}_{role}"] = [basis.T @ kernel, bias]
        # A gain is shared out: half of it, as a factor, on either side of the context.
        half = np.sqrt(np.ones(len(heads)) if cut.gains is None else cut.gains[index])
        half = half.astype(np.float32).repeat(size)
        found[f"{new}_value"] = [half * values for values in found[f"{new}_value"]]
        kernel, bias = weights[f"{old}_attention_output"]
        kernel = kernel.reshape(-1, size, kernel.shape[-1])[heads].reshape(width, -1)
        kernel = half[:, None] * kernel
        found[f"{new}_attention_output"] = [kernel @ basis, bias @ basis]
        kernel, bias = weights[f"{old}_feed_forward"]
        found[f"{new}_feed_forward"] = [basis.T @ kernel[:, neurons], bias[neurons]]
        kernel, bias = weights[f"{old}_feed_forward_output"]
        found[f"{new}_feed_forward_output"] = [kernel[neurons] @ basis, bias @ basis]
    return found


def add_norms(weights: Weights, config: StudentConfig, cut: Slice) -> None:
    """Adds the fitted norms, exactly.

    `rms` has no gain: in place of c n + s the stream has n + s / c, what reads it
    c W, and what writes the other side of the next sum W / c and b / c, because the
    next norm is that of a multiple too. (Kernels that blocks share get one block's c.)
    """
    places = norm_places(config)
    for place, ((norm, _), fit) in enumerate(zip(places, cut.norms, strict=True)):
        scale, shift = fit
        if config.norm != "rms":
            weights[f"{norm}_scale"] = [scale]
            weights[f"{norm}_shift"] = [shift]
        else:
            weights[f"{norm}_shift"] = [shift / scale]
            for reader in readers_behind(place, config):
                kernel, bias = weights[reader]
                weights[reader] = [scale * kernel, bias]
            if place + 1 < len(places):
                _, writer = places[place + 1]
                weights[writer] = [values / scale for values in weights[writer]]


def norm_places(config: StudentConfig) -> list[tuple[str, str]]:
    """Each norm, in order, with the layer whose bias is added right before it."""
    places = [("embedding_norm", "positions")]
    for index in range(config.layers):
        name = f"block_{index}"
        places.append((f"{name}_attention_norm", f"{name}_attention_output"))
        places.append((f"{name}_feed_forward_norm", f"{name}_feed_forward_output"))
    return places


def readers_behind(place: int, config: StudentConfig) -> list[str]:
    """The layers that read what a norm gives.

    Args:
        place: of the norm in norm_places.
    """
    index, is_feed_forward = divmod(place, 2)
    if is_feed_forward:
        return [f"block_{index}_feed_forward"]
    if index < config.layers:
        return [f"block_{index}_{role}" for role in _READERS]
    return ["task_projection"]
