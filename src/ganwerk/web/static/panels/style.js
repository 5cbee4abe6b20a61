// Style: a photo as a painter would have it. Two pictures in, previews as they come.
import { get, post } from "../core/api.js";
import { html, useEffect, useState } from "../core/dom.js";
import { Bar, Command, Trouble } from "../core/parts.js";
import { go, link } from "../core/route.js";
import { duration } from "../core/wording.js";
import { Slider } from "./explore/sliders.js";
import { send, useWork } from "./explore/works.js";

const HOME = "/api/styles";
const COLOURS = {
  style: "of the painting", keep: "of the photo", luma: "of the photo, brightness alone is painted",
  moments: "of the photo, roughly", histogram: "of the photo, exactly",
};
const SIDES = [128, 256, 512, 1024, 2048];

function Pick({ label, what, file, choose }) {
  const [address, set] = useState(null);
  const [over, hover] = useState(false);
  useEffect(() => {
    if (!file) return undefined;
    const made = URL.createObjectURL(file);
    set(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  const drop = (event) => {
    event.preventDefault();
    hover(false);
    const [dropped] = event.dataTransfer.files;
    if (dropped) choose(dropped);
  };
  return html`<label
    class=${over ? "pick over" : "pick"} onDrop=${drop} onDragLeave=${() => hover(false)}
    onDragOver=${(event) => { event.preventDefault(); hover(true); }}
  >
    <input class="filebox" type="file" accept="image/*" aria-label=${label}
      onChange=${(event) => event.target.files[0] && choose(event.target.files[0])} />
    ${address ? html`<img src=${address} alt=${`The ${label.toLowerCase()}`} />` : null}
    <span><strong>${label}</strong><br />${file ? file.name : what}</span>
  </label>`;
}

function Form({ begun }) {
  const [photo, setPhoto] = useState(null);
  const [painting, setPainting] = useState(null);
  const [settings, set] = useState({ strength: 0.5, colours: "style", size_px: 512 });
  const [error, fail] = useState(null);
  const [busy, wait] = useState(false);
  const change = (news) => set({ ...settings, ...news });
  const start = async (event) => {
    event.preventDefault();
    fail(null);
    wait(true);
    try {
      const { key } = await post(HOME);
      await send(`${HOME}/${key}/photo`, photo, "PUT");
      await send(`${HOME}/${key}/painting`, painting, "PUT");
      await post(`${HOME}/${key}/start`, settings);
      begun(key);
    } catch (failure) {
      fail(failure);
    }
    wait(false);
  };
  return html`<form onSubmit=${start} aria-label="What is painted">
    <${Pick} label="Photo" what="Drop the picture that is redrawn, or choose it." file=${photo} choose=${setPhoto} />
    <${Pick} label="Painting" what="Drop the picture whose style it takes." file=${painting} choose=${setPainting} />
    <${Slider} label="Strength" value=${settings.strength} least="0" most="1" step="0.05" text=${settings.strength.toFixed(2)}
      move=${(strength) => change({ strength })} settle=${(strength) => change({ strength })} />
    <label class="field">Colours
      <select value=${settings.colours} onChange=${(event) => change({ colours: event.target.value })}>
        ${Object.entries(COLOURS).map(([key, text]) => html`<option key=${key} value=${key}>${text}</option>`)}
      </select></label>
    <label class="field">Long side
      <select value=${settings.size_px} onChange=${(event) => change({ size_px: Number(event.target.value) })}>
        ${SIDES.map((side) => html`<option key=${side} value=${side}>${side} px</option>`)}
      </select></label>
    <${Trouble} error=${error} />
    <div class="buttons"><button class="first" disabled=${!photo || !painting || busy}>${busy ? "Sending …" : "Paint it"}</button></div>
  </form>`;
}

function words({ told }) {
  if (told?.event !== "stepped") return "It is being prepared …";
  const left = Number.isFinite(told.seconds_left) ? `, about ${duration(told.seconds_left)} left` : "";
  return `Step ${told.point.step} of ${told.steps}, now ${told.point.scale_px} px${left}`;
}

function Transfer({ name }) {
  const path = `${HOME}/${name}`;
  const [round, again] = useState(0);
  const work = useWork(`${path}?${round}`);
  const [seen, set] = useState(null);
  const running = work?.state === "running";
  useEffect(() => {
    if (!work) return undefined;
    let made, over = false;
    const look = async () => {
      const response = await fetch(`${path}/preview`);
      if (over || response.status !== 200) return; // 204: there is none yet
      const address = URL.createObjectURL(await response.blob());
      if (made) URL.revokeObjectURL(made);
      set((made = address));
    };
    const safely = () => look().catch(() => {});
    safely();
    const timer = running ? setInterval(safely, 1000) : null;
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, [path, work?.state]);
  if (!work) return null;
  const goOn = () => post(`${path}/start`, work).then(() => again((n) => n + 1), () => {});
  return html`<section aria-label="The result" aria-live="polite">
    <figure class="outcome">${seen
      ? html`<img src=${seen} alt=${work.state === "finished" ? "The result" : "The result so far"} />`
      : html`<img src=${`${path}/photo`} alt="The photo" />`}</figure>
    ${running ? html`<p class="number">${words(work)}</p><${Bar} share=${work.told?.share ?? null} label="Painting" />` : null}
    ${work.state === "failed" ? html`<${Trouble} error=${{ message: work.error, hint: work.hint }} />` : null}
    <p class="buttons">
      ${running ? html`<button onClick=${() => post(`${path}/stop`).catch(() => {})}>Stop</button>` : null}
      ${work.state === "stopped" ? html`<span class="soft">Stopped.</span> <button class="first" onClick=${goOn}>Go on</button>` : null}
      ${work.state === "finished" ? html`<a class="button first" href=${`${path}/result`} download=${`${name}.png`}>Save the result</a>` : null}
    </p>
    ${work.command ? html`<${Command} text=${work.command} />` : null}
  </section>`;
}

function Former({ now }) {
  const [works, set] = useState([]);
  useEffect(() => {
    get(HOME).then(({ jobs }) => set(jobs.filter((job) => job.key !== now)), () => {});
  }, [now]);
  if (!works.length) return null;
  return html`<section class="card" aria-label="Earlier ones"><h2>Earlier ones</h2><ul class="transfers">
    ${works.map((work) => html`<li key=${work.key}><a href=${link("style", null, { work: work.key })}>
      <img src=${`${HOME}/${work.key}/${work.state === "finished" ? "result" : "photo"}`} alt="" loading="lazy" />${work.key.replace("style-", "")} · ${work.state}</a></li>`)}
  </ul></section>`;
}

export default function Style({ route }) {
  const name = route.asked.work;
  return html`
    <div class="head"><div><h1>Style</h1><p class="soft">A photo of yours in the style of a painting. Nothing leaves this machine.</p></div></div>
    <div class="styling">
      <${Form} begun=${(key) => go("style", null, { work: key })} />
      <div>${name ? html`<${Transfer} key=${name} name=${name} />` : html`<div class="empty"><h2>Nothing painted yet</h2><p>Choose a photo and a painting.</p></div>`}</div>
    </div>
    <${Former} now=${name} />`;
}
