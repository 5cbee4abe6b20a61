// Stop, go on, train longer, finish; the report.
import { html, useState } from "../core/dom.js";
import { post } from "../core/api.js";
import { Dialog, Trouble } from "../core/parts.js";
import { go } from "../core/route.js";
import { count, duration } from "../core/wording.js";
import { Tools } from "../runs/tools.js";
import { Publish } from "./share.js";

const sentence = (card, facts) => {
  const saved = facts.checkpoints.filter((one) => !one.damage).at(-1);
  const from = saved ? `It goes on from the checkpoint at ${count(saved.images)} images.` : "No checkpoint was saved by then.";
  return {
    running: "It goes on without this window: close it, or look from another one.",
    stopped: `Stopped. ${from}`,
    interrupted: `Broken off: killed, crashed or out of power. ${from}`,
    finished: "Finished. Train it longer for better pictures.",
    "not started": "Nothing has been trained yet.",
  }[card.state] ?? "";
};

// The last short while in which rates fall as planned for the end
export const ending = (seconds) => Math.max(0.2, Math.round(seconds / 60) / 10);

export function Controls({ card, facts }) {
  const [busy, work] = useState("");
  const [error, fail] = useState(null);
  const [asks, ask] = useState("");
  const [minutes, setMinutes] = useState(10);
  const running = card.state === "running";
  const act = (verb, body) => async () => {
    work(verb);
    fail(null);
    ask("");
    try {
      await post(`/api/runs/${card.id}/${verb}`, body);
    } catch (failed) {
      fail(failed);
    }
    work("");
  };
  const seconds = facts.latest.step?.seconds ?? 0, end = ending(seconds);
  const close = () => ask("");
  return html`
    <div class="deeds">
      <p class="soft">${sentence(card, facts)}</p>
      <div class="buttons">
        ${running
          ? html`<button class="first" disabled=${busy} onClick=${act("stop")}>${busy === "stop" ? "Saving …" : "Stop"}</button>
              <button disabled=${busy} onClick=${() => ask("finish")}>Finish now …</button>`
          : card.state !== "finished"
            ? html`<button class="first" disabled=${busy} onClick=${act("resume")}>Resume</button>`
            : null}
        <button class=${card.state === "finished" ? "first" : ""} disabled=${busy} onClick=${() => ask("longer")}>Train longer …</button>
        <a class="button" href=${`/api/runs/${card.id}/report`} download>Report</a>
        ${facts.checkpoints.length ? html`<button onClick=${() => ask("publish")}>Publish …</button>` : null}
        ${running ? null : html`<button class="quiet" onClick=${() => ask("rename")}>Rename …</button>
          <button class="quiet" onClick=${() => ask("remove")}>Remove …</button>`}
      </div>
    </div>
    <${Trouble} error=${error} />
    ${asks === "longer" ? html`<${Dialog} title="Train longer" onClose=${close}>
      <label class="field">Minutes more, from where it stands
        <input type="number" min="0.1" step="any" value=${minutes} onInput=${(event) => setMinutes(event.target.value)} />
      </label>
      ${running ? html`<p class="soft small">It is saved and stopped first, then goes on for that long.</p>` : null}
      <div class="buttons"><button onClick=${close}>Cancel</button>
        <button class="first" onClick=${act("resume", { minutes })}>Train</button></div>
    <//>` : null}
    ${asks === "finish" ? html`<${Dialog} title="Finish now" onClose=${close}>
      <p>It is saved, then trained for a last ${duration(60 * end)} in which the steps become smaller, as planned
        for the end of every training, and it ends as finished. Stop instead to go on later as if nothing had been.</p>
      <div class="buttons"><button onClick=${close}>Cancel</button>
        <button class="first" onClick=${act("resume", { minutes: end })}>Finish</button></div>
    <//>` : null}
    ${asks === "publish" ? html`<${Publish} card=${card} onClose=${close} />` : null}
    <${Tools} card=${card} asks=${["rename", "remove"].includes(asks) ? asks : ""} key=${asks} onClose=${close}
      onDone=${(verb, done) => (verb === "rename" ? go("watch", done.id) : go("runs"))} />`;
}
