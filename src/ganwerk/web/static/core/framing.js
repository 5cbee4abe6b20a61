// Messages as web/framing.py packs them: two lengths, a head of JSON, a body of bytes.
import { Failure } from "./api.js";

export class Messages {
  #parts = new Uint8Array(0);

  // What is complete by now
  *feed(bytes) {
    const joined = new Uint8Array(this.#parts.length + bytes.length);
    joined.set(this.#parts);
    joined.set(bytes, this.#parts.length);
    let start = 0;
    while (joined.length - start >= 8) {
      const view = new DataView(joined.buffer, start, 8);
      const head = view.getUint32(0, true), body = view.getUint32(4, true);
      const end = start + 8 + head + body;
      if (end > joined.length) break;
      const text = new TextDecoder().decode(joined.subarray(start + 8, start + 8 + head));
      // A copy: arrays of numbers have to begin at an even place
      yield { head: JSON.parse(text), body: joined.slice(start + 8 + head, end).buffer };
      start = end;
    }
    this.#parts = joined.slice(start);
  }
}

// The messages of a stream, each as soon as it is there. One that tells an error is thrown.
export async function* messages(path, asked, signal) {
  const reader = await opened(path, asked, signal);
  const waiting = new Messages();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      for (const message of waiting.feed(value)) yield message;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function opened(path, asked, signal) {
  let response;
  try {
    response = await fetch(path, { method: "POST", body: JSON.stringify(asked), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The page has lost its server.", "Start it again: ganwerk serve");
  }
  if (!response.ok) {
    const told = await response.json().catch(() => ({}));
    throw new Failure(told.error ?? "It did not work.", told.hint ?? "", response.status);
  }
  return response.body.getReader();
}
