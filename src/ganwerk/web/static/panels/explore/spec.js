// What picture is wanted: the same texts as control/spec.py, as a value whose parts can be changed.
//
// {start, classes: {name: weight}, truncation, mixes: [[start, layers]], moves: {number: spreads}}

export const plain = (start = 0) => ({ start, classes: {}, truncation: 1, mixes: [], moves: {} });

const number = (text) => Number(Number(text).toPrecision(6));

function split(text) {
  const at = text.lastIndexOf(":");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

// What cannot be read is left out: the server says what is wrong with the rest
export function read(text) {
  const spec = plain();
  for (const [key, value] of new URLSearchParams(text ?? "")) {
    if (key === "seed" && /^\d+$/.test(value)) spec.start = Number(value);
    if (key === "place") spec.start = value;
    if (key === "truncation") spec.truncation = number(value);
    const [first, second] = split(value);
    if (key === "class") spec.classes[second === "" ? value : first] = second === "" ? 1 : number(second);
    if (key === "mix") spec.mixes.push([/^\d+$/.test(first) ? Number(first) : first, second]);
    if (key === "move") spec.moves[first] = number(second);
  }
  return spec;
}

const quoted = (text) => encodeURIComponent(text).replace(/%3A/g, ":");

export function written(spec) {
  const parts = [`${typeof spec.start === "number" ? "seed" : "place"}=${quoted(String(spec.start))}`];
  for (const [name, weight] of Object.entries(spec.classes)) {
    if (weight > 0) parts.push(`class=${quoted(name)}:${weight}`);
  }
  if (spec.truncation !== 1) parts.push(`truncation=${spec.truncation}`);
  for (const [start, layers] of spec.mixes) parts.push(`mix=${quoted(String(start))}:${layers}`);
  for (const [direction, amount] of Object.entries(spec.moves)) {
    if (amount) parts.push(`move=${direction}:${amount}`);
  }
  return parts.join("&");
}

export const called = (spec) =>
  typeof spec.start === "number" ? `Picture ${spec.start}` : `Place ${spec.start}`;
