"""A generator as two ONNX graphs with one interface for every kind of network.

styles.onnx   z (n, Z) [, shares (n, K)] to styles (n, L, S)
picture.onnx  styles (n, L, S) [, shares (n, K)] to picture (n, C, H, W), nominally in [-1, 1]

`shares`, how much of each class, goes where the space of the generator takes it. n is free.
"""

from __future__ import annotations

import logging
import warnings
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganwerk.errors import ConfigError, MachineError
from ganwerk.game.latents import LATENTS, for_seeds
from ganwerk.nn import equalised
from ganwerk.nn.layers import CONVOLUTIONS
from ganwerk.publish.exported import PICTURE, STYLES
from ganwerk.run import to_uint8
from ganwerk.sampling.sample import Sampler
from ganwerk.sampling.space import Space, space_of

if TYPE_CHECKING:
    import onnx

OPSET = 20
MOST_AT_ONCE = 1024
CHECKED_SEEDS, CHECKED_BATCHES = range(8), (1, 3, 8)
LARGEST_DIFFERENCE = 1e-3
"""Of a picture in [-1, 1], between torch and onnxruntime, both in float32."""
LARGEST_MEAN_GREY = 1.0
"""Of half-precision weights, in grey levels of 255; more means that they do not bear it."""
SMALLEST_HALVED = 256
"""Numbers of a tensor; biases and constants are few, and stay as they are."""


@dataclass(frozen=True)
class Differences:
    """Of pictures 0 to 7 to torch's. float32: the largest, of a picture in [-1, 1], for each number
    of pictures at once. mean_grey, largest_grey: of the graphs as written, in levels of 255."""

    float32: dict[int, float]
    mean_grey: float
    largest_grey: int


class Entering(nn.Module):
    """The graph of styles.onnx."""

    def __init__(self, net: nn.Module, space: Space) -> None:
        super().__init__()
        self.net, self.space = net, space

    def forward(self, z: Tensor, shares: Tensor | None = None) -> Tensor:
        return self.space.enter(z, shares)


class Painting(nn.Module):
    """The graph of picture.onnx."""

    def __init__(self, net: nn.Module, space: Space) -> None:
        super().__init__()
        self.net, self.space = net, space

    def forward(self, styles: Tensor, shares: Tensor | None = None) -> Tensor:
        return self.space.pictures(styles, shares)


def written(sampler: Sampler, half: bool) -> tuple[dict[str, bytes], Differences]:
    """The two files of a generator, checked, and what their pictures differ by.

    half: store large weights in half precision; all is computed in float32.
    Raises ConfigError for a layer that the exporter cannot take, MachineError where the graphs do
    not draw what torch draws.
    """
    twin = simplified(sampler)
    space = twin.space
    z = torch.randn(3, sampler.settings.latent.dim, generator=torch.Generator().manual_seed(0))
    classes = len(sampler.class_names)
    shares = [torch.eye(classes)[[0, classes - 1, 0]]] if classes else []
    beside = space.beside_classes
    styles = torch.randn(3, space.layers, space.size, generator=torch.Generator().manual_seed(1))
    exact = {
        STYLES: _graph(Entering(twin.net, space), [z, *([] if beside else shares)], "z", "styles"),
        PICTURE: _graph(
            Painting(twin.net, space), [styles, *(shares if beside else [])], "styles", "picture"
        ),
    }
    reference = _reference(sampler)
    found = {name: graph.SerializeToString() for name, graph in exact.items()}
    float32 = _check_exact(sampler, found, reference)
    if half:
        found = {name: halved(graph).SerializeToString() for name, graph in exact.items()}
    drawn = _drawn(sampler, found, max(CHECKED_BATCHES))
    steps = np.abs(_grey(drawn).astype(np.int16) - _grey(reference).astype(np.int16))
    differences = Differences(float32, float(steps.mean()), int(steps.max()))
    if differences.mean_grey > LARGEST_MEAN_GREY:
        raise MachineError(
            "With weights in half precision the pictures differ by "
            f"{differences.mean_grey:.2f} grey levels on average.",
            "Store them exactly: --precision float32",
        )
    return found, differences


def simplified(sampler: Sampler) -> Sampler:
    """The same pictures from fewer operations, all in float32; no longer a network to train."""
    twin = sampler.copied()
    net = twin.net.cpu().eval().requires_grad_(False)
    for module in net.modules():
        if isinstance(module, CONVOLUTIONS):
            module.compute, module.as_matrix = None, False
    equalised.fold(net)
    twin.device = torch.device("cpu")
    twin.space = space_of(net, twin.settings, len(twin.class_names))
    return twin


def _graph(module: nn.Module, given: list[Tensor], first: str, result: str) -> onnx.ModelProto:
    names = [first, "shares"][: len(given)]
    batch = torch.export.Dim("n", min=1, max=MOST_AT_ONCE)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter, about its own insides
            program = torch.onnx.export(
                module.eval(), tuple(given), dynamo=True, opset_version=OPSET, verbose=False,
                dynamic_shapes=tuple({0: batch} for _ in given), external_data=False,
                input_names=names, output_names=[result],
            )  # fmt: skip
        assert program is not None
        graph = program.model_proto
    except Exception as error:  # the exporter raises whatever its parts raise
        layer = failing_layer(module, given) or type(module).__name__
        raise ConfigError(
            f"The layer '{layer}' cannot be exported to ONNX: {_first_line(error)}",
            "Write it with operations that torch.export knows, or publish a run of a preset.",
        ) from error
    _strip(graph)
    sizes = [
        value.type.tensor_type.shape.dim[0] for value in (*graph.graph.input, *graph.graph.output)
    ]
    if not all(size.dim_param for size in sizes):
        raise ConfigError(
            f"The exporter froze the number of pictures of {result}.onnx.",
            "Use x.shape[0], not len(x), in the layers of the network.",
        )
    return graph


def _first_line(error: BaseException) -> str:
    text = str(error.__cause__ or error).strip() or type(error).__name__
    return text.splitlines()[0].strip()[:200]


def failing_layer(module: nn.Module, given: list[Tensor]) -> str | None:
    """The innermost layer, 'stages.2.conv (Conv2d)', that torch.export does not take by itself."""
    seen: list[tuple[str, nn.Module, tuple[object, ...]]] = []
    hooks = [
        part.register_forward_pre_hook(
            lambda part, args, name=name: seen.append((name, part, args))
        )
        for name, part in module.named_modules()
        if name
    ]
    try:
        with torch.no_grad():
            module(*given)
    except Exception:  # then the last layer that was entered is the one
        pass
    finally:
        for hook in hooks:
            hook.remove()
    for name, part, args in sorted(seen, key=lambda entry: -entry[0].count(".")):
        try:
            with torch.no_grad():
                torch.export.export(deepcopy(part), args)
        except Exception:  # whatever it is, this is the layer
            return f"{name.removeprefix('net.')} ({type(part).__name__})"
    return None


def _strip(model: onnx.ModelProto) -> None:
    """Take out the names of files and lines of source that the exporter notes at each node."""
    graph = model.graph
    del graph.value_info[:]
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same with large float32 weights stored in half precision and cast when it is loaded.

    A tensor with numbers that half precision cannot hold stays as it is."""
    from onnx import TensorProto, helper, numpy_helper

    small = deepcopy(model)
    casts = []
    for tensor in small.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        exact = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            stored = exact.astype(np.float16)
        if exact.size < SMALLEST_HALVED or not np.isfinite(stored).all():
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(stored, f"{name}.half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *small.graph.node]
    del small.graph.node[:]
    small.graph.node.extend(nodes)
    return small


# What is checked -------------------------------------------------------------------------------


@torch.inference_mode()
def _reference(sampler: Sampler) -> NDArray[np.float32]:
    """Pictures 0 to 7 as torch draws them, (8, C, H, W)."""
    z, labels = _inputs(sampler)
    space, device = sampler.space, sampler.device
    labels = None if labels is None else labels.to(device)
    found: NDArray[np.float32] = (
        space.pictures(space.enter(z.to(device), labels), labels).float().cpu().numpy()
    )
    return found


def _inputs(sampler: Sampler) -> tuple[Tensor, Tensor | None]:
    settings = sampler.settings
    z = for_seeds(LATENTS[settings.latent.kind], CHECKED_SEEDS, settings.latent.dim)
    return z, sampler.labels(CHECKED_SEEDS)


def _drawn(sampler: Sampler, files: dict[str, bytes], batch: int) -> NDArray[np.float32]:
    """The same by onnxruntime, `batch` at once."""
    from ganwerk.publish.drawing import session

    z, labels = _inputs(sampler)
    classes = len(sampler.class_names)
    shares = None if labels is None else np.eye(classes, dtype=np.float32)[labels.numpy()]
    styles_of, picture_of = session(files[STYLES], STYLES), session(files[PICTURE], PICTURE)
    found = []
    for start in range(0, len(z), batch):
        some = slice(start, start + batch)
        part = {"z": z[some].numpy()} | ({} if shares is None else {"shares": shares[some]})
        part["styles"] = styles_of(part)
        found.append(picture_of(part))
    return np.concatenate(found)


def _check_exact(
    sampler: Sampler, files: dict[str, bytes], reference: NDArray[np.float32]
) -> dict[int, float]:
    import onnx

    for content in files.values():
        onnx.checker.check_model(content, full_check=True)
    found = {
        batch: float(np.abs(_drawn(sampler, files, batch) - reference).max())
        for batch in CHECKED_BATCHES
    }
    worst = max(found.values())
    if not worst <= LARGEST_DIFFERENCE:
        raise MachineError(
            f"The exported graphs draw other pictures than torch: they differ by {worst:.2g}, "
            f"and {LARGEST_DIFFERENCE:g} is allowed.",
            "Nothing was written. Another version of torch or onnxruntime may do better.",
        )
    return found


def _grey(pictures: NDArray[np.float32]) -> NDArray[np.uint8]:
    return to_uint8(torch.from_numpy(pictures))
