// Works of minutes: a projection or a film, seen from the page and going on without it.
import { Failure, get, post } from "../../core/api.js";
import { html, useEffect, useState } from "../../core/dom.js";
import { Bar, Command, Trouble } from "../../core/parts.js";

const LOOK_MS = 500;

// How a work stands, asked again and again while it runs
export function useWork(path) {
  const [work, set] = useState(null);
  useEffect(() => {
    if (!path) return undefined;
    let timer, over = false;
    const look = async () => {
      try {
        const found = await get(path);
        if (over) return;
        set(found);
        if (found.state === "running") timer = setTimeout(look, LOOK_MS);
      } catch (error) {
        if (over) return;
        set((before) => ({ ...before, trouble: error }));
        if (!error.status) timer = setTimeout(look, 4 * LOOK_MS);
      }
    };
    set(null);
    look();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [path]);
  return work;
}

export function shareOf({ told }) {
  return told?.total ? told.done / told.total : null;
}

export function Work({ path, doing, children }) {
  const work = useWork(path);
  if (!work) return null;
  const stop = () => post(`${path}/stop`).catch(() => {});
  return html`<div class="work" aria-live="polite">
    <${Trouble} error=${work.trouble} />
    ${work.state === "running" ? html`<p>${doing}: ${work.told?.task ?? "starting"}
      ${work.told?.total ? ` ${work.told.done} of ${work.told.total}` : ""}</p>
      <${Bar} share=${shareOf(work)} label=${doing} />
      <div class="buttons"><button onClick=${stop}>Stop</button></div>` : null}
    ${work.state === "failed" ? html`<${Trouble} error=${{ message: work.error, hint: work.hint }} />` : null}
    ${work.state === "finished" ? children(work) : null}
    ${work.command ? html`<${Command} text=${work.command} />` : null}
  </div>`;
}

export async function send(path, file, method = "POST") {
  let response;
  try {
    response = await fetch(path, { method, body: file });
  } catch {
    throw new Failure("The page has lost its server.", "Start it again: ganwerk serve");
  }
  const told = await response.json().catch(() => ({}));
  if (!response.ok) throw new Failure(told.error ?? "It did not work.", told.hint ?? "", response.status);
  return told;
}

export function Projection({ run, use }) {
  const [key, begun] = useState(null);
  const [error, set] = useState(null);
  const [busy, wait] = useState(false);
  const path = `/api/runs/${run}/projections`;
  const choose = async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    set(null);
    wait(true);
    try {
      begun((await send(path, file)).key);
    } catch (failure) {
      set(failure);
    }
    wait(false);
  };
  return html`<section class="card" aria-label="Projection"><h2>A photo of yours</h2>
    <p class="soft">What would have to be given to the generator so that it draws this photo? It is looked for; the
      place that is found can then be moved, mixed and walked to as any other.</p>
    <label class="button">${busy ? "Sending …" : "Choose a photo"}
      <input class="filebox" type="file" accept="image/*" disabled=${busy} onChange=${choose} /></label>
    <${Trouble} error=${error} />
    ${key ? html`<${Work} path=${`${path}/${key}`} doing="Projecting">${() => html`
      <div class="buttons"><button class="first" onClick=${() => use(key)}>Show it above</button></div>
      <figure class="found"><img src=${`${path}/${key}/residual.png`} alt="The photo, what is drawn, and the difference" />
        <figcaption class="soft small">Photo, drawn, difference</figcaption></figure>`}<//>` : null}
  </section>`;
}

export function Film({ run, pins }) {
  const [key, begun] = useState(null);
  const [error, set] = useState(null);
  const [seconds, setSeconds] = useState(6);
  const path = `/api/runs/${run}/films`;
  const save = async () => {
    set(null);
    try {
      begun((await post(path, { stops: pins, seconds })).key);
    } catch (failure) {
      set(failure);
    }
  };
  return html`<div class="buttons">
      <label class="inline">Seconds <input type="number" min="1" max="120" value=${seconds}
        onInput=${(event) => setSeconds(Number(event.target.value) || 6)} /></label>
      <button onClick=${save} disabled=${pins.length < 2}>Save as a film</button>
    </div>
    <${Trouble} error=${error} />
    ${key ? html`<${Work} path=${`${path}/${key}`} doing="Filming">${({ told }) => {
      const file = `${path}/${key}/${told.film}`;
      return html`<p><a class="button first" href=${file} download=${told.film}>Take the film</a></p>
        ${(told.warnings ?? []).map((text) => html`<p class="soft small">${text}</p>`)}
        ${told.film.endsWith(".webp") ? html`<img class="film" src=${file} alt="The walk as a film" />` : null}`;
    }}<//>` : null}`;
}
