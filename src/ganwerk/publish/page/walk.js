// A walk from one picture to another: a strip, a slider, and in motion.

import { $ } from "./stage.js";
import { put } from "./draw.js";
import { anyNumber, placeOf } from "./link.js";

const STOPS = 7;
const SECONDS = 4;

export class Walk {
  constructor(about, stage, steer) {
    Object.assign(this, { about, stage, steer, ends: null, way: 0, playing: false });
    $("way").addEventListener("input", () => this.at(Number($("way").value)));
    $("play").addEventListener("click", () => this.play(!this.playing));
    $("elsewhere").addEventListener("click", () => this.onwards());
    for (const id of ["from", "to"]) $(id).addEventListener("change", () => this.typed());
  }

  open() {
    this.between(this.stage.place, { ...this.steer.at(anyNumber()), moves: this.steer.still() });
  }

  close() {
    this.play(false);
  }

  between(from, to) {
    this.ends = [from, to];
    $("from").value = `${from.seed}`;
    $("to").value = `${to.seed}`;
    $("strip").replaceChildren();
    this.stage.painter.forget();
    for (let i = 0; i < STOPS; i++) {
      const t = i / (STOPS - 1);
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-label", this.nameAt(t));
      const canvas = document.createElement("canvas");
      button.append(canvas);
      button.addEventListener("click", () => this.at(t));
      $("strip").append(button);
      this.stage.painter.draw({ from, to, t }).then((pixels) => put(canvas, pixels, this.stage.side));
    }
    return this.at(0);
  }

  nameAt(t) {
    const [from, to] = this.ends;
    if (t === 0) return this.stage.nameOf(from);
    if (t === 1) return this.stage.nameOf(to);
    return `${Math.round(100 * t)} % of the way from ${from.seed} to ${to.seed}`;
  }

  // The slider rounds to its steps, and a frame may be shorter than one: the way is kept exact.
  at(t) {
    const [from, to] = this.ends;
    this.way = t;
    $("way").value = t;
    return this.stage.other({ from, to, t }, this.nameAt(t));
  }

  typed() {
    const numbers = ["from", "to"].map((id) => placeOf($(id).value.trim(), { ...this.about, directions: null }));
    if (numbers.some((place) => !place)) {
      $("told").textContent = "A picture's number is a whole number, such as 7.";
      return;
    }
    this.between(...numbers.map(({ seed }, i) => (seed === this.ends[i].seed ? this.ends[i] : this.steer.at(seed))));
  }

  onwards() {
    return this.between(this.ends[1], { ...this.steer.at(anyNumber()), moves: this.steer.still() });
  }

  // As many frames as the machine draws; the pace is that of the clock.
  async play(on) {
    this.playing = on;
    $("play").setAttribute("aria-pressed", on);
    $("play").textContent = on ? "Pause" : "Play";
    let before = performance.now();
    while (this.playing) {
      const now = performance.now();
      const t = this.way + (now - before) / (1000 * SECONDS);
      before = now;
      await (t < 1 ? this.at(t) : this.onwards());
      await new Promise(requestAnimationFrame);
    }
  }
}
