// The end of the journal as it is written, the checkpoints, and the commands.
import { html } from "../core/dom.js";
import { Command } from "../core/parts.js";
import { bytes, count, measured } from "../core/wording.js";

const LAST = 30;

export const worded = (row) =>
  Object.entries(row)
    .filter(([key]) => key !== "event")
    .map(([key, value]) => `${key} ${typeof value === "number" ? (Number.isInteger(value) ? count(value) : measured(value)) : typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("  ");

const Checkpoints = ({ rows }) => html`<details class="card">
  <summary><h2>Checkpoints</h2> <span class="soft">${rows.length}</span></summary>
  <div class="wide"><table>
    <thead><tr><th>images seen</th><th>size</th><th>saved</th><td></td></tr></thead>
    <tbody>${[...rows].reverse().map((row) => html`<tr key=${row.images}>
      <td class="number">${count(row.images)}</td>
      <td class="number">${row.size_bytes ? bytes(row.size_bytes) : ""}</td>
      <td>${row.created ? `${row.created.slice(0, 10)} ${row.created.slice(11, 16)} UTC` : "just now"}</td>
      <td>${row.damage || (row.best ? "best" : "")}</td>
    </tr>`)}</tbody>
  </table></div>
</details>`;

export function Journal({ card, facts }) {
  const rows = facts.rows.length ? facts.rows.slice(-LAST) : Object.values(facts.latest);
  return html`
    <details class="card" open=${card.state === "running"}>
      <summary><h2>Journal</h2> <span class="soft">${card.state === "running" ? "as it is written" : "its last rows"}</span></summary>
      <ol class="rows" tabindex="0" aria-label="Last rows of the journal">
        ${[...rows].reverse().map((row, i) => html`<li key=${facts.rows.length - i}><b>${row.event}</b> ${worded(row)}</li>`)}
      </ol>
    </details>
    <${Checkpoints} rows=${facts.checkpoints} />
    <section class="card" aria-label="Commands">
      <h2>The same on the command line</h2>
      <div class="stack">
        ${facts.launch ? html`<${Command} text=${facts.launch.first} label="How it was started" />` : null}
        ${Object.values(facts.commands).filter((text) => text !== facts.launch?.first).map((text) => html`<${Command} key=${text} text=${text} />`)}
      </div>
    </section>`;
}
