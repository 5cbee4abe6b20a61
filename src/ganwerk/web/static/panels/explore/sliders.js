// What of a spec can be moved.
import { html, useState } from "../../core/dom.js";

// move(value) while it is dragged, settle(value) when it is let go
export const Slider = ({ label, value, least, most, step, text, move, settle }) => html`<label class="field slider">
  <span>${label}</span><span class="value number" aria-hidden="true">${text ?? value}</span>
  <input
    type="range" min=${least} max=${most} step=${step} value=${value} aria-label=${label}
    aria-valuetext=${text} onInput=${(event) => move(Number(event.target.value))}
    onChange=${(event) => settle(Number(event.target.value))}
  />
</label>`;

const share = (weights, name) => {
  const whole = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  return whole > 0 ? `${Math.round((100 * (weights[name] ?? 0)) / whole)} %` : "as its number";
};

export function Classes({ names, spec, change }) {
  const set = (name, last) => (weight) => change({ classes: { ...spec.classes, [name]: weight } }, last);
  const only = (event) => change({ classes: event.target.value ? { [event.target.value]: 1 } : {} }, true);
  const known = names.filter((name) => spec.classes[name] > 0);
  return html`<fieldset class="group"><legend>Class</legend>
    <label class="field">Only
      <select value=${known.length === 1 ? known[0] : ""} onChange=${only}>
        <option value="">${known.length > 1 ? "shares, below" : "as its number says"}</option>
        ${names.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
      </select>
    </label>
    <details open=${known.length > 1}><summary>Shares of several</summary>
      ${names.map((name) => html`<${Slider}
        key=${name} label=${name} value=${spec.classes[name] ?? 0} least="0" most="1" step="0.01"
        text=${share(spec.classes, name)} move=${set(name, false)} settle=${set(name, true)}
      />`)}
    </details>
  </fieldset>`;
}

export function Directions({ importance, spec, change }) {
  const set = (number, last) => (amount) => change({ moves: { ...spec.moves, [number]: amount } }, last);
  const moved = Object.values(spec.moves).some(Boolean);
  return html`<fieldset class="group"><legend>Directions</legend>
    <p class="soft small">Found by themselves: nobody says what they mean. Move one and look.</p>
    ${importance.map((_, k) => html`<${Slider}
      key=${k} label=${`Direction ${k + 1}`} value=${spec.moves[k + 1] ?? 0} least="-5" most="5" step="0.1"
      text=${(spec.moves[k + 1] ?? 0).toFixed(1)} move=${set(k + 1, false)} settle=${set(k + 1, true)}
    />`)}
    ${moved ? html`<button class="quiet" onClick=${() => change({ moves: {} }, true)}>All back to 0</button>` : null}
  </fieldset>`;
}

export const BANDS = {
  coarse: "coarse: pose and shape", middle: "middle: features", fine: "fine: colours and details",
};

export function Mixing({ bands, layers, choose, spec, change }) {
  const [other, set] = useState("");
  const mix = (event) => {
    event.preventDefault();
    if (/^\d+$/.test(other)) change({ mixes: [...spec.mixes, [Number(other), layers]] }, true);
  };
  return html`<fieldset class="group"><legend>Style mixing</legend>
    <p class="soft small">Drag a picture onto the large one: it gives its style to these layers.</p>
    <div role="radiogroup" aria-label="Layers">${bands.map((band) => html`<label class="choice" key=${band}>
      <input type="radio" name="layers" checked=${band === layers} onChange=${() => choose(band)} />${BANDS[band]}
    </label>`)}</div>
    <form class="mixwith" onSubmit=${mix}>
      <label class="field">Or by number <input inputmode="numeric" value=${other} onInput=${(event) => set(event.target.value)} /></label>
      <button disabled=${!/^\d+$/.test(other)}>Mix in</button>
    </form>
    ${spec.mixes.length
      ? html`<ul class="mixes">${spec.mixes.map(([start, band], k) => html`<li key=${k}>
          ${band} of picture ${start}
          <button class="quiet" aria-label=${`Take out ${band} of ${start}`}
            onClick=${() => change({ mixes: spec.mixes.filter((_, n) => n !== k) }, true)}>×</button></li>`)}</ul>`
      : null}
  </fieldset>`;
}
