// What a lane of the laboratory looks like, on a canvas of any size.

export function colours(element) {
  const style = getComputedStyle(element);
  const value = (name) => style.getPropertyValue(`--${name}`).trim();
  return Object.fromEntries(
    ["page", "card", "sunk", "ink", "soft", "line", "edge", "d", "g", "real", "accent"].map((n) => [n, value(n)]),
  );
}

export const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

// From what D takes for drawn (0) over undecided to what it takes for real (1)
export function shade(share, { g, real, card }) {
  const [from, to] = share < 0.5 ? [rgb(card), rgb(g)] : [rgb(card), rgb(real)];
  const amount = 0.55 * Math.min(1, Math.abs(2 * share - 1));
  return from.map((value, k) => value + (to[k] - value) * amount);
}

// The canvas in its real pixels; drawn in the units of the page
export function fitted(canvas) {
  const ratio = Math.min(devicePixelRatio || 1, 2);
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

const tile = document.createElement("canvas");

function field(pen, cells, width, height, palette) {
  const [rows, columns] = cells.shape;
  tile.width = columns;
  tile.height = rows;
  const image = new ImageData(columns, rows);
  for (let k = 0; k < cells.length; k++) {
    const [r, g, b] = shade(cells[k] / 255, palette);
    image.data.set([r, g, b, 255], 4 * k);
  }
  tile.getContext("2d").putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = true;
  pen.imageSmoothingQuality = "high";
  pen.drawImage(tile, 0, 0, width, height);
}

const UNIT = 16384; // of the swarm's numbers: the reach

// before, share: the frame before this one and how far from it to this one; points are the same
// points from frame to frame, so they can be drawn on their way
export function swarm(canvas, stage, lane, before, share, palette) {
  const { pen, width, height } = fitted(canvas);
  if (lane.field) field(pen, lane.field, width, height, palette);
  const place = (x, y) => [(x + 1) / 2 * width, (1 - y) / 2 * height];
  pen.lineWidth = 1.5;
  pen.strokeStyle = palette.ink;
  for (const [x, y] of stage.centres) {
    const [left, top] = place(x / stage.reach, y / stage.reach);
    pen.globalAlpha = 0.55;
    pen.beginPath();
    pen.arc(left, top, Math.max(5, 3 * stage.deviation / stage.reach * width / 2), 0, 7);
    pen.stroke();
  }
  const now = lane.points, old = before?.points ?? now;
  if (!now) return;
  pen.strokeStyle = pen.fillStyle = palette.g;
  pen.lineCap = "round";
  const size = Math.max(1.6, width / 260);
  for (let k = 0; k < now.length; k += 2) {
    const [x0, y0] = place(old[k] / UNIT, old[k + 1] / UNIT);
    const [x1, y1] = place(now[k] / UNIT, now[k + 1] / UNIT);
    const x = x0 + (x1 - x0) * share, y = y0 + (y1 - y0) * share;
    const fast = Math.hypot(x1 - x0, y1 - y0);
    if (fast > 3) {
      pen.globalAlpha = 0.16;
      pen.lineWidth = size;
      pen.beginPath();
      pen.moveTo(x0, y0);
      pen.lineTo(x, y);
      pen.stroke();
    }
    pen.globalAlpha = 0.75;
    pen.beginPath();
    pen.arc(x, y, size, 0, 7);
    pen.fill();
  }
  pen.globalAlpha = 1;
}

function curve(pen, values, place, dash = []) {
  pen.setLineDash(dash);
  pen.beginPath();
  values.forEach((value, k) => pen.lineTo(...place(k / (values.length - 1), value)));
  pen.stroke();
  pen.setLineDash([]);
}

export function line(canvas, stage, lane, before, share, palette) {
  const { pen, width, height } = fitted(canvas);
  const between = (name) => Array.from(lane[name], (value, k) =>
    before ? before[name][k] + (value - before[name][k]) * share : value);
  const bottom = height * 0.68, top = 16;
  const most = 1.15 * Math.max(...lane.p_data);
  const atDensity = (x, y) => [x * width, bottom - Math.min(y / most, 1.1) * (bottom - top)];
  const atD = (x, y) => [x * width, bottom - y * (bottom - top) * 0.87];
  pen.lineWidth = 1;
  pen.strokeStyle = palette.line;
  curve(pen, [0.5, 0.5], atD, [2, 6]);
  pen.fillStyle = palette.real;
  pen.globalAlpha = 0.13;
  pen.beginPath();
  pen.moveTo(0, bottom);
  lane.p_data.forEach((value, k) => pen.lineTo(...atDensity(k / (lane.p_data.length - 1), value)));
  pen.lineTo(width, bottom);
  pen.fill();
  pen.globalAlpha = 1;
  pen.lineWidth = 2.2;
  pen.strokeStyle = palette.real;
  curve(pen, lane.p_data, atDensity, [2, 5]);
  pen.strokeStyle = palette.d;
  curve(pen, between("d"), atD, [9, 5]);
  pen.strokeStyle = palette.g;
  curve(pen, between("p_g"), atDensity);
  pen.strokeStyle = palette.edge;
  pen.lineWidth = 1;
  curve(pen, [0, 0], atDensity);
  const z = height - 14;
  curve(pen, [0, 0], (x) => [x * width, z]);
  pen.strokeStyle = palette.g;
  pen.globalAlpha = 0.6;
  const ends = between("x_of_z");
  ends.forEach((x, k) => {
    pen.beginPath();
    pen.moveTo(((k + 0.5) / ends.length) * width, z);
    pen.lineTo((x / stage.reach + 1) / 2 * width, bottom + 4);
    pen.stroke();
  });
  pen.globalAlpha = 1;
  pen.font = "13px system-ui, sans-serif";
  const told = [["data", palette.real], ["G's points", palette.g], ["D(x)", palette.d]];
  told.forEach(([text, colour], k) => {
    pen.fillStyle = colour;
    pen.fillText(text, 10, 20 + 18 * k);
  });
  pen.fillStyle = palette.soft;
  pen.fillText("z", 10, z - 6);
}

const REACH = 1.9;

// path: the places of all frames so far
export function dirac(canvas, stage, lane, before, share, palette, path) {
  const { pen, width, height } = fitted(canvas);
  const place = (theta, psi) => [(theta / REACH + 1) / 2 * width, (1 - psi / REACH) / 2 * height];
  pen.strokeStyle = palette.line;
  pen.lineWidth = 1;
  for (const [a, b] of [[[-REACH, 0], [REACH, 0]], [[0, -REACH], [0, REACH]]]) {
    pen.beginPath();
    pen.moveTo(...place(...a));
    pen.lineTo(...place(...b));
    pen.stroke();
  }
  pen.strokeStyle = palette.edge;
  pen.globalAlpha = 0.5;
  for (let i = -4; i <= 4; i++) {
    for (let j = -4; j <= 4; j++) {
      const theta = i * REACH / 4.6, psi = j * REACH / 4.6;
      const slope = 1 / (1 + Math.exp(-theta * psi)); // of the logistic loss
      const [x, y] = place(theta, psi);
      const [u, v] = place(theta + 0.3 * psi * slope, psi - 0.3 * theta * slope);
      pen.beginPath();
      pen.moveTo(x, y);
      pen.lineTo(u, v);
      pen.stroke();
      pen.beginPath();
      pen.arc(x, y, 1.2, 0, 7);
      pen.stroke();
    }
  }
  pen.globalAlpha = 0.9;
  pen.strokeStyle = palette.g;
  pen.lineWidth = 1.8;
  pen.beginPath();
  for (const [theta, psi] of path) pen.lineTo(...place(theta, psi));
  pen.stroke();
  const [theta, psi] = lane.place;
  pen.fillStyle = palette.g;
  pen.beginPath();
  pen.arc(...place(theta, psi), 6, 0, 7);
  pen.fill();
  pen.fillStyle = palette.real;
  pen.beginPath();
  pen.arc(...place(0, 0), 4.5, 0, 7);
  pen.fill();
  pen.globalAlpha = 1;
  pen.fillStyle = palette.soft;
  pen.font = "13px system-ui, sans-serif";
  pen.textAlign = "right";
  pen.fillText("θ, where G draws", width - 8, height / 2 - 8);
  pen.textAlign = "left";
  pen.fillText("ψ, D's slope", width / 2 + 8, 18);
}

export function stacked(canvas, stage, lane) {
  const { pen, width, height } = fitted(canvas);
  const [count, rows, columns] = lane.pictures.shape;
  const side = Math.ceil(Math.sqrt(count));
  tile.width = side * columns;
  tile.height = side * rows;
  const image = new ImageData(tile.width, tile.height);
  image.data.fill(255);
  for (let k = 0; k < count; k++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        const from = 3 * ((k * rows + y) * columns + x);
        const to = 4 * (((Math.floor(k / side) * rows + y) * side + (k % side)) * columns + x);
        image.data[to] = lane.pictures[from];
        image.data[to + 1] = lane.pictures[from + 1];
        image.data[to + 2] = lane.pictures[from + 2];
      }
    }
  }
  tile.getContext("2d").putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(tile, 0, 0, width, height);
}

export const DRAWINGS = { ring: swarm, grid: swarm, line, dirac, stacked };

// How a number went in all lanes: one thin curve each
export function history(canvas, frames, upTo, name, most, palette, lanes) {
  const { pen, width, height } = fitted(canvas);
  const tones = [palette.soft, palette.g, palette.d, palette.real];
  const last = frames.at(-1)?.step || 1;
  pen.lineWidth = 2;
  pen.lineJoin = "round";
  for (let k = 0; k < lanes; k++) {
    pen.strokeStyle = tones[k % tones.length];
    pen.beginPath();
    for (const frame of frames) {
      const value = frame.lanes[k][name];
      if (value == null) continue;
      pen.lineTo(frame.step / last * (width - 4) + 2, height - 3 - value / most * (height - 8));
    }
    pen.stroke();
  }
  const x = (frames[upTo]?.step ?? 0) / last * (width - 4) + 2;
  pen.strokeStyle = palette.edge;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(x, 0);
  pen.lineTo(x, height);
  pen.stroke();
}
