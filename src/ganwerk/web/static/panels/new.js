// A new run in three steps: pictures, what is in them, the plan.
import { html } from "../core/dom.js";
import { go } from "../core/route.js";
import { Arriving, Choose, useUpload } from "../new/choose.js";
import { Health } from "../new/health.js";
import { Plan } from "../new/plan.js";
import { upload } from "../new/upload.js";

const again = () => {
  upload.forget();
  go("new");
};

export default function New({ route }) {
  const { source } = route.asked;
  const state = useUpload();
  if (!source) {
    return html`<div class="head"><h1>New run</h1></div>
      <${Choose} onChoose=${({ id }) => go("new", null, { source: id })} />`;
  }
  return html`
    <div class="head"><h1>New run</h1><button onClick=${again}>Other pictures</button></div>
    <div class="steps">
      <div class="stack">
        ${state && state.set === source && (state.refused.length || state.passed) ? html`<${Arriving} state=${state} />` : null}
        <${Health} source=${source} />
      </div>
      <${Plan} source=${source} />
    </div>`;
}
