// The generator as a page of its own, in one file that opens anywhere.
import { html, useState } from "../core/dom.js";
import { Bar, Command, Dialog, Trouble } from "../core/parts.js";
import { bytes } from "../core/wording.js";
import { useQuery } from "../new/query.js";

export function Publish({ card, onClose }) {
  const [begun, begin] = useState(false);
  const { command, answer, error } = useQuery(begun ? {} : null, `/api/runs/${card.id}/publish`);
  const works = begun && !answer && !error;
  return html`<${Dialog} title="Publish" onClose=${onClose}>
    <p>A page in one file that invents a new picture at each visit, in the visitor's browser: mail it, or open it
      by double click. It needs no server, and it holds the generator, not your pictures.</p>
    <${Trouble} error=${error} />
    ${works ? html`<${Bar} share=${null} label="Publishing" />` : null}
    ${command ? html`<${Command} text=${command} />` : null}
    ${answer ? html`<p class="soft" role="status">It is there: ${bytes(answer.bytes)}.</p>` : null}
    <div class="buttons">
      <button onClick=${onClose}>Close</button>
      ${answer
        ? html`<a class="button first" href=${`/api/runs/${card.id}/published`} download>Save the page</a>`
        : html`<button class="first" disabled=${works} onClick=${() => begin(true)}>${works ? "Making it …" : "Make the page"}</button>`}
    </div>
  <//>`;
}
