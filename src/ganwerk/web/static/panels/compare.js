// Two runs side by side: their pictures, their facts, their curves on the same axes.
import { html, useEffect, useState } from "../core/dom.js";
import { get } from "../core/api.js";
import { useLive } from "../core/live.js";
import { State, Trouble } from "../core/parts.js";
import { link } from "../core/route.js";
import { count, duration, images, measured, speed } from "../core/wording.js";
import { Chart } from "../watch/chart.js";
import { SCORE } from "./runs.js";

const POINTS = 300;
const WHOLE = [null, null];

// The curves of both in one plot each, the second dashed
export function joined(a, b, names) {
  const titles = [...new Set([...a, ...b].map((plot) => kind(plot)))];
  return titles.map((title) => {
    const both = [a, b].map((plots) => plots.find((plot) => kind(plot) === title));
    const [first] = both.filter(Boolean);
    const levels = both.flatMap((plot, i) => (plot?.levels ?? []).map((level) => ({ ...level, name: `${names[i]}: ${level.name}` })));
    return {
      ...first,
      title,
      marks: [],
      levels: levels.filter((level, i) => levels.findIndex((one) => one.value === level.value) === i),
      series: both.flatMap((plot, i) =>
        (plot?.series ?? []).map((one) => ({ ...one, name: `${names[i]}: ${one.name}`, low: null, high: null, dashed: i === 1 }))),
    };
  });
}

// 'Losses (hinge)' and 'Losses (relativistic)' are the same kind of plot
const kind = (plot) => plot.title.replace(/ \(.*\)$/, "");

const Row = ({ name, values }) => html`<tr><th>${name}</th>${values.map((value) => html`<td class="number">${value}</td>`)}</tr>`;

const facts = [
  ["state", (card) => html`<${State} state=${card.state} />`],
  ["images seen", (card) => count(card.images)],
  ["time", (card) => duration(card.seconds)],
  ["speed", (card) => (card.images_per_second ? speed(card.images_per_second) : "–")],
  ["distance", (card) => (card.measure ? measured(card.measure[SCORE]) : "–")],
  ["the same, real pictures", (card) => (card.measure ? measured(card.measure[`floor ${SCORE}`]) : "–")],
  ["coverage", (card) => (card.measure?.coverage != null ? measured(card.measure.coverage) : "–")],
  ["pictures", (card) => card.plan.data ?? "–"],
  ["size", (card) => (card.plan.resolution ? `${card.plan.resolution} px` : "–")],
  ["network, loss", (card) => [card.plan.network, card.plan.preset, card.plan.loss].filter(Boolean).join(", ")],
  ["found", (card) => card.findings.map((row) => row.name).join(", ") || "nothing"],
];

export default function Compare({ route }) {
  const { a, b } = route.asked;
  const cards = useLive(({ runs }) => runs && [runs.get(a), runs.get(b)]);
  const [plots, set] = useState([null, null]);
  const [error, fail] = useState(null);
  const seen = cards?.map((card) => card?.images).join();
  useEffect(() => {
    const timer = setTimeout(() => {
      const ask = (run) => get(`/api/runs/${run}/curves?points=${POINTS}`).then((found) => found.plots);
      Promise.all([ask(a), ask(b)]).then(set, fail);
    }, plots[0] ? 3000 : 0);
    return () => clearTimeout(timer);
  }, [a, b, seen]);
  if (!cards) return null;
  if (!cards.every((card) => card?.plan)) {
    return html`<${Trouble} error=${{ message: "One of these runs is not here (any more).", hint: "Choose two in the list of runs." }} />`;
  }
  const names = cards[0].name === cards[1].name ? cards.map((card) => `${card.folder}/${card.name}`) : cards.map((card) => card.name);
  return html`
    <div class="head"><h1>${names[0]} and ${names[1]}</h1></div>
    <${Trouble} error=${error} />
    <div class="board">
      <div class="pair">${cards.map((card, i) => html`<figure class="card" key=${card.id}>
        <figcaption><h2><a href=${link("watch", card.id)}>${names[i]}</a></h2></figcaption>
        ${card.grid == null ? html`<p class="soft">No pictures yet</p>` : html`<img class=${card.plan.resolution <= 64 ? "pixels" : ""}
          src=${`/api/runs/${card.id}/grids/${card.grid}`} alt=${`Pictures of ${names[i]} after ${images(card.grid)}`} />`}
      </figure>`)}</div>
      <section class="card wide" aria-label="Facts"><table>
        <thead><tr><td></td>${names.map((name) => html`<th>${name}</th>`)}</tr></thead>
        <tbody>${facts.map(([name, tell]) => html`<${Row} key=${name} name=${name} values=${cards.map(tell)} />`)}</tbody>
      </table></section>
      <section aria-label="Curves"><div class="charts">
        ${plots[0] && plots[1] ? joined(plots[0], plots[1], names).map((plot) => html`<${Chart} key=${plot.title} plot=${plot}
          at=${null} zoom=${WHOLE} onZoom=${() => {}} onWhole=${() => {}} onPick=${() => {}} />`) : null}
      </div></section>
    </div>`;
}
