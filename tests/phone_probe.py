"""A model whose "classes" are its own inputs: what MediaPipe's tokenizer gives it.

T tokens. MediaPipe shows no ids, only scores; here the score of class k is ids[k], that
of class T + k is mask[k] and that of class 2 T + k is segment_ids[k].
"""

import io
import zipfile
from collections.abc import Sequence

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from firmware_export.phone_metadata import INPUTS, metadata_bytes


def probe_model(pieces: Sequence[str], tokens: int) -> bytes:
    """The .tflite: a concatenation and a cast, with the metadata of a phone model."""
    int32, float32 = schema.TensorType.INT32, schema.TensorType.FLOAT32
    operators, options = schema.BuiltinOperator, schema.BuiltinOptions
    inputs = [
        schema.TensorT(shape=[1, tokens], type=int32, name=name) for name in INPUTS
    ]
    together = [
        schema.TensorT(shape=[1, 3 * tokens], type=kind, name=name)
        for kind, name in ((int32, "all"), (float32, "probabilities"))
    ]
    graph = schema.SubGraphT(
        tensors=[*inputs, *together],
        inputs=[0, 1, 2],
        outputs=[4],
        operators=[
            schema.OperatorT(
                opcodeIndex=0,
                inputs=[0, 1, 2],
                outputs=[3],
                builtinOptionsType=options.ConcatenationOptions,
                builtinOptions=schema.ConcatenationOptionsT(axis=1),
            ),
            schema.OperatorT(
                opcodeIndex=1,
                inputs=[3],
                outputs=[4],
                builtinOptionsType=options.CastOptions,
                builtinOptions=schema.CastOptionsT(int32, float32),
            ),
        ],
    )
    metadata = list(metadata_bytes([], 0.0, "probabilities"))
    model = schema.ModelT(
        version=3,
        operatorCodes=[
            schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code)
            for code in (operators.CONCATENATION, operators.CAST)
        ],
        subgraphs=[graph],
        buffers=[schema.BufferT(), schema.BufferT(metadata)],
        metadata=[schema.MetadataT("TFLITE_METADATA", 1)],
    )
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    with io.BytesIO(bytes(builder.Output())) as file:
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr("vocab.txt", "".join(f"{piece}\n" for piece in pieces))
        return file.getvalue()
