// What is in the pictures: findings in words, small pictures of what they are about.
import { html } from "../core/dom.js";
import { Bar, Trouble } from "../core/parts.js";
import { count } from "../core/wording.js";
import { useQuery } from "./query.js";

const GROUPS = 4, PLACES = 8, SAMPLE = 24, MOST_CLASSES = 24;

const Thumb = ({ ask, kind, group, place, name }) => html`<img
  class="thumb" loading="lazy" width="72" height="72" alt=${name} title=${name}
  src=${`/api/queries/${ask}/pictures/${kind}/${group}/${place}`}
  onError=${(event) => event.target.remove()}
/>`;

const Strip = ({ ask, kind, groups, title }) =>
  groups.length
    ? html`<details><summary>${title}</summary>
        ${groups.slice(0, GROUPS).map((names, group) => html`<div class="thumbs" key=${group}>
          ${names.slice(0, PLACES).map((name, place) => html`<${Thumb} key=${name} ...${{ ask, kind, group, place, name }} />`)}
          ${names.length > PLACES ? html`<span class="soft small">and ${count(names.length - PLACES)} more</span>` : null}
        </div>`)}
      </details>`
    : null;

const Classes = ({ names, counts }) => {
  const most = Math.max(...counts, 1);
  return html`<div class="counts">${names.slice(0, MOST_CLASSES).map((name, i) => html`
    <span key=${name}>${name}</span><i style=${{ width: `${(100 * counts[i]) / most}%` }}></i><b class="number">${count(counts[i])}</b>`)}
  </div>${names.length > MOST_CLASSES ? html`<p class="soft small">and ${count(names.length - MOST_CLASSES)} more classes</p>` : null}`;
};

export function Health({ source, onKnown }) {
  const { id, answer, error } = useQuery({ kind: "look", source });
  if (error) return html`<${Trouble} error=${error} />`;
  if (!answer) {
    return html`<section class="card" aria-label="Pictures"><h2>Looking at the pictures</h2><${Bar} share=${null} label="Looking" /></section>`;
  }
  const { health, lines } = answer;
  const known = health.class_names.length;
  const shown = ["folder"].includes(health.kind);
  return html`<section class="card" aria-label="Pictures">
    <div class="head"><h2>${count(health.readable)} pictures${known ? `, ${known} classes` : ""}</h2></div>
    ${shown
      ? html`<div class="thumbs">${Array.from({ length: SAMPLE }, (_, place) => html`<${Thumb}
          key=${place} ask=${id} kind="sample" group=${0} place=${place} name="One of the pictures" />`)}</div>`
      : null}
    <ul class="findings">${lines.map(({ severity, text }) => html`<li key=${text}
      class=${{ warning: "watch", error: "act" }[severity] ?? "note"}>${text}</li>`)}</ul>
    ${known > 1 ? html`<${Classes} names=${health.class_names} counts=${health.class_counts} />` : null}
    ${shown
      ? html`<${Strip} ask=${id} kind="duplicates" groups=${health.duplicates} title="See the copies" />
          <${Strip} ask=${id} kind="near_duplicates" groups=${health.near_duplicates} title="See those that look alike" />
          ${health.constant.length ? html`<details><summary>See those of one colour</summary><div class="thumbs">
            ${health.constant.slice(0, SAMPLE).map((name, group) => html`<${Thumb} key=${name} ask=${id} kind="constant" group=${group} place=${0} name=${name} />`)}</div></details>` : null}`
      : null}
  </section>`;
}
