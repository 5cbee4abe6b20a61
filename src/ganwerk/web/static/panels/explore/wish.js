// What picture is wanted: the same texts as control/wish.py, as a value whose parts can be changed.
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
  const wish = plain();
  for (const [key, value] of new URLSearchParams(text ?? "")) {
    if (key === "seed" && /^\d+$/.test(value)) wish.start = Number(value);
    if (key === "place") wish.start = value;
    if (key === "truncation") wish.truncation = number(value);
    const [first, second] = split(value);
    if (key === "class") wish.classes[second === "" ? value : first] = second === "" ? 1 : number(second);
    if (key === "mix") wish.mixes.push([/^\d+$/.test(first) ? Number(first) : first, second]);
    if (key === "move") wish.moves[first] = number(second);
  }
  return wish;
}

const quoted = (text) => encodeURIComponent(text).replace(/%3A/g, ":");

export function written(wish) {
  const parts = [`${typeof wish.start === "number" ? "seed" : "place"}=${quoted(String(wish.start))}`];
  for (const [name, weight] of Object.entries(wish.classes)) {
    if (weight > 0) parts.push(`class=${quoted(name)}:${weight}`);
  }
  if (wish.truncation !== 1) parts.push(`truncation=${wish.truncation}`);
  for (const [start, layers] of wish.mixes) parts.push(`mix=${quoted(String(start))}:${layers}`);
  for (const [direction, amount] of Object.entries(wish.moves)) {
    if (amount) parts.push(`move=${direction}:${amount}`);
  }
  return parts.join("&");
}

export const called = (wish) =>
  typeof wish.start === "number" ? `Picture ${wish.start}` : `Place ${wish.start}`;
