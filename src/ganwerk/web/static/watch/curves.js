// The curves of the report, alive: zoomable, and linked to the moment of the pictures.
import { html, useEffect, useRef, useState } from "../core/dom.js";
import { get } from "../core/api.js";
import { Chart } from "./chart.js";

const PAUSE_MS = 2500; // between two readings while rows come in
const POINTS = 400;
const WHOLE = [null, null];

function usePlots(run, beat, zoom) {
  const [plots, set] = useState(null);
  const read = useRef({ at: 0, timer: 0, wanted: "" });
  useEffect(() => {
    const wanted = `${run} ${zoom}`, state = read.current;
    const ask = () => {
      state.at = performance.now();
      state.wanted = wanted;
      const query = new URLSearchParams({ points: POINTS });
      if (zoom[0] !== null) query.set("from", zoom[0]);
      if (zoom[1] !== null) query.set("to", zoom[1]);
      get(`/api/runs/${run}/curves?${query}`).then(
        (found) => state.wanted === wanted && set(found.plots),
        () => {}, // the bar of the page says it
      );
    };
    clearTimeout(state.timer);
    const wait = state.wanted === wanted ? PAUSE_MS - (performance.now() - state.at) : 0;
    state.timer = setTimeout(ask, Math.max(0, wait));
    return () => clearTimeout(state.timer);
  }, [run, beat, `${zoom}`]);
  return plots;
}

export function Curves({ run, beat, at, onPick }) {
  const [zoom, set] = useState(WHOLE);
  const plots = usePlots(run, beat, zoom);
  if (!plots) return null;
  if (!plots.length) {
    return html`<section aria-label="Curves"><div class="empty">The curves begin with the first measurements.</div></section>`;
  }
  const last = Math.max(...plots.flatMap((plot) => plot.series.map((one) => one.images.at(-1))));
  const around = () => {
    const middle = at ?? last, reach = Math.max(last * 0.08, 1);
    set([Math.max(0, middle - reach), middle + reach]);
  };
  const zoomed = zoom[0] !== null;
  return html`<section aria-label="Curves">
    <div class="head">
      <h2>Curves</h2>
      <div class="buttons">
        <button class="quiet" disabled=${!zoomed} onClick=${() => set(WHOLE)}>Whole run</button>
        <button class="quiet" onClick=${around}>Around this moment</button>
      </div>
    </div>
    <div class="charts">
      ${plots.map((plot) => html`<${Chart}
        key=${plot.title} plot=${plot} at=${at} zoom=${zoom}
        onZoom=${(from, to) => set([from, to])} onWhole=${() => set(WHOLE)} onPick=${onPick}
      />`)}
    </div>
    <p class="soft small">Draw over a curve to look closer, twice click for the whole run; a click shows
      the pictures of that moment. Strong lines are smoothed, faint bands are what was measured.</p>
  </section>`;
}
