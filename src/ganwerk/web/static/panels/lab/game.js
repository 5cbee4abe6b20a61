// A game that is being watched: its frames as they come, all of them kept.
import { post } from "../../core/api.js";
import { messages } from "../../core/framing.js";

export const MOST_FRAMES = 3000;
const KINDS = { int16: Int16Array, uint8: Uint8Array, float32: Float32Array };

// The lanes of a frame, their arrays in place
export function unpacked({ head, body }) {
  return head.lanes.map(({ arrays, ...facts }) => ({
    ...facts,
    ...Object.fromEntries(
      Object.entries(arrays).map(([name, [offset, kind, shape]]) => [
        name,
        Object.assign(new KINDS[kind](body, offset, shape.reduce((a, b) => a * b, 1)), { shape }),
      ]),
    ),
  }));
}

export class Game {
  stage = null; // what does not change, see lab/live.py
  frames = [];
  every = 1; // of the frames that came, which are kept: halved when there are too many
  result = null;
  error = null;
  preparing = null;
  over = false;
  paused = false;
  #id = null;
  #came = 0;
  #stop = new AbortController();
  #told;
  #most = null;

  // asked: experiment, preset, methods, seed. told(): there is news
  constructor(asked, told) {
    this.asked = asked;
    this.#told = told;
    this.#play();
  }

  async #play() {
    try {
      for await (const message of messages("/api/lab/play", this.asked, this.#stop.signal)) {
        this.#take(message);
        this.#told();
      }
    } catch (error) {
      if (error.name !== "AbortError") this.error = error;
    }
    this.over = true;
    if (!this.#stop.signal.aborted) this.#told();
  }

  #take({ head, body }) {
    if (head.game) {
      this.#id = head.game;
      if (this.paused || this.#most) this.#pace();
    } else if (head.stage) {
      this.stage = head.stage;
    } else if (head.lanes) {
      this.preparing = null;
      this.#keep(unpacked({ head, body }));
    } else if (head.preparing) {
      this.preparing = head;
    } else if (head.error) {
      this.error = { message: head.error, hint: head.hint };
    } else if (head.result) {
      this.result = head.result;
    }
  }

  #keep(lanes) {
    const last = this.frames.at(-1);
    lanes.forEach((lane, k) => {
      // What is counted only now and then stays until it is counted again
      for (const name of ["modes", "reverse_kl"]) lane[name] ??= last?.lanes[k][name];
    });
    const frame = { lanes, step: Math.max(...lanes.map((lane) => lane.step)) };
    if (this.#came++ % this.every && last) this.frames.pop();
    this.frames.push(frame);
    if (this.frames.length > MOST_FRAMES) {
      this.frames = this.frames.filter((_, k) => k % 2 === 0);
      this.every *= 2;
    }
  }

  pause(paused) {
    this.paused = paused;
    this.#pace();
  }

  // most: steps a second; null for as many as can be
  hurry(most) {
    this.#most = most;
    this.#pace();
  }

  #pace() {
    if (this.#id === null || this.over) return;
    post(`/api/lab/games/${this.#id}`, { paused: this.paused, most_per_second: this.#most }).catch(() => {});
  }

  stop() {
    this.#stop.abort();
  }
}
