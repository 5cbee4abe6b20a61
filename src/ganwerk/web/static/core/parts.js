// Small pieces that panels share.
import { Component, html, useEffect, useRef, useState } from "./dom.js";
import { stateClass } from "./wording.js";

export const State = ({ state }) =>
  html`<span class=${`state ${stateClass(state)}`}>${state}</span>`;

// A failure as a sentence and what to do
export const Trouble = ({ error }) =>
  error
    ? html`<div class="trouble" role="alert">
        <p>${error.message}</p>
        ${error.hint ? html`<p class="soft">${error.hint}</p>` : null}
      </div>`
    : null;

// share: from 0 to 1, or null where nobody knows
export const Bar = ({ share, label }) => {
  const known = share != null;
  return html`<div
    class=${known ? "bar" : "bar endless"}
    role="progressbar"
    aria-label=${label}
    aria-valuemin="0"
    aria-valuemax="100"
    aria-valuenow=${known ? Math.round(100 * share) : undefined}
  >
    <i style=${{ width: known ? `${100 * Math.min(1, share)}%` : "30%" }}></i>
  </div>`;
};

// The very command that a button runs, to be pasted into a terminal
export function Command({ text, label = "The same on the command line" }) {
  const [copied, set] = useState(false);
  const copy = async () => {
    await copyText(text);
    set(true);
    setTimeout(() => set(false), 1600);
  };
  return html`<div class="command" role="group" aria-label=${label}>
    <code tabindex="0">${text}</code>
    <button onClick=${copy}>${copied ? "Copied" : "Copy"}</button>
  </div>`;
}

// The clipboard is not there for pages of other machines
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}

// A question above the page. Escape and a click beside it answer no.
export function Dialog({ title, onClose, children }) {
  const box = useRef(null);
  useEffect(() => {
    const dialog = box.current;
    dialog.showModal();
    const close = (event) => {
      event.preventDefault();
      onClose();
    };
    dialog.addEventListener("cancel", close);
    return () => {
      dialog.removeEventListener("cancel", close);
      dialog.close();
    };
  }, []);
  const beside = (event) => event.target === box.current && onClose();
  return html`<dialog ref=${box} aria-label=${title} onClick=${beside}>
    <div class="inside">
      <h2>${title}</h2>
      ${children}
    </div>
  </dialog>`;
}

// A panel that breaks tells so and leaves the rest of the page alone
export class Fence extends Component {
  state = { error: null };

  componentDidCatch(error) {
    console.error(error);
    this.setState({ error });
  }

  componentDidUpdate(before) {
    if (before.about !== this.props.about && this.state.error) this.setState({ error: null });
  }

  render({ children }, { error }) {
    return error
      ? html`<${Trouble}
          error=${{ message: `This panel broke: ${error.message}`, hint: "Load the page again." }}
        />`
      : children;
  }
}
