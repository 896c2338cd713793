"""Rewrites attention as products that have fast kernels, one head after the other.

Of ReLU attention a head is two products and nothing else: ReLU is the first one's.

LiteRT and TensorFlow Lite Micro multiply int8 batches in plain loops, and broadcast the
mask's addition and move the heads element by element. FULLY_CONNECTED accepts weights
and a bias that are computed, has vector instructions in both, and adds the mask while
it accumulates, so that one rounding less remains. A head's scores are gone before the
next head's are made. Weights must have zero point 0: some kernels read no other.

T tokens, M queries (T, or 1 in the last block), N heads, D head size.
"""

import collections

from ai_edge_litert import schema_py_generated as schema

from ei_bert_tf.conversion.editing import GraphEditor

_MOVES = ("RESHAPE", "TRANSPOSE")


def rewrite_attention(editor: GraphEditor) -> None:
    """Puts N times FULLY_CONNECTED, SOFTMAX, FULLY_CONNECTED in the place of each
    BATCH_MATMUL, ADD, SOFTMAX, BATCH_MATMUL, and moves heads by SPLIT and
    CONCATENATION. Where an ADD with ReLU stands for ADD and SOFTMAX, the first
    FULLY_CONNECTED has it.

    Raises:
        ValueError: keys or values have another zero point than 0, or a mask's token
            adds something to the scores.
    """
    graph = editor.graph
    makers = {int(i): op for op in graph.operators for i in op.outputs}
    readers = collections.defaultdict(list)
    for op in graph.operators:
        for index in op.inputs:
            readers[int(index)].append(op)
    blocks = [
        _Block(editor, maker, makers, readers)
        for product in graph.operators
        if editor.name(product) == "BATCH_MATMUL"
        and (maker := makers.get(int(product.inputs[0]))) is not None
        and editor.name(maker) in ("SOFTMAX", "ADD")
    ]
    if not blocks:
        return
    padding = _padding(editor, blocks[0].mask)
    replaced = {id(op) for block in blocks for op in block.replaced}
    replaced.add(id(blocks[0].mask))
    new = {id(block.replaced[-1]): block for block in blocks}
    operators = []
    for op in graph.operators:
        if id(op) in new:
            operators += new[id(op)].by_heads(padding)
        elif op is blocks[0].mask:
            operators.append(padding.operator)
        if id(op) not in replaced:
            operators.append(op)
    graph.operators = operators


class _Padding:
    """Where padding is: int32 [1, T], -1 there and 0 elsewhere.

    Attributes:
        operator: computes it.
        tensor: its result.
        penalty: what a padding token takes off its scores.
    """

    def __init__(self, editor: GraphEditor, mask: int, penalty: float):
        self.tensor = editor.integers(editor.shape(mask))
        one = editor.constant([1])
        self.operator = editor.operator(
            "SUB", [mask, one], [self.tensor], schema.SubOptionsT()
        )
        self.penalty = penalty


def _padding(editor: GraphEditor, gather: schema.OperatorT) -> _Padding:
    table, mask = map(int, gather.inputs)
    scale, zero_point = editor.range(table)
    padding, token = (scale * (int(x) - zero_point) for x in editor.values(table))
    if token != 0.0:
        raise ValueError(f"model: the mask adds {token} to the scores of a token")
    return _Padding(editor, mask, -padding)


class _Block:
    """One attention as the converter wrote it.

    Attributes:
        mask: the GATHER of the scores' addend.
        replaced: its operators, the last in the place of the new ones.
    """

    def __init__(self, editor: GraphEditor, weigher, makers, readers):
        self._editor = editor
        masked = weigher
        self._softmax = None
        if editor.name(weigher) == "SOFTMAX":
            masked = makers[int(weigher.inputs[0])]
            self._softmax = weigher
        scores, addend = (int(index) for index in masked.inputs)
        self.mask = makers[addend]
        first = makers[scores]
        (second,) = readers[int(weigher.outputs[0])]
        self._scores, self._weights = masked.outputs[0], int(weigher.outputs[0])
        self._activation = masked.builtinOptions.fusedActivationFunction
        self._context = int(second.outputs[0])
        self.replaced = [masked, first, weigher, second]

        def source(tensor: int) -> int:
            while tensor in makers and editor.name(makers[tensor]) in _MOVES:
                self.replaced.append(makers[tensor])
                tensor = int(makers[tensor].inputs[0])
            return tensor

        self._query, self._key = (source(int(index)) for index in first.inputs)
        self._value = source(int(second.inputs[1]))
        self._joined = self._context
        while editor.name(readers[self._joined][0]) in _MOVES:
            (move,) = readers[self._joined]
            self.replaced.append(move)
            self._joined = int(move.outputs[0])
        for tensor in (self._key, self._value):
            zero_point = editor.range(tensor)[1]
            if zero_point != 0:
                raise ValueError(
                    f"model: attention multiplies by a tensor with zero point "
                    f"{zero_point}; 0 (a symmetric range) is accepted"
                )

    def by_heads(self, padding: _Padding) -> list[schema.OperatorT]:
        """The operators that take their place."""
        editor = self._editor
        _, heads, queries, size = editor.shape(self._context)
        tokens = editor.shape(self._scores)[-1]
        found: list[schema.OperatorT] = []
        # [T, D] each, [D, T] each and [1, M, D] each.
        keys = self._split(found, self._flat(found, self._key), 1, heads)
        turned = editor.like(self._value, [heads * size, tokens], b"_turned")
        flat = self._flat(found, self._value)
        order = editor.constant([1, 0])
        options = schema.TransposeOptionsT()
        found.append(editor.operator("TRANSPOSE", [flat, order], [turned], options))
        values = self._split(found, turned, 0, heads)
        parts = self._split(found, self._query, 2, heads)
        scale = editor.range(self._query)[0] * editor.range(self._key)[0]
        bias = editor.integers([1, tokens], scale)
        penalty = editor.constant([round(padding.penalty / scale)])
        found.append(
            editor.operator(
                "MUL", [padding.tensor, penalty], [bias], schema.MulOptionsT()
            )
        )
        contexts = []
        for query, key, value in zip(parts, keys, values, strict=True):
            weights = scores = editor.like(self._scores, [1, queries, tokens])
            product = editor.fully_connected(query, key, bias, scores, self._activation)
            found.append(product)
            if self._softmax is not None:
                weights = editor.like(self._weights, [1, queries, tokens])
                softmax = self._softmax.builtinOptions
                found.append(editor.operator("SOFTMAX", [scores], [weights], softmax))
            contexts.append(editor.like(self._context, [1, queries, size]))
            found.append(editor.fully_connected(weights, value, -1, contexts[-1]))
        options = schema.ConcatenationOptionsT()
        options.axis = 2
        join = editor.operator("CONCATENATION", contexts, [self._joined], options)
        found.append(join)
        return found

    def _flat(self, found: list[schema.OperatorT], tensor: int) -> int:
        """[1, T, N * D] as [T, N * D]: weights have rank 2."""
        editor = self._editor
        flat = editor.like(tensor, editor.shape(tensor)[1:], b"_flat")
        shape = editor.constant(editor.shape(flat))
        options = schema.ReshapeOptionsT()
        found.append(editor.operator("RESHAPE", [tensor, shape], [flat], options))
        return flat

    def _split(
        self, found: list[schema.OperatorT], tensor: int, axis: int, heads: int
    ) -> list[int]:
        """N equal parts along an axis."""
        editor = self._editor
        shape = editor.shape(tensor)
        shape[axis] //= heads
        parts = [editor.like(tensor, shape, b"_head") for _ in range(heads)]
        options = schema.SplitOptionsT()
        options.numSplits = heads
        inputs = [editor.constant(axis), tensor]
        found.append(editor.operator("SPLIT", inputs, parts, options))
        return parts
