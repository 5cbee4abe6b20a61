// All runs as cards: what each shows, how it stands, how good it is.
import { html, useState } from "../core/dom.js";
import { useLive } from "../core/live.js";
import { Bar, State } from "../core/parts.js";
import { link } from "../core/route.js";
import { duration, images, measured, speed } from "../core/wording.js";
import { Tools } from "../runs/tools.js";

export const ORDERS = {
  newest: ["Newest first", (a, b) => String(b.created).localeCompare(String(a.created))],
  name: ["By name", (a, b) => a.name.localeCompare(b.name, "en", { numeric: true })],
  longest: ["Longest trained", (a, b) => b.images - a.images],
};

// Running ones stand first, whatever the order
export function chosen(cards, { words, state, order }) {
  const wanted = words.trim().toLowerCase();
  const told = (card) => `${card.name} ${card.folder} ${card.plan?.data ?? ""}`.toLowerCase();
  return [...cards]
    .filter((card) => (!wanted || told(card).includes(wanted)) && (!state || card.state === state))
    .sort(ORDERS[order][1])
    .sort((a, b) => (b.state === "running") - (a.state === "running"));
}

export const SCORE = "FD[pixelpca64-v1]";

// How far from the real pictures, in units of what real ones score against each other
export function scoreOf(card) {
  const value = card.measure?.[SCORE], floor = card.measure?.[`floor ${SCORE}`];
  if (value == null) return null;
  return floor > 0
    ? `${measured(value / floor)} times as far as real pictures are from each other`
    : `distance ${measured(value)}`;
}

function standing(card) {
  if (card.trouble) return card.trouble;
  if (card.state === "starting") return card.said;
  if (card.state === "running" && card.images_per_second) {
    const rest = card.left_seconds > 0 ? `, about ${duration(card.left_seconds)} left` : "";
    return `${speed(card.images_per_second)}${rest}`;
  }
  return card.images ? `${images(card.images)}${card.seconds ? ` in ${duration(card.seconds)}` : ""}` : "";
}

function Card({ card, chosen, onChoose }) {
  const [asks, ask] = useState("");
  const small = (card.plan?.resolution ?? 64) <= 32;
  const score = scoreOf(card);
  return html`<li class="card">
    <div class="shot">
      ${card.grid == null
        ? "No pictures yet"
        : html`<img
            class=${small ? "pixels" : ""}
            src=${`/api/runs/${card.id}/grids/${card.grid}`}
            alt=${`Pictures of ${card.name} after ${images(card.grid)}`}
            loading="lazy"
          />`}
    </div>
    <div class="about">
      <h2><a href=${link("watch", card.id)}>${card.name}</a></h2>
      <p><${State} state=${card.state} /> <span class="soft">${standing(card)}</span></p>
      ${card.state === "finished" || card.share == null
        ? null
        : html`<${Bar} share=${card.share} label=${`Progress of ${card.name}`} />`}
      ${score ? html`<p class="soft">${score}</p>` : null}
      ${(card.findings ?? []).slice(0, 2).map((row) => html`<p key=${row.code} class=${row.weight === "act" ? "bad" : "warn"}>${row.name}</p>`)}
    </div>
    <div class="tools small">
      ${card.plan
        ? html`<label class="choice"><input type="checkbox" checked=${chosen} onChange=${onChoose} aria-label=${`Compare ${card.name}`} />Compare</label>`
        : null}
      ${["running", "starting", "failed"].includes(card.state) ? null : html`<button class="quiet" aria-label=${`Rename ${card.name}`} onClick=${() => ask("rename")}>Rename</button>`}
      ${["running", "starting"].includes(card.state) ? null : html`<button class="quiet" aria-label=${`Remove ${card.name}`} onClick=${() => ask("remove")}>Remove</button>`}
    </div>
    <${Tools} key=${asks} card=${card} asks=${asks} onClose=${() => ask("")} />
  </li>`;
}

export default function Runs() {
  const runs = useLive(({ runs }) => runs);
  const [wanted, set] = useState({ words: "", state: "", order: "newest" });
  const [two, setTwo] = useState([]);
  if (runs === null) return null;
  const cards = chosen(runs.values(), wanted);
  const states = [...new Set([...runs.values()].map((card) => card.state))].sort();
  const change = (key) => (event) => set({ ...wanted, [key]: event.target.value });
  const pair = two.filter((id) => runs.has(id));
  const choose = (id) => () => setTwo(pair.includes(id) ? pair.filter((one) => one !== id) : [...pair, id].slice(-2));
  return html`
    <div class="head">
      <h1>Runs</h1>
      ${pair.length === 2
        ? html`<a class="button first" href=${link("compare", null, { a: pair[0], b: pair[1] })}>Compare the two</a>`
        : pair.length ? html`<p class="soft">Choose another one to compare with.</p>` : null}
      <div class="filter">
        <label class="field">Find <input type="search" value=${wanted.words} onInput=${change("words")} /></label>
        <label class="field">State
          <select value=${wanted.state} onChange=${change("state")}>
            <option value="">all</option>
            ${states.map((state) => html`<option key=${state} value=${state}>${state}</option>`)}
          </select>
        </label>
        <label class="field">Order
          <select value=${wanted.order} onChange=${change("order")}>
            ${Object.entries(ORDERS).map(([key, [title]]) => html`<option key=${key} value=${key}>${title}</option>`)}
          </select>
        </label>
      </div>
    </div>
    ${cards.length
      ? html`<ul class="cards">${cards.map((card) => html`<${Card} key=${card.id} card=${card} chosen=${pair.includes(card.id)} onChoose=${choose(card.id)} />`)}</ul>`
      : html`<div class="empty">
          <h2>${runs.size ? "No run is like that" : "No runs yet"}</h2>
          <p>${runs.size ? "Change what you look for." : "Train one on your own pictures."}</p>
          ${runs.size ? null : html`<a class="button first" href=${link("new")}>New run</a>`}
        </div>`}`;
}
