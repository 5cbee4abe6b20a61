// A walk between pinned pictures: drawn piece by piece, played forth and back.
import { html, useEffect, useRef, useState } from "../../core/dom.js";
import { gone } from "./artist.js";

const PER_LEG = 16, FRAME_MS = 70;

export function Walk({ artist, pins, small }) {
  const image = useRef(null);
  const [state, set] = useState({ playing: false, ready: 0, error: null });
  const key = pins.join("|");
  useEffect(() => set((before) => ({ ...before, playing: false, ready: 0 })), [key]);
  useEffect(() => {
    if (!state.playing || pins.length < 2) return undefined;
    const stop = new AbortController();
    const count = PER_LEG * (pins.length - 1) + 1;
    const frames = [];
    const shares = Array.from({ length: count }, (_, k) => k / (count - 1));
    const got = (index, address, head) => {
      if (head.error) set((before) => ({ ...before, error: head.error, playing: false }));
      else frames[index] = address;
      set((before) => ({ ...before, ready: frames.filter(Boolean).length }));
    };
    artist.walk("walk", pins, shares, { kind: "webp" }, got, stop.signal).catch((error) => {
      if (!gone(error)) set((before) => ({ ...before, error: error.message, playing: false }));
    });
    let at = 0, forth = 1;
    const timer = setInterval(() => {
      if (frames[at] && image.current) image.current.src = frames[at];
      const next = at + forth;
      if (next < 0 || next >= count) forth = -forth;
      else if (frames[next]) at = next;
    }, FRAME_MS);
    return () => {
      stop.abort();
      clearInterval(timer);
      for (const address of frames) if (address) URL.revokeObjectURL(address);
    };
  }, [state.playing, key, artist]);
  const turn = () => set((before) => ({ ...before, playing: !before.playing, error: null }));
  return html`<div class="walk">
    ${state.playing ? html`<img ref=${image} class=${small ? "pixels" : ""} alt="The walk between the pinned pictures" />` : null}
    <div class="buttons">
      <button class="first" disabled=${pins.length < 2} onClick=${turn}>${state.playing ? "End the walk" : "Walk between them"}</button>
      ${state.playing ? html`<span class="soft small number">${state.ready} of ${PER_LEG * (pins.length - 1) + 1} drawn</span>` : null}
    </div>
    ${state.error ? html`<p class="bad" role="alert">${state.error}</p>` : null}
  </div>`;
}
