"""The FID from a local weight file, beside torch-fidelity's own run over the same folders.

The published weights are not here, so the file holds the same network with random ones, and its
digest stands in for the published one. What is tested is the whole way from pictures to numbers.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganwerk.errors import DataError
from ganwerk.evaluation import published
from ganwerk.evaluation.evaluate import Wanted, evaluate_places
from ganwerk.evaluation.extractors import ExtractorOptions, Reals, make
from ganwerk.metrics.features import fidelity

pytestmark = pytest.mark.slow
COUNT = 24
LOGITS_GAIN = 30.0


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A weight file as torch-fidelity's, of random numbers."""
    module = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    kind = module.FeatureExtractorInceptionV3
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(kind, "load_state_dict", lambda *_: None)
        tensors = kind("inception-v3-compat", ["2048"]).state_dict()
    for name, weight in tensors.items():
        if weight.dim() > 1:  # or what differs between pictures dies on its way through the layers
            gain = LOGITS_GAIN if name.startswith("fc") else 2.0
            weight.normal_(0, (gain / weight[0].numel()) ** 0.5)
    path = tmp_path_factory.mktemp("weights") / fidelity.FILE
    torch.save(tensors, path)
    return path


@pytest.fixture
def trusted(weights, monkeypatch) -> ExtractorOptions:
    monkeypatch.setattr(fidelity, "DIGEST", hashlib.sha256(weights.read_bytes()).hexdigest()[:8])
    return ExtractorOptions(inception_weights=weights, cache=weights.parent)


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path]:
    """Smooth pictures, and darker ones."""
    random = np.random.default_rng(0)
    made = []
    for name, high in (("real", 256), ("dark", 120)):
        folder = tmp_path_factory.mktemp(name)
        small = random.integers(0, high, (2 * COUNT, 6, 6, 3)).astype(np.uint8)
        for i, pixels in enumerate(small):
            Image.fromarray(pixels).resize((48, 48), Image.Resampling.BILINEAR).save(
                folder / f"{i:02d}.png"
            )
        made.append(folder)
    return made[0], made[1]


def read(folder: Path) -> np.ndarray:
    pictures = [np.asarray(Image.open(path)) for path in sorted(folder.iterdir())]
    return np.stack(pictures).transpose(0, 3, 1, 2)


def test_the_numbers_are_those_of_torch_fidelity(weights, trusted, folders):
    from torch_fidelity import calculate_metrics

    real, dark = (read(folder) for folder in folders)
    extractor = make("inception-2015", Reals(real, mirror=False), trusted)
    features = [extractor.features(torch.from_numpy(x).float()) for x in (real, dark)]
    found = evaluate_places(*map(str, folders), Wanted(("inception-2015",), wishes=trusted,
                                                       pixels=False))  # fmt: skip
    base = found.records[0].protocol
    ours = {
        record.protocol.metric: record
        for record in published.records(extractor, base, *features, dark, trusted)
    }
    theirs = calculate_metrics(
        input1=str(folders[1]), input2=str(folders[0]), fid=True, kid=True, isc=True, cuda=False,
        verbose=False, feature_extractor_weights_path=str(weights), kid_subset_size=2 * COUNT,
        samples_find_deep=True, save_cpu_ram=True,
    )  # fmt: skip
    assert ours["FID"].value == pytest.approx(theirs["frechet_inception_distance"], rel=1e-4)
    assert ours["KID"].value == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-4)
    excess = theirs["inception_score_mean"] - 1  # 0 for pictures that are all alike
    assert ours["IS"].value - 1 == pytest.approx(excess, rel=1e-3)
    assert ours["FID"].value > 0.1 and ours["KID"].value > 0.001 and excess > 0.001


def test_an_evaluation_with_a_local_file_says_what_it_is(weights, trusted, folders):
    found = evaluate_places(
        *map(str, folders), Wanted(("inception-2015",), wishes=trusted, pixels=False)
    )
    records = {record.name: record for record in found.records}
    assert {f"FID@{COUNT}", "KID", "IS"} <= records.keys()
    assert "compares with no published FID" in records[f"FID@{COUNT}"].notes[0]
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert records["KID"].protocol.weights == digest
    assert records["KID"].protocol.versions["torch-fidelity"].startswith("torch-fidelity ")


def test_another_file_is_refused(weights, folders):
    with pytest.raises(DataError, match="not the weight file of the FID"):
        evaluate_places(
            *map(str, folders),
            Wanted(("inception-2015",), wishes=ExtractorOptions(weights), pixels=False),
        )
