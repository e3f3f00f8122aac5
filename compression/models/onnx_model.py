"""A model that ONNX Runtime runs, standing where a torch model stands in a `Classifier`. Its file is not trusted."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from compression.errors import ModelError
from compression.models.classifier import explaining

if TYPE_CHECKING:
    import numpy as np
    import torch
    from onnx import ModelProto
    from transformers import PretrainedConfig
    from transformers.modeling_outputs import SequenceClassifierOutput

FILE = "model.onnx"
INPUTS = ("input_ids", "attention_mask")
MAX_BYTES = 2**31 - 1  # what one file of this format can hold
# Beyond ONNX itself: the only operators the quantized models have. Others of this domain read files.
_OPERATORS = {"com.microsoft": {"MatMulNBits", "GatherBlockQuantized"}}
_ROUNDING = {"DynamicQuantizeLinear", "MatMulInteger", "MatMulNBits"}  # of activations, by the largest among them


class OnnxModel:
    """An ONNX graph on the CPU with the config of the model it came from; always in eval mode, nothing to train."""

    def __init__(self, content: bytes, config: "PretrainedConfig", called: str, threads: int | None = None) -> None:
        """Starts a session on the bytes of a model file; `threads` work on one text (default: all there are).

        Raises ModelError, calling the file by `called`.
        """
        import onnxruntime
        import torch

        rounds = _check(content, called)
        self.config = config
        self.device = torch.device("cpu")
        self._bytes = len(content)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or torch.get_num_threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # fatal errors; all others are raised
        options.add_session_config_entry("session.force_spinning_stop", "1")  # idle threads leave the CPU to others
        with explaining(f"{called} cannot be run ({{}}). Save the model again."):
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._alone = rounds
        self._at_once = max(1, torch.get_num_threads() // options.intra_op_num_threads)
        self._pool = ThreadPoolExecutor(self._at_once, "onnx")

    def __call__(self, input_ids: "torch.Tensor", attention_mask: "torch.Tensor") -> "SequenceClassifierOutput":
        """`logits` (batch, classes) of token ids, both inputs (batch, length) int64, padded on the right.

        Where activations are rounded, each row is run alone and without its padding: they are rounded by their largest
        value, so a text's neighbours would change its verdict.
        """
        import numpy as np
        import torch
        from transformers.modeling_outputs import SequenceClassifierOutput

        ids, mask = input_ids.numpy(), attention_mask.numpy()
        lengths = mask.sum(1)

        def run(rows: "np.ndarray") -> "np.ndarray":
            longest = int(lengths[rows].max())
            inputs = {"input_ids": ids[rows, :longest], "attention_mask": mask[rows, :longest]}
            found: np.ndarray = self._session.run(None, inputs)[0]
            return found

        count = len(ids) if self._alone else min(self._at_once, len(ids))
        parts = np.array_split(np.arange(len(ids)), count)
        found = map(run, parts) if min(count, self._at_once) == 1 else self._pool.map(run, parts)
        return SequenceClassifierOutput(logits=torch.from_numpy(np.concatenate(list(found))))

    def eval(self) -> "OnnxModel":
        """The model itself."""
        return self

    def parameters(self) -> "Iterator[torch.nn.Parameter]":
        """None: the weights lie in the session."""
        return iter(())

    def modules(self) -> "Iterator[torch.nn.Module]":
        """None."""
        return iter(())

    def get_memory_footprint(self) -> int:
        """Bytes of the model file, which the session holds."""
        return self._bytes


def _check(content: bytes, called: str) -> bool:
    """Whether the graph in these bytes rounds activations as it runs.

    Raises ModelError unless it can do nothing but calculate with the weights it holds.
    """
    import onnx

    if len(content) > MAX_BYTES:
        raise ModelError(f"{called} has more than {MAX_BYTES:,} bytes. Use a smaller model.")
    with explaining(f"{called} is no ONNX model ({{}}). Save the model again."):
        model = onnx.load_model_from_string(content)
    refused = next(_unsafe(model), None)
    if refused is not None:
        raise ModelError(f"{called} {refused}, which is never done here. Save the model again with this program.")
    if sorted(value.name for value in model.graph.input) != sorted(INPUTS) or len(model.graph.output) != 1:
        raise ModelError(f"{called} is no text classifier: it does not take {' and '.join(INPUTS)}. Use another model.")
    return any(node.op_type in _ROUNDING for node in model.graph.node)


def _unsafe(model: "ModelProto") -> Iterator[str]:
    """What a model would do beyond calculating, or how long it could: other files, foreign operators, loops."""
    from onnx import AttributeProto

    if model.functions or model.graph.sparse_initializer:
        yield "defines operators or sparse weights"
    if any(_is_external(tensor) for tensor in model.graph.initializer):
        yield "reads weights from other files"
    for node in model.graph.node:
        if node.domain and node.op_type not in _OPERATORS.get(node.domain, ()):
            yield f"runs an operator of its own ({node.domain[:50]}.{node.op_type[:50]})"
        for attribute in node.attribute:
            if attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
                yield "runs loops or branches"
            if any(_is_external(tensor) for tensor in (attribute.t, *attribute.tensors)):
                yield "reads weights from other files"


def _is_external(tensor: Any) -> bool:
    from onnx import TensorProto

    return bool(tensor.data_location == TensorProto.EXTERNAL or tensor.external_data)
