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

// How many classes there are under new names, and which come together in one
export function together(names, rename) {
  const groups = new Map();
  for (const name of names) {
    const now = rename[name] ?? name;
    groups.set(now, [...(groups.get(now) ?? []), name]);
  }
  return { classes: groups.size, merged: [...groups].filter(([, found]) => found.length > 1) };
}

const Counts = ({ names, counts, from, to, rename, call }) => html`<div class="counts">
  ${names.slice(from, to).map((name, i) => html`
    <input class="name" key=${name} value=${rename[name] ?? name} maxlength="100" aria-label=${`Name of the class ${name}`}
      title=${`Found as ${name}`} onChange=${(event) => {
        const now = event.target.value.trim() || name;
        event.target.value = now;
        call(name, now);
      }} />
    <i style=${{ width: `${(100 * counts[from + i]) / Math.max(...counts, 1)}%` }}></i>
    <b class="number">${count(counts[from + i])}</b>`)}
</div>`;

function Classes({ names, counts, rename, onRename }) {
  const parts = { names, counts, rename, call: (old, now) => onRename({ ...rename, [old]: now }) };
  const { classes, merged } = together(names, rename);
  const changed = Object.keys(rename).length;
  return html`<section class="classes" aria-label="Classes">
    <h3>Classes</h3>
    <p class="soft small">Call them as you like: the run knows them by these names, the folders stay as they are.
      Two of one name become one class.</p>
    <${Counts} ...${parts} from=${0} to=${MOST_CLASSES} />
    ${names.length > MOST_CLASSES ? html`<details><summary>${count(names.length - MOST_CLASSES)} more classes</summary>
      <${Counts} ...${parts} from=${MOST_CLASSES} to=${names.length} /></details>` : null}
    <div aria-live="polite">${merged.map(([now, found]) => html`<p key=${now} class="small">
      ${found.join(" and ")} become one class, ${now}.${classes === 1 ? " No classes are left to learn." : ""}</p>`)}</div>
    ${changed ? html`<button class="quiet" onClick=${() => onRename({})}>Names as they were found</button>` : null}
  </section>`;
}

export function Health({ source, rename, onRename }) {
  const { id, answer, error } = useQuery({ kind: "look", source });
  if (error) return html`<${Trouble} error=${error} />`;
  if (!answer) {
    return html`<section class="card" aria-label="Pictures"><h2>Looking at the pictures</h2><${Bar} share=${null} label="Looking" /></section>`;
  }
  const { health, lines } = answer;
  const known = health.class_names.length, { classes } = together(health.class_names, rename);
  const shown = ["folder", "zip"].includes(health.kind);
  return html`<section class="card" aria-label="Pictures">
    <div class="head"><h2>${count(health.readable)} pictures${classes > 1 ? `, ${classes} classes` : ""}</h2></div>
    ${shown
      ? html`<div class="thumbs">${Array.from({ length: SAMPLE }, (_, place) => html`<${Thumb}
          key=${place} ask=${id} kind="sample" group=${0} place=${place} name="One of the pictures" />`)}</div>`
      : null}
    <ul class="findings">${lines.map(({ severity, text }) => html`<li key=${text}
      class=${{ warning: "watch", error: "act" }[severity] ?? "note"}>${text}</li>`)}</ul>
    ${known > 1 ? html`<${Classes} names=${health.class_names} counts=${health.class_counts} rename=${rename} onRename=${onRename} />` : null}
    ${shown
      ? html`<${Strip} ask=${id} kind="duplicates" groups=${health.duplicates} title="See the copies" />
          <${Strip} ask=${id} kind="near_duplicates" groups=${health.near_duplicates} title="See those that look alike" />
          ${health.constant.length ? html`<details><summary>See those of one colour</summary><div class="thumbs">
            ${health.constant.slice(0, SAMPLE).map((name, group) => html`<${Thumb} key=${name} ask=${id} kind="constant" group=${group} place=${0} name=${name} />`)}</div></details>` : null}`
      : null}
  </section>`;
}
