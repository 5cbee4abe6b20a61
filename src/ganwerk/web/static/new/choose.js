// Where the pictures come from: dropped here, a folder where it lies, one of before, a named set.
import { html, useEffect, useRef, useState } from "../core/dom.js";
import { get } from "../core/api.js";
import { Bar, Trouble } from "../core/parts.js";
import { bytes, count } from "../core/wording.js";
import { asSet, dropped, picked } from "./drop.js";
import { upload } from "./upload.js";

export function useUpload() {
  const [, again] = useState(0);
  useEffect(() => upload.listen(() => again((n) => n + 1)), []);
  return upload.state;
}

function DropZone({ onFound }) {
  const [over, set] = useState(false);
  const files = useRef(null), folder = useRef(null);
  useEffect(() => folder.current?.setAttribute("webkitdirectory", ""), []);
  const drop = async (event) => {
    event.preventDefault();
    set(false);
    onFound(await dropped(event.dataTransfer));
  };
  const hover = (event) => {
    event.preventDefault();
    set(true);
  };
  const take = (event) => {
    onFound(picked(event.target.files));
    event.target.value = "";
  };
  return html`<div class=${`drop ${over ? "over" : ""}`} onDrop=${drop} onDragOver=${hover} onDragLeave=${() => set(false)}>
    <h2>Drop pictures here</h2>
    <p class="soft">Any size, any format, thousands of them. Sub-folders become classes.</p>
    <div class="buttons">
      <button onClick=${() => folder.current.click()}>Choose a folder</button>
      <button onClick=${() => files.current.click()}>Choose pictures</button>
    </div>
    <input type="file" multiple hidden ref=${files} onChange=${take} aria-label="Pictures" />
    <input type="file" multiple hidden ref=${folder} onChange=${take} aria-label="Folder" />
  </div>`;
}

export function Arriving({ state }) {
  const seconds = (performance.now() - state.began) / 1000;
  const rate = (state.done - state.kept) / Math.max(seconds, 0.1);
  return html`<section class="card" aria-label="Upload" aria-live="polite">
    <h2>${state.over ? `${count(state.done - (state.lost ?? 0))} pictures are in the set ${state.name}` : `Sending ${state.name}`}</h2>
    <${Bar} share=${state.total ? state.done / state.total : 1} label="Upload" />
    <p class="soft small number">${count(state.done)} of ${count(state.total)}${state.kept ? `, ${count(state.kept)} were there already` : ""}
      ${state.over ? "" : ` · ${count(rate)} a second · ${bytes(state.bytes)}`}
      ${state.passed ? ` · ${count(state.passed)} files that are no pictures passed over` : ""}</p>
    <${Trouble} error=${state.error} />
    ${state.refused.length
      ? html`<details><summary class="warn">${count(state.lost)} could not be used</summary>
          <ul class="small">${state.refused.map(({ path, reason }) => html`<li key=${path}>${path}: ${reason}</li>`)}</ul></details>`
      : null}
  </section>`;
}

const counted = (number, what) => `${count(number)} ${what}${number === 1 ? "" : "s"}`;

const told = (entry) =>
  entry.kind === "archive"
    ? "archive"
    : [entry.pictures ? counted(entry.pictures, "picture") : "", entry.folders ? counted(entry.folders, "folder") : ""]
        .filter(Boolean).join(", ") || "empty";

// A folder below the allowed ones, opened step by step
function Browser({ roots, onChoose }) {
  const [trail, set] = useState([]);
  const [entries, show] = useState(roots);
  const [error, fail] = useState(null);
  const here = trail.at(-1);
  useEffect(() => {
    fail(null);
    if (!here) return show(roots);
    get(`/api/sources/${here.id}`).then((found) => show(found.entries), fail);
  }, [here?.id, roots]);
  return html`<div class="browser">
    <p class="buttons" aria-label="Place">
      <button class="quiet" onClick=${() => set([])} disabled=${!here}>Allowed folders</button>
      ${trail.map((step, i) => html`<span key=${step.id}>/ <button class="quiet" disabled=${step === here}
        onClick=${() => set(trail.slice(0, i + 1))}>${step.name}</button></span>`)}
      ${here ? html`<button class="first" onClick=${() => onChoose(here)}>Use this folder</button>` : null}
    </p>
    <${Trouble} error=${error} />
    <ul class="entries">${entries.map((entry) => html`<li key=${entry.id}>
      ${entry.kind === "archive"
        ? html`<span>${entry.name}</span>`
        : html`<button class="quiet" onClick=${() => set([...trail, entry])}>${entry.name}</button>`}
      <span class="soft small">${told(entry)}</span>
      <button onClick=${() => onChoose(entry)} aria-label=${`Use ${entry.name}`}>Use</button>
    </li>`)}</ul>
    ${entries.length ? null : html`<p class="soft">No folders in here.</p>`}
  </div>`;
}

export function Choose({ onChoose }) {
  const [sources, set] = useState(null);
  const [error, fail] = useState(null);
  const state = useUpload();
  useEffect(() => {
    get("/api/sources").then(set, fail);
  }, [state?.over]);
  const found = async (list) => {
    const made = asSet(list, new Date());
    if (!made.files.length) {
      return fail({ message: `${list.length ? "None of these files is a picture." : "Nothing was dropped."}`,
        hint: "Pictures are JPEG, PNG, WebP and many others; archives stay where they lie." });
    }
    fail(null);
    const id = await upload.send(made);
    if (id && upload.state.done > (upload.state.lost ?? 0)) onChoose({ id });
  };
  const sending = state && !state.over;
  return html`
    ${sending ? null : html`<${DropZone} onFound=${found} />`}
    <${Trouble} error=${error} />
    ${state ? html`<${Arriving} state=${state} />` : null}
    ${sources
      ? html`<div class="sources">
          <section class="card"><h2>Use a folder where it lies</h2>
            <p class="soft small">Nothing is copied.</p>
            <${Browser} roots=${sources.roots} onChoose=${onChoose} /></section>
          <section class="card"><h2>Sets that everybody knows</h2>
            <ul class="entries">${sources.named.map((one) => html`<li key=${one.id}><span>${one.id}</span>
              <span class="soft small">${one.download_bytes ? `downloads ${bytes(one.download_bytes)} once` : "comes with ganwerk"}</span>
              <button onClick=${() => onChoose(one)} aria-label=${`Use ${one.id}`}>Use</button></li>`)}</ul>
            ${sources.uploaded.length
              ? html`<h2>Dropped before</h2><ul class="entries">${sources.uploaded.map((one) => html`<li key=${one.id}>
                  <span>${one.name}</span><span class="soft small">${told(one)}</span>
                  <button onClick=${() => onChoose(one)} aria-label=${`Use ${one.name}`}>Use</button></li>`)}</ul>`
              : null}</section>
        </div>`
      : null}`;
}
