// From the number of a picture to its latent and its class: ganwerk/game/counters.py and latents.py
// in JavaScript. Only additions, multiplications and shifts, so the same on every machine.

const MASK = (1n << 64n) - 1n;
const GOLDEN = 0x9e3779b97f4a7c15n;
const SMALLEST = 2 ** -25;
const LATENT_STREAM = 0n;
const CLASS_STREAM = 1n;

// One round of SplitMix64; Steele et al. 2014.
function mixed(x) {
  x = (x + GOLDEN) & MASK;
  x = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  x = ((x ^ (x >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return x ^ (x >> 31n);
}

// `dim` numbers in [0, 1) of the picture `seed` (a BigInt).
export function uniforms(seed, dim, stream) {
  const row = mixed(seed);
  const found = new Float64Array(dim);
  for (let column = 0; column < dim; column++) {
    const counter = (BigInt(column) + (stream << 32n)) * GOLDEN & MASK;
    found[column] = Number(mixed(row ^ counter) >> 40n) * 2 ** -24;
  }
  return found;
}

function polynomial(coefficients, x) {
  return coefficients.reduce((sum, c) => sum * x + c, 0);
}

// The quantile function of the normal distribution, to 16 digits: Wichura 1988, algorithm AS 241.
const MIDDLE = [
  [2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
    13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608],
  [5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
    5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1],
];
const NEAR = [
  [7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177,
    1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959,
    1.42343711074968357734],
  [1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
    0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187,
    1],
];
const FAR = [
  [2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
    0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699,
    6.6579046435011037772],
  [2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
    7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531,
    0.59983220655588793769, 1],
];

export function quantile(p) {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return q * polynomial(MIDDLE[0], r) / polynomial(MIDDLE[1], r);
  }
  const tail = Math.sqrt(-Math.log(Math.min(p, 1 - p)));
  const [table, r] = tail <= 5 ? [NEAR, tail - 1.6] : [FAR, tail - 5];
  return Math.sign(q) * polynomial(table[0], r) / polynomial(table[1], r);
}

const LOW = 0.022750131948179207; // of a Gaussian's mass below -2 deviations
const LARGEST = 2;

function onSphere(z) {
  const scale = Math.sqrt(z.length) / Math.sqrt(z.reduce((sum, x) => sum + x * x, 0));
  return z.map((x) => x * scale);
}

function clamped(most) {
  return (z) => z.map((x) => Math.min(most, Math.max(-most, x)));
}

// of: uniform numbers to a latent. arc: whether the way between two is a great arc, or the chord.
// settle: the nearest latent that can be drawn.
export const KINDS = {
  gaussian: { of: (u) => u.map(quantile), arc: true, settle: (z) => z },
  uniform: { of: (u) => u.map((x) => 2 * x - 1), arc: false, settle: clamped(1) },
  sphere: { of: (u) => onSphere(u.map(quantile)), arc: true, settle: onSphere },
  truncated: {
    of: (u) => u.map((x) => quantile(LOW + x * (1 - 2 * LOW))), arc: true, settle: clamped(LARGEST),
  },
};

// The latent of the picture `seed`; latents: {kind, dim} of space.json.
export function latentOf(seed, latents) {
  const u = uniforms(seed, latents.dim, LATENT_STREAM).map((x) => Math.max(x, SMALLEST));
  return Float32Array.from(KINDS[latents.kind].of(u));
}

// The class of the picture `seed`, as frequent as in the data; null without classes.
export function classOf(seed, classes) {
  if (!classes.length) return null;
  const [u] = uniforms(seed, 1, CLASS_STREAM);
  const total = classes.reduce((sum, kind) => sum + kind.count, 0);
  let edge = 0;
  for (let i = 0; i < classes.length; i++) {
    edge += classes[i].count;
    if (u < edge / total) return i;
  }
  return classes.length - 1;
}
