// Asks for pictures. Each place on the page has a name; of each only the latest spec counts.
import { messages } from "../../core/framing.js";

const TAB = Math.random().toString(36).slice(2, 10);

// `work(value, signal)` one at a time; of what comes meanwhile only the latest is kept
export class Latest {
  #busy = false;
  #next = null;
  #stop = new AbortController();

  constructor(work) {
    this.work = work;
  }

  async ask(value) {
    this.#next = { value };
    if (this.#busy) return;
    this.#busy = true;
    while (this.#next && !this.#stop.signal.aborted) {
      const { value: newest } = this.#next;
      this.#next = null;
      await this.work(newest, this.#stop.signal);
    }
    this.#busy = false;
  }

  end() {
    this.#stop.abort();
  }
}

export class Artist {
  constructor(run) {
    this.path = `/api/runs/${run}`;
  }

  // got(index, address of a picture, head) for each, as they come. Throws what the server refuses.
  async #stream(what, asked, place, got, signal) {
    const asker = `${TAB}/${place}`;
    for await (const { head, body } of messages(`${this.path}/${what}`, { ...asked, asker }, signal)) {
      if (signal.aborted) return;
      if (head.dropped) return;
      if (head.error) got(head.index ?? 0, null, head);
      else got(head.index, URL.createObjectURL(new Blob([body], { type: `image/${head.kind ?? "png"}` })), head);
    }
  }

  draw(place, specs, options, got, signal) {
    return this.#stream("draw", { specs, ...options }, place, got, signal);
  }

  walk(place, stops, shares, options, got, signal) {
    return this.#stream("walk", { stops, shares, ...options }, place, got, signal);
  }

  nearest(place, specs, got, signal) {
    return this.#stream("nearest", { specs }, place, got, signal);
  }

  // The exact picture, as a file
  file(spec, at) {
    return `${this.path}/picture?${new URLSearchParams({ spec, save: "", at })}`;
  }
}

export const gone = (error) => error.name === "AbortError";
