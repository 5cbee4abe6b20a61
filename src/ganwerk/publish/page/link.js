// The link of a picture: #7, #7:lemon, #7:lemon:0.7, #7::0.7:2.5,-1 (number, class, truncation, and
// how far along each direction).

const LARGEST_SEED = 2n ** 63n - 1n;

export function linkOf({ seed, label, psi, moves }, classes) {
  const parts = [
    `${seed}`,
    label === null ? "" : encodeURIComponent(classes[label].name).replaceAll(":", "%3A"),
    psi === 1 ? "" : `${psi}`,
    moves.some((amount) => amount) ? moves.join(",") : "",
  ];
  while (parts.length > 1 && !parts.at(-1)) parts.pop();
  return `#${parts.join(":")}`;
}

// The place of a link, or null for one that names none.
export function placeOf(link, about) {
  const [number, name, psi, moves] = link.replace(/^#/, "").split(":");
  if (!/^\d{1,19}$/.test(number) || BigInt(number) > LARGEST_SEED) return null;
  const count = about.directions ? about.directions.vectors.length : 0;
  const found = { seed: BigInt(number), label: null, psi: 1, moves: Array(count).fill(0) };
  try {
    if (name) found.label = about.classes.findIndex((kind) => kind.name === decodeURIComponent(name));
  } catch {
    return null; // half of an escape
  }
  if (found.label === -1) return null;
  if (psi) found.psi = Number(psi);
  if (!(found.psi >= 0 && found.psi <= 1) || (found.psi !== 1 && !about.middles)) return null;
  if (moves) {
    const amounts = moves.split(",").map(Number);
    const most = about.directions ? about.directions.strength : 0;
    if (amounts.length !== count || !amounts.every((x) => Math.abs(x) <= most)) return null;
    found.moves = amounts;
  }
  return found;
}

// A number that nobody chose, short enough to be read out.
export function anyNumber() {
  return BigInt(crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000);
}
