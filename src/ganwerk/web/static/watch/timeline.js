// All grids on one line: the pictures of a moment beside real ones. Arrow keys move in time.
import { html, useEffect, useRef, useState } from "../core/dom.js";
import { images } from "../core/wording.js";

const PLAY_MS = 120;
const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };

// The picture of `src`; the one before stays until this one is there. The newest request wins.
export function Shot({ src, alt, small }) {
  const [shown, set] = useState(src);
  useEffect(() => {
    let wanted = true;
    const image = new Image();
    image.src = src;
    image.decode().then(() => wanted && set(src), () => wanted && set(src));
    return () => (wanted = false);
  }, [src]);
  return html`<img class=${small ? "pixels" : ""} src=${shown} alt=${alt} />`;
}

export function Timeline({ card, facts, place, live, onShow }) {
  const { grids } = facts;
  const [playing, play] = useState(false);
  const here = useRef(place);
  here.current = place;
  const last = grids.length - 1;
  const small = (facts.plan.resolution ?? 64) <= 64;
  useEffect(() => {
    if (!playing) return;
    const pace = Math.max(1, Math.round(grids.length / 200));
    const timer = setInterval(() => {
      const next = Math.min(here.current + pace, last);
      onShow(next);
      if (next === last) play(false);
    }, PLAY_MS);
    return () => clearInterval(timer);
  }, [playing, last]);
  useEffect(() => {
    const pressed = (event) => {
      const busy = event.target.closest?.("input, select, textarea, dialog, [role=application]");
      const step = KEYS[event.key] ?? { Home: -Infinity, End: Infinity }[event.key];
      if (busy || !step || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      play(false);
      onShow(Math.min(Math.max(here.current + step, 0), last));
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [last, onShow]);
  const start = () => {
    if (!playing && place === last) onShow(0);
    play(!playing);
  };
  const when = `after ${images(grids[place])}`;
  return html`<section class="timeline card" aria-label="Pictures through time">
    <div class="pair">
      <figure>
        <figcaption><h2>Drawn <span class="soft">${when}</span></h2></figcaption>
        <${Shot} small=${small} src=${`/api/runs/${card.id}/grids/${grids[place]}`} alt=${`Drawn pictures ${when}`} />
      </figure>
      ${facts.real
        ? html`<figure>
            <figcaption><h2>Real <span class="soft">to compare with</span></h2></figcaption>
            <img class=${small ? "pixels" : ""} src=${`/api/runs/${card.id}/real`} alt="Real training pictures" />
          </figure>`
        : null}
    </div>
    <div class="scrubber">
      <button onClick=${start} aria-label=${playing ? "Pause" : "Play"}>${playing ? "❚❚" : "▶"}</button>
      <input
        type="range" min="0" max=${last} step="1" value=${place} aria-label="Moment"
        aria-valuetext=${when}
        onInput=${(event) => { play(false); onShow(Number(event.target.value)); }}
      />
      <output class="number">${`${place + 1} of ${grids.length}`}</output>
      ${live
        ? html`<span class="live">${card.state === "running" ? "live" : "newest"}</span>`
        : html`<button class="quiet" onClick=${() => onShow(last)}>To the newest</button>`}
    </div>
    <p class="soft small">Every place in the grid is one picture on its way. Arrow keys move in time.</p>
  </section>`;
}
