// Sends pictures, one a request, four at a time; goes on when the server was away. It lives beside
// the panels: whoever looks elsewhere meanwhile loses nothing.
import { get, post } from "../core/api.js";

const AT_ONCE = 4;
const AGAIN_MS = 700;
const MOST_REFUSED = 100;

class Upload {
  state = null; // {set, name, total, done, refused, passed, bytes, began, error, over}
  #listeners = new Set();

  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #told(change) {
    this.state = { ...this.state, ...change };
    for (const listener of this.#listeners) listener();
  }

  forget() {
    if (!this.state || this.state.over) this.state = null;
  }

  // name, files, passed: as drop.js has them. Returns the id of the set when all has arrived.
  async send({ name, files, passed }) {
    this.#told({ set: null, name, total: files.length, done: 0, refused: [], passed, bytes: 0,
      began: performance.now(), error: null, over: false, kept: 0 });
    try {
      const set = await patiently(() => post("/api/sets", { name }));
      const { files: there } = await patiently(() => get(`/api/sets/${set.id}/files`));
      const known = new Map(there.map(([path, size, modified]) => [path, [size, modified]]));
      const missing = files.filter(({ file, path }) => {
        const [size, modified] = known.get(path) ?? [];
        return size !== file.size || Math.abs(modified - file.lastModified) > 2;
      });
      const kept = files.length - missing.length;
      this.#told({ set: set.id, name: set.name, done: kept, kept });
      const queue = missing[Symbol.iterator]();
      const lane = async () => {
        for (const one of queue) await this.#one(set.id, one);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
      this.#told({ over: true });
      return set.id;
    } catch (error) {
      this.#told({ error, over: true });
      return null;
    }
  }

  async #one(set, { file, path }) {
    const headers = { "x-name": encodeURIComponent(path), "x-modified": String(file.lastModified) };
    try {
      await patiently(() => put(`/api/sets/${set}/files`, file, headers));
    } catch (error) {
      if (error.status === 401 || error.full) throw error;
      const refused = [...this.state.refused, { path, reason: error.message }].slice(-MOST_REFUSED);
      this.#told({ refused, done: this.state.done + 1, lost: (this.state.lost ?? 0) + 1 });
      return;
    }
    this.#told({ done: this.state.done + 1, bytes: this.state.bytes + file.size });
  }
}

const put = (path, body, headers) => post(path, {}, { method: "PUT", body, headers });

// Tries again for as long as the server is away
async function patiently(ask) {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error.status !== 0) throw error;
      await new Promise((resume) => setTimeout(resume, AGAIN_MS));
    }
  }
}

export const upload = new Upload();
