// What the doctor found, as it is written into the journal, and what warnings were told.
import { html } from "../core/dom.js";
import { images } from "../core/wording.js";
import { link } from "../core/route.js";
import { standing, treated } from "./news.js";

const WEIGHTS = { act: "needs you", watch: "to be watched", note: "worth knowing" };

const Finding = ({ row, over }) => html`<li class=${over ? "over" : row.weight ?? "watch"}>
  <b>${row.name ?? row.code ?? "Finding"}</b>
  <span class="soft small"> ${[
    over ? "over" : WEIGHTS[row.weight],
    row.since_images != null ? `since ${images(row.since_images)}` : null,
    row.sureness != null ? `${Math.round(100 * row.sureness)} % sure` : null,
  ].filter(Boolean).join(" · ")}</span>
  ${row.text ? html`<p>${row.text}</p>` : null}
  ${row.code ? html`<a class="small" href=${link("help", null, { about: row.code })}>What is ${row.code}?</a>` : null}
</li>`;

const OUTCOMES = { begun: "on trial", kept: "kept: it helped", undone: "undone: all is as before it" };

const Treatment = ({ row }) => html`<li class="note">
  <b>Treatment: ${row.name ?? row.code ?? ""}</b>
  <span class="soft small"> ${[
    OUTCOMES[row.state],
    row.code ? `for ${row.code}` : null,
    row.images != null ? `begun at ${images(row.images)}` : null,
  ].filter(Boolean).join(" · ")}</span>
  ${row.words ? html`<p>${row.words}</p>` : null}
  ${row.reason ? html`<p class="soft small">${row.reason}</p>` : null}
  ${row.changes?.length
    ? html`<details><summary>What it changed</summary><pre>${row.changes.join("\n")}</pre></details>`
    : null}
</li>`;

export function Findings({ facts }) {
  const [lasting, over] = standing(facts.findings);
  const rows = [
    ...lasting.map((row) => html`<${Finding} key=${row.code} row=${row} />`),
    ...treated(facts.treatments).map(
      (row) => html`<${Treatment} key=${`treatment ${row.number}`} row=${row} />`,
    ),
    ...over.map((row) => html`<${Finding} key=${row.code} row=${row} over />`),
    ...facts.warnings.map(({ message, hint }) => html`<li key=${message} class="note">${message}
      ${hint ? html`<p class="soft small">${hint}</p>` : null}</li>`),
  ];
  if (!rows.length) return null;
  return html`<section class="card" aria-label="Findings">
    <h2>${lasting.length ? "What was found" : "Notes"}</h2>
    <ul class="findings">${rows}</ul>
  </section>`;
}
