// A run as it learns: its pictures through time beside real ones, curves, findings, journal.
import { html, useEffect, useState } from "../core/dom.js";
import { get } from "../core/api.js";
import { live } from "../core/live.js";
import { Bar, Command, Trouble } from "../core/parts.js";
import { note } from "../core/route.js";
import { Curves } from "../watch/curves.js";
import { Controls } from "../watch/controls.js";
import { Findings } from "../watch/findings.js";
import { Journal } from "../watch/journal.js";
import { advanced } from "../watch/news.js";
import { Tiles } from "../watch/tiles.js";
import { Timeline } from "../watch/timeline.js";

// The facts of a run, and what its journal adds to them while they are shown
function useFacts(run, begun) {
  const [facts, set] = useState(null);
  const [error, fail] = useState(null);
  const [turn, again] = useState(0);
  useEffect(() => {
    if (!begun) return;
    let over = false;
    let stop = () => {};
    const reload = () => again((n) => n + 1);
    get(`/api/runs/${run}`).then(
      (found) => {
        if (over) return;
        set({ ...found, rows: [], beat: 0 });
        stop = live.follow(run, found.offset, (rows) => {
          if (rows.some((row) => row.event === "resume")) reload();
          else set((known) => advanced(known, rows));
        }, reload);
      },
      (failed) => over || fail(failed),
    );
    return () => {
      over = true;
      stop();
    };
  }, [run, turn, begun]);
  return [facts, error];
}

// Index of the grid that is nearest to a number of images
export function nearest(grids, images) {
  let best = 0;
  grids.forEach((at, place) => {
    if (Math.abs(at - images) < Math.abs(grids[best] - images)) best = place;
  });
  return best;
}

export default function Watch({ route, card }) {
  const [facts, error] = useFacts(card.id, !["starting", "failed"].includes(card.state));
  const [at, setAt] = useState(route.asked.at ? Number(route.asked.at) : null); // null: the newest
  const grids = facts?.grids ?? [];
  const place = at === null ? grids.length - 1 : nearest(grids, at);
  const show = (index) => {
    const newest = index >= grids.length - 1;
    setAt(newest ? null : grids[index]);
    note(route, { at: newest ? null : grids[index] });
  };
  if (error) return html`<${Trouble} error=${error} />`;
  if (!facts) return html`<${Begun} card=${card} />`;
  return html`
    <div class="board">
      <${Controls} card=${card} facts=${facts} />
      ${facts.trouble.map((text) => html`<${Trouble} error=${{ message: text }} />`)}
      ${facts.launch?.error && card.state !== "running"
        ? html`<${Trouble} error=${facts.launch.error} />`
        : null}
      ${card.state === "finished" || card.share == null ? null : html`<${Bar} share=${card.share} label="Progress" />`}
      <${Tiles} card=${card} facts=${facts} />
      ${grids.length
        ? html`<${Timeline} card=${card} facts=${facts} place=${place} live=${at === null} onShow=${show} />`
        : html`<div class="empty"><h2>The first pictures come in a moment</h2>
            <p>A grid is drawn every few seconds while it learns.</p></div>`}
      <${Findings} facts=${facts} />
      <${Curves} run=${card.id} beat=${facts.beat} at=${grids[place] ?? null}
        onPick=${(images) => grids.length && show(nearest(grids, images))} />
      <${Journal} card=${card} facts=${facts} />
    </div>`;
}

// What is there before there is a run
const Begun = ({ card }) =>
  card.state === "starting"
    ? html`<div class="card">
        <h2>It looks at the pictures and measures this machine</h2>
        <p class="soft">${card.said}</p>
        <${Bar} share=${null} label="Preparing" />
        <p></p>
        <${Command} text=${card.command} />
      </div>`
    : card.trouble
      ? html`<${Trouble} error=${{ message: card.trouble, hint: card.hint }} />`
      : null;
