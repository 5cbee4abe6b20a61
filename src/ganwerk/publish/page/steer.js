// Number, class, variety and directions of the picture on the stage.

import { $ } from "./stage.js";
import { anyNumber, placeOf } from "./link.js";

export class Steer {
  constructor(about, stage) {
    this.about = about;
    this.stage = stage;
    this.sliders = [];
    this.classes();
    this.directions();
    $("variety-field").hidden = !about.middles;
    $("variety").addEventListener("input", () => this.changed());
    $("seed").addEventListener("change", () => this.typed());
    $("reset").addEventListener("click", () => this.show({ ...stage.place, label: null, psi: 1, moves: this.still() }));
  }

  still() {
    return this.sliders.map(() => 0);
  }

  classes() {
    const { classes } = this.about;
    $("class-field").hidden = !classes.length;
    const add = (value, text) => $("class").append(new Option(text, value));
    add("", "Any, by its number");
    classes.forEach((kind, number) => add(number, kind.name));
    $("class").addEventListener("change", () => this.changed());
  }

  directions() {
    const { directions } = this.about;
    $("no-directions").hidden = Boolean(directions);
    if (!directions) return;
    directions.vectors.forEach((_, number) => {
      const label = document.createElement("label");
      label.className = "field";
      const slider = document.createElement("input");
      Object.assign(slider, {
        type: "range", min: -directions.strength, max: directions.strength, step: 0.1, value: 0,
      });
      const value = document.createElement("output");
      label.append(`Direction ${number + 1} `, value, slider);
      slider.addEventListener("input", () => this.changed());
      $("directions").append(label);
      this.sliders.push({ slider, value });
    });
  }

  // The controls as they stand, for another number.
  at(seed) {
    const chosen = $("class").value;
    return {
      seed,
      label: chosen === "" ? null : Number(chosen),
      psi: this.about.middles ? Number($("variety").value) : 1,
      moves: this.sliders.map(({ slider }) => Number(slider.value)),
    };
  }

  changed() {
    this.show(this.at(this.stage.place.seed), false);
  }

  typed() {
    const place = placeOf($("seed").value.trim(), { ...this.about, directions: null });
    if (place) this.show(this.at(place.seed));
    else $("told").textContent = "A picture's number is a whole number, such as 7.";
  }

  another() {
    return this.show({ ...this.at(anyNumber()), moves: this.still() });
  }

  show(place, remember = true) {
    $("seed").value = `${place.seed}`;
    $("class").value = place.label ?? "";
    $("variety").value = place.psi;
    $("variety-value").textContent = Number($("variety").value).toFixed(2);
    this.sliders.forEach(({ slider, value }, number) => {
      slider.value = place.moves[number] ?? 0;
      value.textContent = Number(slider.value).toFixed(1);
    });
    return this.stage.number(place, remember);
  }
}
