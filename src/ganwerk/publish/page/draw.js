// The page's side of the worker: places in, pixels on canvases out.

export class Painter {
  constructor(worker) {
    this.worker = worker;
    this.waiting = new Map(); // id to what is done with the pixels
    this.busy = new Map(); // key to the newest place that waits while another is drawn
    this.last = 0;
  }

  drawn({ id, pixels }) {
    this.waiting.get(id)?.(pixels);
    this.waiting.delete(id);
  }

  // The pixels of a place, in the order in which they were asked for, urgent ones first.
  draw(place, urgent = false) {
    const id = ++this.last;
    this.worker.postMessage({ kind: "draw", id, place, urgent });
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }

  // What is not urgent and not begun is not wanted any more.
  forget() {
    this.worker.postMessage({ kind: "forget" });
  }

  // For sliders: while one is drawn only the newest of the others is kept. True if this was drawn.
  async latest(key, place, show) {
    if (this.busy.has(key)) {
      this.busy.set(key, { place, show });
      return;
    }
    this.busy.set(key, null);
    show(await this.draw(place, true));
    const next = this.busy.get(key);
    this.busy.delete(key);
    if (next) await this.latest(key, next.place, next.show);
  }
}

export function put(canvas, pixels, side) {
  canvas.width = canvas.height = side;
  canvas.getContext("2d").putImageData(new ImageData(pixels, side, side), 0, 0);
}

const LARGEST_TIMES = 24; // larger squares are looked at, not the picture

// Large, and of small pictures each pixel the same whole number of the screen's.
export function fit(canvas, side, room) {
  const density = window.devicePixelRatio || 1;
  const times = Math.min((room * density) / side, LARGEST_TIMES * density);
  const whole = times >= 1 ? Math.floor(times) : times;
  canvas.style.width = canvas.style.height = `${(side * whole) / density}px`;
}

// The picture as a file, `times` as large.
export async function png(canvas, times, smooth) {
  const large = document.createElement("canvas");
  large.width = large.height = canvas.width * times;
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = smooth;
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, 0, 0, large.width, large.height);
  return new Promise((resolve) => large.toBlob(resolve, "image/png"));
}
