// A new run in three steps: pictures, what is in them, the plan.
import { html, useState } from "../core/dom.js";
import { go, note } from "../core/route.js";
import { Arriving, Choose, useUpload } from "../new/choose.js";
import { Health } from "../new/health.js";
import { Plan } from "../new/plan.js";
import { upload } from "../new/upload.js";

const again = () => {
  upload.forget();
  go("new");
};

// Names of classes, old to new, as the address has them
export function renaming(asked) {
  try {
    const found = JSON.parse(asked.rename ?? "{}");
    return Object.fromEntries(Object.entries(found).filter(([old, now]) => now && now !== old));
  } catch {
    return {};
  }
}

export default function New({ route }) {
  const { source } = route.asked;
  const state = useUpload();
  const [rename, set] = useState(() => renaming(route.asked));
  const change = (names) => {
    const changed = renaming({ rename: JSON.stringify(names) });
    set(changed);
    note(route, { rename: Object.keys(changed).length ? JSON.stringify(changed) : "" });
  };
  if (!source) {
    return html`<div class="head"><h1>New run</h1></div>
      <${Choose} onChoose=${({ id }) => go("new", null, { source: id })} />`;
  }
  return html`
    <div class="head"><h1>New run</h1><button onClick=${again}>Other pictures</button></div>
    <div class="steps">
      <div class="stack">
        ${state && state.set === source && (state.refused.length || state.passed) ? html`<${Arriving} state=${state} />` : null}
        <${Health} source=${source} rename=${rename} onRename=${change} />
      </div>
      <${Plan} source=${source} rename=${rename} />
    </div>`;
}
