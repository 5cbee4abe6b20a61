// Places in the space of a generator: ganwerk/sampling/space.py in JavaScript.
//
// A place is told as plain values, so that it fits a message and a link:
//   {seed, label, psi, moves}   a picture's number (BigInt), class (null: by its number),
//                               truncation, and how far along each direction
//   {from, to, t}               on the way between two places
//   {of, taking, layers}        the first, with these layers (from 0) in the style of the second
// What the graphs take is {styles, shares}: (L * S) numbers, and the share of each class or null.

import { KINDS, classOf, latentOf } from "./latents.js";

const lerp = (a, b, t) => a.map((x, i) => x + t * (b[i] - x));

function oneHot(label, count) {
  const shares = new Float32Array(count);
  shares[label] = 1;
  return shares;
}

export class Space {
  // about: space.json. enter: (z, shares) to styles, the graph styles.onnx.
  constructor(about, enter) {
    this.about = about;
    this.enter = enter;
    this.known = new Map();
  }

  async place(told) {
    if ("t" in told) return this.between(await this.place(told.from), await this.place(told.to), told.t);
    if ("layers" in told) return this.mixed(await this.place(told.of), await this.place(told.taking), told.layers);
    const key = [told.seed, told.label, told.psi, ...told.moves].join();
    if (!this.known.has(key)) {
      if (this.known.size >= 64) this.known.delete(this.known.keys().next().value);
      this.known.set(key, await this.entered(told));
    }
    return this.known.get(key);
  }

  async entered({ seed, label, psi, moves }) {
    const { latents, classes } = this.about;
    const drawn = label ?? classOf(seed, classes);
    const shares = classes.length ? oneHot(drawn, classes.length) : null;
    let styles = await this.enter(latentOf(seed, latents), shares);
    if (psi !== 1) styles = this.truncated(styles, drawn ?? 0, psi);
    return { styles: this.moved(styles, moves), shares };
  }

  truncated(styles, label, psi) {
    const { middles, size } = this.about;
    if (!middles) return styles;
    const middle = middles[label];
    return styles.map((x, i) => (middle ? middle[i % size] + psi * (x - middle[i % size]) : psi * x));
  }

  moved(styles, moves) {
    const { directions, size } = this.about;
    if (!directions || !moves.some((amount) => amount)) return styles;
    const found = styles.slice();
    moves.forEach((amount, number) => {
      const step = amount * directions.spreads[number];
      for (const layer of directions.layers) {
        directions.vectors[number].forEach((x, i) => { found[layer * size + i] += step * x; });
      }
    });
    return this.settled(found);
  }

  settled(styles) {
    const { styled, latents } = this.about;
    return styled ? styles : KINDS[latents.kind].settle(styles);
  }

  between(a, b, t) {
    const { styled, latents } = this.about;
    const arc = !styled && KINDS[latents.kind].arc;
    return {
      styles: (arc ? spherical : lerp)(a.styles, b.styles, t),
      shares: a.shares && lerp(a.shares, b.shares, t),
    };
  }

  mixed(a, b, layers) {
    const { size } = this.about;
    const styles = a.styles.slice();
    for (const layer of layers) {
      const from = layer * size;
      styles.set(b.styles.subarray(from, from + size), from);
    }
    return { styles, shares: a.shares };
  }
}

// The great arc from a to b; White 2016, section 2.1. The chord where there is none.
export function spherical(a, b, t) {
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  const lengths = Math.max(Math.sqrt(dot(a, a)), 1e-12) * Math.max(Math.sqrt(dot(b, b)), 1e-12);
  const angle = Math.acos(Math.min(1, Math.max(-1, dot(a, b) / lengths)));
  const sine = Math.sin(angle);
  if (sine < 1e-4) return lerp(a, b, t);
  const [p, q] = [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
  return a.map((x, i) => p * x + q * b[i]);
}
