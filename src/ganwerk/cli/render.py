"""Events and plans as words: what every kind of screen says. No colours, nothing imported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ganwerk.errors import printable, typed
from ganwerk.runtime.events import Ended, Found, Judged, Plan, Stepped, Treated
from ganwerk.values import Progress, duration

_SHOWN_CLASSES = 6
_NUMBERS = {
    "d_loss": ("D", "{:.2f}"),
    "g_loss": ("G", "{:.2f}"),
    "value": ("V", "{:.2f}"),
    "real_logit": ("real", "{:+.2f}"),
    "fake_logit": ("fake", "{:+.2f}"),
    "d_accuracy": ("D right", "{:.0%}"),
}
_CHANNELS = {1: "grey", 3: "colour", 4: "colour with transparency"}


def speed(per_second: float) -> str:
    """Images per second: '1,234/s', '3.2/s'."""
    return f"{per_second:,.0f}/s" if per_second >= 10 else f"{per_second:.1f}/s"


def parameters(count: int) -> str:
    """How many weights: '950', '12 thousand', '1.2 million'."""
    if count < 10_000:
        return f"{count:,}"
    return f"{count / 1e3:.0f} thousand" if count < 1e6 else f"{count / 1e6:.1f} million"


def plan_rows(plan: Plan) -> list[tuple[str, str]]:
    """The plan as (topic, text): what, how long, what it takes; then each note."""
    from ganwerk.run.files import human_bytes

    channels = _CHANNELS.get(plan.channels, f"{plan.channels} channels")
    px = f"{plan.resolution} x {plan.resolution} px"
    held_out = f", of which {plan.held_out:,} are held out" if plan.held_out else ""
    mirrored = "; also mirrored" if plan.mirror else ""
    rows = [("pictures", f"{plan.pictures:,} from {plan.data}{held_out}{mirrored}")]
    if plan.classes:
        use = "taught, so each can be drawn by name" if plan.conditional else "not taught"
        rows.append(("classes", f"{len(plan.classes)} ({names(plan.classes)}), {use}"))
    rows += [
        ("draws", f"{px}, {channels}"),
        (
            "networks",
            f"{plan.network} (preset {plan.preset}): generator "
            f"{parameters(plan.generator_parameters)} weights, discriminator "
            f"{parameters(plan.discriminator_parameters)}",
        ),
        (
            "game",
            f"{' + '.join((plan.loss, *plan.remedies))}, {plan.batch} pictures per update"
            + (f", {plan.micro_batch} at a time" if plan.micro_batch else ""),
        ),
        (
            "length",
            f"about {duration(plan.expected_seconds)}: {plan.total_images:,} images at "
            f"{speed(plan.images_per_second)}",
        ),
        ("machine", f"{plan.device}, {plan.precision}"),
        (
            "takes",
            f"about {human_bytes(plan.memory_bytes)} of memory, "
            f"{human_bytes(plan.disk_bytes)} of disk",
        ),
        ("run", plan.out),
    ]
    rows += [("note", note) for note in plan.notes]
    return [(topic, printable(text)) for topic, text in rows]


def names(words: tuple[str, ...]) -> str:
    more = len(words) - _SHOWN_CLASSES
    return ", ".join(words[:_SHOWN_CLASSES]) + (f" and {more} more" if more > 0 else "")


def numbers(measured: Mapping[str, float]) -> str:
    """'D 1.38  G 0.70  V -1.38  real +0.10  fake -0.08  D right 52%', of what was measured."""
    shown = [
        f"{name} {pattern.format(measured[key])}"
        for key, (name, pattern) in _NUMBERS.items()
        if key in measured
    ]
    return "  ".join(shown)


def judged(event: Judged) -> str:
    """'FD[pixelpca64-v1] 3.21 (real 1.47)  coverage 90% (real 97%)', the best so far marked."""
    parts = []
    for name, value in event.values.items():
        pattern = "{:.2f}" if name.startswith("FD") else "{:.0%}"
        floor = event.floors.get(name)
        beside = "" if floor is None else f" (real {pattern.format(floor)})"
        parts.append(f"{name} {pattern.format(value)}{beside}")
    return "  ".join(parts) + (", the best so far" if event.best else "")


def treated(event: Treated) -> str:
    """'Treatment 2 for GW202 begins: the judge ...', and how it ended."""
    named = f"Treatment {event.number} for {event.code}"
    if event.outcome == "on trial":
        return f"{named} begins: {event.words}"
    return f"{named} is {event.outcome}: {event.reason}"


def finding(event: Found) -> tuple[str, str | None]:
    """What the doctor found, or that it is over, in a line, and its colour."""
    if event.over:
        return f"over: {event.code} {event.name}", "green"
    colour = {"act": "red", "watch": "yellow"}.get(event.weight)
    text = f"{event.code} {event.name} ({event.weight}): {event.text}."
    return f"{text} What to do: ganwerk diagnose --explain {event.code}", colour


def legend(loss: str) -> list[str]:
    """What the numbers mean and what is normal, for the loss of this name."""
    from ganwerk.game.losses import LOSSES

    known = LOSSES.get(loss)
    matched = ""
    if known and loss == "wasserstein":
        matched = "V, the estimated distance of real and generated, and D = -V fall towards 0."
    elif known:
        d_loss, g_loss = known.at_equilibrium
        matched = (
            f"D loss near {d_loss:.2f}, G loss near {g_loss:.2f}, V near "
            f"{known.value_at_equilibrium:.2f}: evenly matched."
        )
    close = "real and fake, D's mean logits for both, stay close"
    lines = [
        matched,
        f"{close}; only their difference counts." if known and known.paired else f"{close}.",
        "Losses do not say how good the pictures are: look at them.",
    ]
    return ["What is normal:", *(f"  {line}" for line in lines if line)]


def share(event: Stepped) -> float:
    """How much of the budget is used up, 0 to 1."""
    return min(1.0, event.images / event.total_images) if event.total_images else 1.0


def progress_text(progress: Progress) -> str:
    """'Decoding: 120 of 2,000 pictures'."""
    return f"{task_name(progress)}: {amount(progress)}"


def task_name(progress: Progress) -> str:
    return progress.task[:1].upper() + progress.task[1:]


def amount(progress: Progress) -> str:
    """'120 of 2,000 pictures', '1.2 MB of 30.0 MB'."""
    if progress.unit == "bytes":
        from ganwerk.run.files import human_bytes

        parts = [human_bytes(n) for n in (progress.done, progress.total) if n is not None]
        return " of ".join(parts)
    parts = [f"{n:,}" for n in (progress.done, progress.total) if n is not None]
    return f"{' of '.join(parts)} {progress.unit}".rstrip()


def ending(event: Ended, *, newest: Path | None, last_words: bool) -> list[str]:
    """The summary of a training, with the next commands as one types them.

    newest: the latest grid. last_words: say what to do next."""
    pace = f", {speed(event.images / event.seconds)}" if event.seconds > 0 else ""
    how = "Finished" if event.reason == "finished" else "Stopped and saved"
    lines = [f"{how}: {event.images:,} images in {duration(event.seconds)}{pace}."]
    if newest:
        lines.append(f"Newest pictures: {newest}")
    if not last_words:
        return lines
    run = typed(event.run)
    go_on = f"ganwerk resume {run}"
    steps = [
        (f"ganwerk report {run}", "what happened, on one page"),
        (f"ganwerk sample {run} --seeds 0-63 --grid", "draw pictures"),
        (f"{go_on} --minutes 10", "train longer")
        if event.reason == "finished"
        else (go_on, "go on where it stopped"),
    ]
    return [*lines, "", "Next:", *columns(*steps)]


def columns(*rows: tuple[str, str]) -> list[str]:
    """Indented lines of two columns."""
    width = max(len(first) for first, _ in rows)
    return [f"  {first:{width}}  {second}" for first, second in rows]
