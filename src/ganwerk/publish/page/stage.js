// The large picture: what is drawn, its name, its link, its file.

import { classOf } from "./latents.js";
import { fit, png, put } from "./draw.js";
import { linkOf } from "./link.js";

export const $ = (id) => document.getElementById(id);
const SMOOTH_PX = 96; // larger pictures are enlarged smoothly, smaller ones keep their squares

export class Stage {
  constructor(about, painter) {
    this.about = about;
    this.painter = painter;
    this.side = about.picture.resolution;
    this.smooth = this.side > SMOOTH_PX;
    this.place = null;
    document.body.classList.toggle("small", !this.smooth);
    document.body.classList.toggle("see-through", about.picture.channels === 4);
    addEventListener("resize", () => this.fit());
  }

  // What a person calls the picture at a place of a number.
  kindOf(place) {
    const label = place.label ?? classOf(place.seed, this.about.classes);
    return label === null ? "" : this.about.classes[label].name;
  }

  nameOf(place) {
    const kind = this.kindOf(place);
    return `Picture ${place.seed}${kind ? `, ${kind}` : ""}`;
  }

  // The picture of a number; its link goes into the address.
  async number(place, remember = true) {
    this.place = place;
    const link = linkOf(place, this.about.classes);
    if (remember && link !== location.hash) history.pushState(null, "", link);
    else if (link !== location.hash) history.replaceState(null, "", link);
    $("number").hidden = false;
    $("number").textContent = `#${place.seed}`;
    $("number").href = link;
    const kind = this.kindOf(place);
    $("kind").textContent = kind && ` · ${kind}`;
    document.title = `${this.about.name} #${place.seed}`;
    await this.draw(place, this.nameOf(place));
  }

  // The picture at any place, by a name that says what it is.
  async draw(place, name) {
    await this.painter.latest("stage", place, (pixels) => {
      const canvas = $("picture");
      put(canvas, pixels, this.side);
      canvas.setAttribute("aria-label", `${name}, invented`);
      this.fit();
      document.body.classList.remove("waiting");
    });
  }

  // A place that has no number: between two, or mixed of two.
  async other(place, name) {
    $("number").hidden = true;
    $("number").textContent = "";
    $("kind").textContent = name;
    await this.draw(place, name);
  }

  fit() {
    const frame = $("picture").parentElement;
    const style = getComputedStyle(frame);
    const inner = frame.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    fit($("picture"), this.side, Math.min(inner, Math.max(240, innerHeight - 330), 640));
  }

  async save(times) {
    const blob = await png($("picture"), times, this.smooth);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    const name = ($("number").textContent.slice(1) || $("kind").textContent).replaceAll(/[^\w.-]+/g, "-");
    link.download = `${this.about.name.replaceAll(/[^\w.-]+/g, "-")}-${name}${times > 1 ? `-${times}x` : ""}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    return link.download;
  }
}
