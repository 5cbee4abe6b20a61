// Numbers, times and names in the words of people.

const ENGLISH = "en";

export const count = (value) => Math.round(value).toLocaleString(ENGLISH);

export const images = (value) => (Math.round(value) === 1 ? "1 image" : `${count(value)} images`);

// A count for an axis: 1.25M, 40k, 900
export function shortCount(value) {
  for (const [size, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(3))}${letter}`;
  }
  return String(Number(value.toPrecision(3)));
}

// A time span in its two largest units: 42 s, 20 min 3 s, 2 h 5 min
export function duration(seconds) {
  let rest = Math.round(seconds);
  const parts = [];
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) {
    parts.push([Math.floor(rest / size), unit]);
    rest %= size;
  }
  const first = parts.findIndex(([n]) => n);
  if (first < 0) return "0 s";
  const shown = parts.slice(first, first + 2).filter(([n]) => n);
  return shown.map(([n, unit]) => `${n} ${unit}`).join(" ");
}

// A measured number with three or four digits
export function measured(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1000) return count(value).replace("-", "−");
  if (size > 0 && size < 1e-3) return value.toExponential(1).replaceAll("-", "−");
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

export const speed = (rate) =>
  `${rate >= 10 ? count(rate) : rate.toFixed(1)} images/s`;

export function bytes(value) {
  for (const [size, unit] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) {
    if (value >= size) return `${(value / size).toFixed(1)} ${unit}`;
  }
  return `${value} bytes`;
}

const STATES = {
  "not started": "waiting",
  starting: "running",
  failed: "interrupted",
};

// The class of a state in page.css
export const stateClass = (state) => STATES[state] ?? state;
