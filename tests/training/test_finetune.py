"""Training on from another run: what is taken, what is begun anew, exactly resumed."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest
import torch

from ganwerk import api
from ganwerk.config import build, load
from ganwerk.errors import ConfigError, RunError
from ganwerk.nn.layers import ConditionalLatent, Linear, LogitHead
from ganwerk.run import Run
from ganwerk.runtime.events import Stepped
from ganwerk.training.finetune import finetune, plan
from ganwerk.training.prepare import Request
from ganwerk.training.train import resume, train
from ganwerk.training.transplant import Classes, adapted, differences, refuse
from tests.runs import COMMON, SMALL


@pytest.fixture(scope="module")
def teacher(tmp_path_factory, trained):
    """Ten classes of digits."""
    return trained(tmp_path_factory.mktemp("t") / "digits", budget__images=160)


def asked(where, out, images=48, **changes):
    wanted = {"budget.images": images} | {k.replace("__", "."): v for k, v in changes.items()}
    return Request(where, flags={k: (v, k) for k, v in wanted.items()}, out=out)


def tensors(run, at="latest"):
    found = Run.open(run).load(at)
    return {f"average.{k}": v for k, v in found.weights.items()} | found.state


def test_it_begins_with_all_weights_and_without_moments(teacher, tmp_path):
    made = finetune(teacher, asked("digits", tmp_path / "run"))
    before, first = tensors(teacher), tensors(made, 0)
    weights = [name for name in first if not name.startswith(("g_opt", "d_opt"))]
    assert len(weights) > 20
    for name in weights:
        assert torch.equal(first[name], before[name]), name
    assert not [name for name in first if name.startswith(("g_optimiser", "d_optimiser"))]
    assert not torch.equal(
        tensors(made)["g.first.weight"], first["g.first.weight"]
    )  # and then it learns


def test_the_origin_is_recorded(teacher, tmp_path):
    made = Run.open(finetune(teacher, asked("digits", tmp_path / "run"), freeze=1))
    settings = load.from_toml(made.settings_toml, "run.toml")
    assert (settings.transfer.run, settings.transfer.images) == (str(teacher), 160)
    assert settings.transfer.freeze == 1
    expected = {
        "run": str(teacher), "images": 160, "freeze": 1, "classes_kept": [*"0123456789"],
        "classes_new": [],
    }  # fmt: skip
    assert made.about["origin"] == expected
    assert made.journal.rows("start")[0]["origin"] == expected
    assert made.origins["network.kind"] == f"run {teacher} at 160 images"
    assert made.origins["data.mirror"].startswith("auto")


def test_interrupted_and_resumed_it_is_the_same_bit_for_bit(teacher, tmp_path, monkeypatch):
    monkeypatch.setattr("ganwerk.training.play.TELL_SECONDS", 0.0)

    def ctrl_c(event):
        if isinstance(event, Stepped) and event.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    whole = finetune(teacher, asked("digits", tmp_path / "whole", images=96), freeze=2)
    request = asked("digits", tmp_path / "part", images=96)
    part = finetune(teacher, request, freeze=2, watch=ctrl_c)
    assert Run.open(part).load().images == 48
    resume(part)
    a, b = tensors(whole), tensors(part)
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


def test_frozen_layers_stay_and_the_others_learn(teacher, tmp_path):
    made = finetune(teacher, asked("digits", tmp_path / "run"), freeze=1)
    before, after = tensors(teacher), tensors(made)
    for stage, same in ((0, True), (1, False)):
        name = f"d.stages.{stage}.0.weight"
        assert torch.equal(before[name], after[name]) is same, name
    assert not [n for n in after if n.startswith("d_optimiser.stages.0")]


def test_unrolling_foresees_only_what_learns(teacher, tmp_path):
    request = asked("digits", tmp_path / "run", images=32)
    made = finetune(teacher, replace(request, remedies=("unrolled:steps=2",)), freeze=2)
    after = tensors(made)
    assert torch.equal(after["d.stages.0.0.weight"], tensors(teacher)["d.stages.0.0.weight"])


def test_more_layers_than_there_are(teacher, tmp_path):
    with pytest.raises(ConfigError, match=r"9 layers of D cannot be frozen: it has \d") as caught:
        finetune(teacher, asked("digits", tmp_path / "run"), freeze=9)
    assert "--freeze" in caught.value.hint
    with pytest.raises(ConfigError, match="--freeze cannot be -1"):
        finetune(teacher, asked("digits", tmp_path / "run"), freeze=-1)
    assert not (tmp_path / "run").exists()


def test_other_pictures_with_other_classes(teacher, folder, tmp_path):
    request = asked(str(folder), tmp_path / "run", data__conditional=True)
    made = Run.open(finetune(teacher, request))
    settings = load.from_toml(made.settings_toml, "run.toml")
    assert (settings.data.resolution, settings.data.channels) == (16, 1)  # the networks' own
    assert made.about["origin"]["classes_new"] == ["disk", "square"]
    before, first = tensors(teacher), tensors(made.path, 0)
    assert first["g.latent.embedding.weight"].shape == (2, 8)
    for name in ("g.first.weight", "d.stages.0.0.weight", "average.picture.weight"):
        assert torch.equal(first[name], before[name])


def test_another_size_lists_what_differs(teacher, tmp_path):
    with pytest.raises(ConfigError, match="do not fit: ") as caught:
        finetune(teacher, asked("digits", tmp_path / "run", latent__dim=9))
    assert "G first.weight: 256 x 16 there, 256 x 18 here" in caught.value.message
    with pytest.raises(ConfigError, match=r"G hidden\.0\.weight: absent there") as caught:
        request = asked("digits", tmp_path / "run", network__kind="mlp")
        finetune(teacher, request)
    assert "more" in caught.value.message
    assert not (tmp_path / "run").exists()


def test_a_network_that_cannot_forget_its_classes_says_what_to_add():
    with pytest.raises(ConfigError, match="do not fit: 1 tensors") as caught:
        refuse(["G map.weight: 8 x 16 there, 8 x 8 here"], "run", Classes(("a", "b"), ()))
    assert "add --conditional" in caught.value.hint


def test_networks_that_have_grown_stay_grown(tmp_path):
    wanted = SMALL["progressive"] | COMMON | {"budget.images": 96}
    flags = {k: (v, k) for k, v in wanted.items()}
    grown = train(Request("digits", preset="progressive", flags=flags, out=tmp_path / "grown"))
    made = finetune(grown, asked("digits", tmp_path / "run", images=32))
    before, first = tensors(grown), tensors(made, 0)
    assert before["part.growth.level"] == first["part.growth.level"] == 2
    assert tensors(made)["d._extra_state"] == 2


def test_plan_and_python(teacher, tmp_path):
    planned = plan(teacher, asked("digits", tmp_path / "run"))
    assert (planned.network, planned.resolution) == ("dcgan", 16)
    assert not (tmp_path / "run").exists()
    made = api.finetune(teacher, "digits", freeze=1, images=32, out=tmp_path / "run")
    assert made.sample([3]).shape == (1, 16, 16, 1)
    with pytest.raises(RunError):
        api.finetune(tmp_path / "none", "digits")


def test_its_settings_alone_are_no_start(teacher, tmp_path):
    made = finetune(teacher, asked("digits", tmp_path / "run", images=16))
    request = Request("digits", file=made / "run.toml", out=tmp_path / "new")
    with pytest.raises(ConfigError, match="began with the weights of") as caught:
        train(request)
    assert "ganwerk finetune" in caught.value.hint


# Classes


def players(settings, classes):
    settings = settings.model_copy(
        update={"data": settings.data.model_copy(update={"conditional": classes > 0})}
    )
    return build.players(settings, classes, torch.device("cpu"))


@pytest.fixture(scope="module", params=["dcgan", "mlp", "resnet"])
def settings(request, teacher):
    found = load.from_toml(Run.open(teacher).settings_toml, "run.toml")
    from ganwerk.config import schema

    network = {
        "mlp": schema.MlpSettings(generator_widths=(16,), discriminator_widths=(16,)),
        "resnet": schema.ResnetSettings(generator_width=8, discriminator_width=8, max_width=8),
        "dcgan": found.network,
    }[request.param]
    return found.model_copy(update={"network": network})


def moved(settings, before, after):
    """G and D with drawn weights, and the same adapted to other classes, as functions."""
    nets = players(settings, len(before))
    others = players(settings, len(after))
    classes = Classes(tuple(before), tuple(after))
    for net in nets:  # some learning has happened
        for parameter in net.parameters():
            torch.nn.init.normal_(parameter, 0, 0.1)
    for net, other in zip(nets, others, strict=True):
        made = adapted(other, net.state_dict(), classes)
        assert differences(other, made) == []
        other.load_state_dict(made)
    return [n.eval() for n in nets], [n.eval() for n in others]


def mean_class(net):
    """Every class becomes the mean class."""
    for module in net.modules():
        if isinstance(module, ConditionalLatent | LogitHead):
            module.embedding.weight.data[:] = module.embedding.weight.data.mean(0)


Z = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
PICTURES = (torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(0)),)


def test_without_classes_the_mean_class_goes_on(settings):
    (g, d), (g2, d2) = moved(settings, "abc", "")
    for net in (g, d):
        mean_class(net)
    y = torch.tensor([0, 1, 2])
    torch.testing.assert_close(g2(Z)[0], g(Z, y)[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(d2(PICTURES), d(PICTURES, y), atol=1e-5, rtol=1e-4)


def test_with_classes_for_the_first_time_it_goes_on_as_it_was(settings):
    (g, d), (g2, d2) = moved(settings, "", "ab")
    for labels in (torch.tensor([0, 0, 0]), torch.tensor([1, 0, 1])):
        torch.testing.assert_close(g2(Z, labels)[0], g(Z)[0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(d2(PICTURES, labels), d(PICTURES), atol=1e-5, rtol=1e-4)


def test_classes_are_known_by_their_names(settings):
    (g, d), (g2, d2) = moved(settings, "abc", "cxa")
    old, new = torch.tensor([2, 2, 0]), torch.tensor([0, 0, 2])
    torch.testing.assert_close(g2(Z, new)[0], g(Z, old)[0])
    torch.testing.assert_close(d2(PICTURES, new), d(PICTURES, old))
    assert Classes(("a", "b"), ("b", "x")).kept == ("b",)
    assert Classes(("a", "b"), ("b", "x")).new == ("x",)


def test_where_classes_enter_in_another_way_the_shapes_differ():
    class Other(torch.nn.Module):
        def __init__(self, classes):
            super().__init__()
            self.latent = ConditionalLatent(4, classes)
            self.scaled = type("Scaled", (Linear,), {})(self.latent.out_features, 3)

    here = Other(0)
    made = adapted(here, Other(2).state_dict(), Classes(("a", "b"), ()))
    assert differences(here, made) == [
        "scaled.weight: 3 x 8 there, 3 x 4 here",
        "latent.embedding.weight: 2 x 4 there, absent here",
    ]
