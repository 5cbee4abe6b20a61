// How the facts of a run change with new rows of its journal. Pure.

const MOST_ROWS = 200;

export function advanced(facts, rows) {
  const next = { ...facts, latest: { ...facts.latest }, beat: facts.beat + 1 };
  next.rows = [...facts.rows, ...rows].slice(-MOST_ROWS);
  for (const row of rows) {
    next.latest[row.event] = row;
    switch (row.event) {
      case "picture":
        next.grids = added(next.grids, row.images);
        next.real = true; // drawn before the first of these
        break;
      case "measure":
        next.measures = [...next.measures, row];
        break;
      case "finding":
        next.findings = [...next.findings, row];
        break;
      case "treatment":
        next.treatments = [...next.treatments, row];
        break;
      case "warning":
        next.warnings = warned(next.warnings, row);
        break;
      case "checkpoint":
        next.checkpoints = [...next.checkpoints, { images: row.images }];
        break;
      case "start":
      case "end":
        next.turns = [...next.turns, row];
        break;
    }
  }
  return next;
}

const added = (grids, images) =>
  grids.includes(images) ? grids : [...grids, images].sort((a, b) => a - b);

function warned(known, { message = "", hint = "" }) {
  const told = known.some((one) => one.message === message && one.hint === hint);
  return told ? known : [...known, { message, hint }];
}

// Treatments, oldest first, each with what is known of its beginning and of its end
export function treated(rows) {
  const byNumber = new Map();
  for (const row of rows) {
    const known = byNumber.get(row.number) ?? {};
    byNumber.set(row.number, { ...known, ...row, images: known.images ?? row.images });
  }
  return [...byNumber.values()];
}

// Findings that last, and those that are over: of each kind its newest row, the gravest first
export function standing(findings) {
  const byCode = new Map();
  for (const row of findings) byCode.set(row.code, row);
  const grave = (row) => ["act", "watch", "note"].indexOf(row.weight);
  const all = [...byCode.values()].sort((a, b) => grave(a) - grave(b));
  return [all.filter((row) => !row.over), all.filter((row) => row.over)];
}
