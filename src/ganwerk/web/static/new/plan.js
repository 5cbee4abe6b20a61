// What would be trained, why, and how long: one sentence, one slider, everything else behind a fold.
import { html, useEffect, useState } from "../core/dom.js";
import { get, post } from "../core/api.js";
import { Bar, Command, Trouble } from "../core/parts.js";
import { go } from "../core/route.js";
import { bytes, count, duration } from "../core/wording.js";
import { useQuery } from "./query.js";

const LEAST_MINUTES = 0.5, MOST_MINUTES = 24 * 60, NOTCHES = 200;
const SOON_MS = 150; // so that a slider asks once
const SIZES = [16, 32, 64, 128, 256, 512];

// The slider goes by factors: a minute more matters little in an hour
export const minutesAt = (notch) => {
  const exact = LEAST_MINUTES * (MOST_MINUTES / LEAST_MINUTES) ** (notch / NOTCHES);
  return exact < 10 ? Math.round(exact * 2) / 2 : exact < 60 ? Math.round(exact) : Math.round(exact / 5) * 5;
};
export const notchOf = (minutes) => {
  const wanted = Math.min(Math.max(minutes, LEAST_MINUTES), MOST_MINUTES);
  return Math.round((NOTCHES * Math.log(wanted / LEAST_MINUTES)) / Math.log(MOST_MINUTES / LEAST_MINUTES));
};

// What a budget means, by what was measured
export function forecast(plan, minutes, advised, now) {
  const seen = plan.images_per_second * minutes * 60;
  const each = seen / Math.max(plan.pictures - plan.held_out, 1);
  const end = new Date(now.getTime() + minutes * 60000);
  const clock = end.toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hour12: false });
  const day = end.toDateString() === now.toDateString() ? "" : ` on ${end.toLocaleDateString("en", { weekday: "long" })}`;
  const times = each >= 1.5 ? `each picture about ${count(each)} times` : "not each picture even once";
  const share = minutes / advised;
  const judged =
    share < 0.3 ? "Far less than advised: expect coarse shapes."
    : share < 0.8 ? "Less than advised: expect less detail."
    : share > 1.5 ? "More than advised: usually a little better, more slowly."
    : "About what is advised for these pictures on this machine.";
  return `${count(seen)} images, ${times}. Done at about ${clock}${day}. ${judged}`;
}

const why = (plan) =>
  [
    `${plan.resolution} px`,
    plan.conditional ? `${plan.classes.length} classes` : plan.classes.length ? "classes not used" : "no classes",
    plan.mirror ? "mirrored half of the time" : "",
  ].filter(Boolean).join(", ");

const Facts = ({ plan }) => html`<table><tbody>
  ${[
    ["network", `${plan.network}, ${plan.preset}`],
    ["size", `G ${count(plan.generator_parameters)}, D ${count(plan.discriminator_parameters)} numbers`],
    ["loss", plan.loss],
    ["remedies", plan.remedies.join(", ") || "none"],
    ["batch", count(plan.batch)],
    ["speed, measured", `${count(plan.images_per_second)} images a second on ${plan.device}`],
    ["memory", bytes(plan.memory_bytes)],
    ["disk", bytes(plan.disk_bytes)],
    ["held out", `${count(plan.held_out)} pictures that D never sees`],
  ].map(([name, value]) => html`<tr key=${name}><th>${name}</th><td>${value}</td></tr>`)}
</tbody></table>`;

// What was decided from the pictures and the machine, and why
const Why = ({ plan }) => html`<details><summary>Why?</summary>
  <div class="wide"><table><tbody>${(plan.reasons ?? []).map(([key, value, reason]) => html`<tr key=${key}>
    <th>${key}</th><td class="number">${value}</td><td class="soft">${reason}</td></tr>`)}</tbody></table></div>
</details>`;

const TRI = { "": undefined, yes: true, no: false };

// The command that the button runs, as the server has it
function useCommand(asked) {
  const [text, set] = useState("");
  const key = asked && JSON.stringify(asked);
  useEffect(() => {
    if (!key) return undefined;
    let over = false;
    const ask = () => post("/api/begin/command", asked).then((told) => over || set(told.command), () => {});
    const timer = setTimeout(ask, SOON_MS);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [key]);
  return text;
}

export function Plan({ source, rename }) {
  const [chosen, set] = useState({ preset: "auto", resolution: "", conditional: "", mirror: "" });
  const [minutes, setMinutes] = useState(null);
  const [name, setName] = useState("");
  const [presets, know] = useState([]);
  const [error, fail] = useState(null);
  const [busy, work] = useState(false);
  useEffect(() => void get("/api/presets").then((found) => know(found.presets), () => {}), []);
  const settings = {
    source,
    rename,
    preset: chosen.preset,
    resolution: chosen.resolution ? Number(chosen.resolution) : undefined,
    conditional: TRI[chosen.conditional],
    mirror: TRI[chosen.mirror],
  };
  const asked = useQuery({ kind: "plan", ...settings });
  const plan = asked.answer?.plan;
  const advised = plan ? plan.expected_seconds / 60 : null;
  const wanted = minutes ?? advised;
  const request = { ...settings, name, minutes: minutes ?? undefined };
  const command = useCommand(plan ? request : null);
  const begin = async () => {
    work(true);
    fail(null);
    try {
      const made = await post("/api/begin", request);
      go("watch", made.id);
    } catch (failed) {
      fail(failed);
      work(false);
    }
  };
  const change = (key) => (event) => set({ ...chosen, [key]: event.target.value });
  return html`<section class="card plan" aria-label="Plan">
    <h2>The plan</h2>
    <${Trouble} error=${asked.error ?? error} />
    ${!plan && !asked.error
      ? html`<p class="soft">${asked.said?.task ?? "Measuring how fast this machine trains on them"} …</p><${Bar} share=${null} label="Planning" />`
      : null}
    ${plan
      ? html`<p class="sentence">${why(plan)}, about ${duration(60 * wanted)}.</p>
          <${Why} plan=${plan} />
          <label class="field">Time to train <span class="worth" aria-hidden="true">${duration(60 * wanted)}</span>
            <input type="range" min="0" max=${NOTCHES} value=${notchOf(wanted)} aria-valuetext=${duration(60 * wanted)}
              onInput=${(event) => setMinutes(minutesAt(Number(event.target.value)))} />
          </label>
          <p class="soft" aria-live="polite">${forecast(plan, wanted, advised, new Date())}
            ${minutes === null ? "" : html` <button class="quiet" onClick=${() => setMinutes(null)}>As advised</button>`}</p>`
      : null}
    <label class="field">Name <input value=${name} placeholder="as the pictures are named" onInput=${(event) => setName(event.target.value)} /></label>
    <div class="buttons"><button class="first large" disabled=${!plan || busy} onClick=${begin}>${busy ? "Starting …" : "Train"}</button>
      <span class="soft small">You can stop, go on and prolong it at any time.</span></div>
    <details><summary>Everything else</summary>
      <div class="two">
        <label class="field">Preset <select value=${chosen.preset} onChange=${change("preset")}>
          ${presets.map((one) => html`<option key=${one.name} value=${one.name}>${one.name}</option>`)}</select></label>
        <label class="field">Size <select value=${chosen.resolution} onChange=${change("resolution")}>
          <option value="">as advised</option>${SIZES.map((px) => html`<option key=${px} value=${px}>${px} px</option>`)}</select></label>
        <label class="field">Teach the classes <select value=${chosen.conditional} onChange=${change("conditional")}>
          <option value="">if there are any</option><option value="yes">yes</option><option value="no">no</option></select></label>
        <label class="field">Mirror the pictures <select value=${chosen.mirror} onChange=${change("mirror")}>
          <option value="">where it is safe</option><option value="yes">yes</option><option value="no">no</option></select></label>
      </div>
      <p class="soft small">${presets.find((one) => one.name === chosen.preset)?.about}</p>
      ${plan ? html`<h3>Measured in a dry run</h3><${Facts} plan=${plan} />
        ${command ? html`<${Command} text=${command} />` : null}` : null}
    </details>
  </section>`;
}
