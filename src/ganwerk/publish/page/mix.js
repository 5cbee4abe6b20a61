// One picture with some of its layers in the style of another.

import { $ } from "./stage.js";
import { put } from "./draw.js";
import { anyNumber, placeOf } from "./link.js";

const COARSE_PX = 8;
const FINE_PX = 64;

// As `ganwerk mix` has them: coarse layers draw up to 8 px, fine ones from 64 px on.
export function groupsOf(sides) {
  const which = (wanted) => sides.flatMap((side, layer) => (wanted(side) ? [layer] : []));
  return {
    "Pose and shape": which((side) => side <= COARSE_PX),
    "Parts": which((side) => side > COARSE_PX && side < FINE_PX),
    "Colours and details": which((side) => side >= FINE_PX),
  };
}

export class Mix {
  constructor(about, stage, steer) {
    Object.assign(this, { about, stage, steer, pair: null });
    const groups = Object.entries(groupsOf(about.layers)).filter(([, layers]) => layers.length);
    groups.forEach(([name, layers], number) => {
      const label = document.createElement("label");
      label.className = "choice";
      const radio = document.createElement("input");
      Object.assign(radio, { type: "radio", name: "mix-layers", value: layers.join(), checked: !number });
      label.append(radio, name);
      $("mix-layers").append(label);
    });
    $("mix-layers").addEventListener("change", () => this.show());
    $("mix-others").addEventListener("click", () => this.others());
    for (const id of ["mix-of", "mix-taking"]) $(id).addEventListener("change", () => this.typed());
  }

  open() {
    this.two(this.stage.place, this.any());
  }

  any() {
    return { ...this.steer.at(anyNumber()), moves: this.steer.still() };
  }

  others() {
    this.two(this.any(), this.any());
  }

  typed() {
    const numbers = ["mix-of", "mix-taking"].map((id) => placeOf($(id).value.trim(), { ...this.about, directions: null }));
    if (numbers.some((place) => !place)) $("told").textContent = "A picture's number is a whole number, such as 7.";
    else this.two(...numbers.map(({ seed }, i) => (seed === this.pair[i].seed ? this.pair[i] : this.steer.at(seed))));
  }

  two(of, taking) {
    this.pair = [of, taking];
    this.stage.painter.forget();
    [["mix-of", "mix-a", of], ["mix-taking", "mix-b", taking]].forEach(([field, canvas, place]) => {
      $(field).value = `${place.seed}`;
      $(canvas).setAttribute("aria-label", this.stage.nameOf(place));
      this.stage.painter.draw(place).then((pixels) => put($(canvas), pixels, this.stage.side));
    });
    return this.show();
  }

  show() {
    const [of, taking] = this.pair;
    const chosen = $("mix-layers").querySelector(":checked");
    const name = `${of.seed} with layers of ${taking.seed}`;
    return this.stage.other({ of, taking, layers: chosen.value.split(",").map(Number) }, name);
  }
}
