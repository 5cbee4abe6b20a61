// A new name for a run, and the trash.
import { html, useState } from "../core/dom.js";
import { post } from "../core/api.js";
import { Dialog, Trouble } from "../core/parts.js";

// asks: "rename", "remove" or "" for nothing. onDone is told what the server answered.
export function Tools({ card, asks, onClose, onDone = () => {} }) {
  const [error, fail] = useState(null);
  const [name, set] = useState(card.name);
  if (!asks) return null;
  const act = async (event) => {
    event.preventDefault();
    try {
      const done = await post(`/api/runs/${card.id}/${asks}`, asks === "rename" ? { name } : {});
      onClose();
      onDone(asks, done);
    } catch (failed) {
      fail(failed);
    }
  };
  const begun = card.state === "failed";
  return html`<${Dialog} title=${asks === "rename" ? `Rename ${card.name}` : `Remove ${card.name}`} onClose=${onClose}>
    <form onSubmit=${act}>
      <${Trouble} error=${error} />
      ${asks === "rename"
        ? html`<label class="field">Name <input value=${name} onInput=${(event) => set(event.target.value)} required /></label>`
        : begun
          ? html`<p>It came to nothing: there is no run. Only the word of it goes.</p>`
          : html`<p>It goes to the folder .trash beside it. Nothing is deleted; move it back to have it again.</p>`}
      <div class="buttons">
        <button type="button" onClick=${onClose}>Cancel</button>
        <button class=${asks === "rename" ? "first" : "danger"}>${asks === "rename" ? "Rename" : "Remove"}</button>
      </div>
    </form>
  <//>`;
}
