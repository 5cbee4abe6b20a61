// Sixteen pictures to pick one from.

import { $ } from "./stage.js";
import { put } from "./draw.js";
import { anyNumber } from "./link.js";

export class Sixteen {
  constructor(stage, steer) {
    this.stage = stage;
    this.steer = steer;
    $("others").addEventListener("click", () => this.fill());
  }

  open() {
    if (!$("grid").childElementCount) this.fill();
  }

  fill() {
    $("grid").replaceChildren();
    this.stage.painter.forget();
    for (let i = 0; i < 16; i++) {
      const place = { ...this.steer.at(anyNumber()), moves: this.steer.still() };
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-label", this.stage.nameOf(place));
      button.setAttribute("aria-pressed", "false");
      const canvas = document.createElement("canvas");
      button.append(canvas);
      button.addEventListener("click", () => this.pick(button, place));
      $("grid").append(button);
      this.stage.painter.draw(place).then((pixels) => put(canvas, pixels, this.stage.side));
    }
  }

  pick(button, place) {
    for (const each of $("grid").children) each.setAttribute("aria-pressed", each === button);
    this.steer.show(place);
  }
}
