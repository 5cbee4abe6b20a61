// The one stream of this tab: the cards of all runs, and the journal of the run that is followed.
//
// A browser opens six connections to a host, for all tabs together: so there is one stream for all
// that a tab shows, and none while nobody looks at it.
import { useEffect, useState } from "./dom.js";

const AGAIN_MS = 1000;

class Live {
  runs = null; // id to card; null until the first news
  connected = true;
  #listeners = new Set();
  #followed = null;
  #source = null;
  #timer = 0;

  start() {
    document.addEventListener("visibilitychange", () => this.#open());
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", () => this.#open());
    this.#open();
  }

  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // rows(list) is told what is added to the journal of `run` from `offset` on, reset() that all of
  // it is another one now. Returns how to stop.
  follow(run, offset, rows, reset) {
    const followed = { run, offset, rows, reset };
    this.#followed = followed;
    this.#open();
    return () => {
      if (this.#followed === followed) {
        this.#followed = null;
        this.#open();
      }
    };
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #open() {
    this.#close();
    if (document.hidden) return;
    const asked = new URLSearchParams();
    if (this.#followed) {
      asked.set("run", this.#followed.run);
      asked.set("from", this.#followed.offset);
    }
    const source = new EventSource(`/events?${asked}`);
    this.#source = source;
    source.addEventListener("open", () => this.#told(() => (this.connected = true)));
    source.addEventListener("error", () => {
      this.#told(() => (this.connected = false));
      if (source.readyState === EventSource.CLOSED) {
        this.#timer = setTimeout(() => this.#open(), AGAIN_MS);
      }
    });
    const hear = (name, what) =>
      source.addEventListener(name, (event) => {
        if (this.#source === source) what(JSON.parse(event.data), event);
      });
    hear("runs", (cards) => this.#told(() => (this.runs = new Map(cards.map((c) => [c.id, c])))));
    hear("changes", (news) => this.#told(() => this.#change(news)));
    hear("rows", (rows, event) => {
      const followed = this.#followed;
      if (!followed) return;
      followed.offset = Number(event.lastEventId.split(":")[1]);
      followed.rows(rows);
    });
    hear("reset", () => this.#followed?.reset());
  }

  #change({ runs, gone }) {
    const known = new Map(this.runs);
    for (const card of runs) known.set(card.id, card);
    for (const run of gone) known.delete(run);
    this.runs = known;
  }

  #told(change) {
    change();
    for (const listener of this.#listeners) listener();
  }
}

export const live = new Live();

// The component is drawn again when there is news; returns what `pick` takes from it.
export function useLive(pick) {
  const [, again] = useState(0);
  useEffect(() => live.listen(() => again((n) => n + 1)), []);
  return pick(live);
}
