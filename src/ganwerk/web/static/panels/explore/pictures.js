// Pictures on the page that follow specs.
import { html, useEffect, useRef, useState } from "../../core/dom.js";
import { Latest, gone } from "./artist.js";

// The pictures of some specs: {addresses, heads, error}. Those that are shown stay until newer ones
// are there. urgent: small and at once; all others are drawn sharp, in turn.
export function usePictures(artist, place, specs, { urgent = false, most_px, what = "draw" } = {}) {
  const [shown, set] = useState({ addresses: [], heads: [], error: null });
  const latest = useRef(null);
  const kept = useRef([]);
  useEffect(() => {
    const current = new Latest(async ({ asked, options }, signal) => {
      const got = (index, address, head) => {
        if (kept.current[index] && address) URL.revokeObjectURL(kept.current[index]);
        if (address) kept.current[index] = address;
        set(({ addresses, heads }) => {
          addresses = Object.assign([...addresses], { [index]: address ?? addresses[index] });
          heads = Object.assign([...heads], { [index]: head });
          return { addresses, heads, error: head.error ? { message: head.error, hint: head.hint } : null };
        });
      };
      try {
        if (what === "nearest") await artist.nearest(place, asked, got, signal);
        else await artist.draw(place, asked, options, got, signal);
      } catch (error) {
        if (!gone(error)) set((before) => ({ ...before, error }));
      }
    });
    latest.current = current;
    return () => {
      current.end();
      for (const address of kept.current) if (address) URL.revokeObjectURL(address);
    };
  }, [artist, place]);
  const key = JSON.stringify([specs, urgent]);
  useEffect(() => {
    if (!specs.length) return;
    const options = urgent ? { urgent, kind: "webp", most_px } : { kind: "png" };
    latest.current.ask({ asked: specs, options });
  }, [artist, place, key]);
  return shown;
}

export const Shot = ({ address, alt, small }) => address
  ? html`<img class=${small ? "pixels" : ""} src=${address} alt=${alt} draggable="false" />`
  : html`<span class="blank" role="img" aria-label=${`${alt}, being drawn`}></span>`;
