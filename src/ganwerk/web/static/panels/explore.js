// Explore: pictures of a run by number, and everything that can be moved in them.
import { get } from "../core/api.js";
import { html, useEffect, useMemo, useRef, useState } from "../core/dom.js";
import { Command, Trouble } from "../core/parts.js";
import { link, note } from "../core/route.js";
import { count, images } from "../core/wording.js";
import { Artist } from "./explore/artist.js";
import { Shot, usePictures } from "./explore/pictures.js";
import { Classes, Directions, Mixing, Slider } from "./explore/sliders.js";
import { Walk } from "./explore/walk.js";
import { called, plain, read, written } from "./explore/spec.js";
import { Film, Projection } from "./explore/works.js";

const KIND = "text/x-ganwerk"; // of what is dragged
const SHEET = 24, DRAGGED_PX = 128, LARGEST_SEED = 1e9;

// The facts of the generator; asked again when there is a newer checkpoint
function useGenerator(run, images) {
  const [found, set] = useState({});
  const [again, reload] = useState(0);
  useEffect(() => {
    let over = false;
    get(`/api/runs/${run}/generator`).then(
      (facts) => over || set({ facts }), (error) => over || set((before) => ({ ...before, error })));
    return () => (over = true);
  }, [run, images, again]);
  return [found, () => reload((n) => n + 1)];
}

function useCommand(artist, spec, busy) {
  const [text, set] = useState("");
  useEffect(() => {
    if (busy) return undefined;
    let over = false;
    get(`${artist.path}/command?${new URLSearchParams({ spec })}`).then(
      ({ command }) => over || set(command), () => {});
    return () => (over = true);
  }, [artist, spec, busy]);
  return text;
}

function Copied({ text }) {
  const [copied, set] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(text).catch(() => {});
    set(true);
    setTimeout(() => set(false), 1600);
  };
  return html`<button onClick=${copy}>${copied ? "Copied" : "Copy the link"}</button>`;
}

function Beside({ artist, specs, place }) {
  const { addresses, heads, error } = usePictures(artist, place, specs, { what: "nearest" });
  if (error) return html`<${Trouble} error=${error} />`;
  const head = heads[0];
  return html`<figure class="beside"><${Shot} address=${addresses[0]} alt="The nearest training picture" />
    <figcaption class="small"><strong>Nearest training picture</strong><br />
      ${head ? html`${head.name}<br /><span class=${head.nearer < 0.01 ? "warn" : "soft"}>${nearness(head)}</span>` : "is being looked for …"}
    </figcaption></figure>`;
}

export function nearness({ nearer, held_out }) {
  if (nearer == null) return "No pictures were held out to compare with.";
  const share = Math.round(100 * nearer);
  if (nearer < 0.01) return `Suspiciously near: of ${count(held_out)} real pictures it never saw, hardly one is as near.`;
  return `${share} % of real pictures that it never saw are nearer to one of the training.`;
}

// Where a picture can be dropped whose style goes in: whether one is above, and how that is heard
function useDrop(mixIn) {
  const [over, set] = useState(false);
  const onDrop = (event) => {
    event.preventDefault();
    set(false);
    const start = event.dataTransfer.getData(KIND);
    if (start) mixIn(Number(start));
  };
  const onDragOver = (event) => {
    if (![...event.dataTransfer.types].includes(KIND)) return;
    event.preventDefault();
    set(true);
  };
  return [over, { onDrop, onDragOver, onDragLeave: () => set(false) }];
}

// The same for as long as a picture is dragged, wherever the page was scrolled to
function Target({ spec, layers, mixIn }) {
  const [over, heard] = useDrop(mixIn);
  return html`<div class=${over ? "target over" : "target"} ...${heard}>
    Drop it here: its ${layers} layers go into ${called(spec).toLowerCase()}</div>`;
}

function Stage({ artist, spec, dragging, at, facts, pin, mixIn, near, setNear }) {
  const text = written(spec);
  const { addresses, heads, error } = usePictures(artist, "stage", [text], { urgent: dragging, most_px: DRAGGED_PX });
  const [over, heard] = useDrop(mixIn);
  const command = useCommand(artist, text, dragging);
  const seen = heads[0]?.images ?? at;
  return html`<section class="stagebox" aria-label="The picture">
    <figure class=${over ? "stage over" : "stage"} ...${heard}
    ><${Shot} address=${addresses[0]} alt=${called(spec)} small=${facts.resolution < 64} />
      ${over ? html`<span class="dropnote">Its style goes in here</span>` : null}</figure>
    <p class="number"><strong>${called(spec)}</strong> <span class="soft">after ${images(seen)}</span></p>
    <${Trouble} error=${error} />
    <div class="buttons">
      <button class="first" onClick=${() => pin(text)}>Pin</button>
      <a class="button" href=${artist.file(text, seen)} download>Save</a>
      <${Copied} text=${location.href} />
      <label class="choice"><input type="checkbox" checked=${near} onChange=${(e) => setNear(e.target.checked)} />Nearest training pictures</label>
    </div>
    ${near ? html`<${Beside} artist=${artist} place="beside" specs=${[text]} />` : null}
    <${Command} text=${command} label="What draws this picture on the command line" />
  </section>`;
}

function Thumb({ address, number, chosen, small, choose, pin, hold }) {
  const start = (event) => {
    event.dataTransfer.setData(KIND, String(number));
    event.dataTransfer.effectAllowed = "copy";
    setTimeout(() => hold(true)); // a page that changes at once ends the drag
  };
  const key = (event) => event.key === "p" && pin();
  return html`<li><button
      class="thumb" draggable=${Boolean(hold)} onDragStart=${start} onDragEnd=${() => hold(false)} onClick=${choose} onKeyDown=${key}
      aria-pressed=${chosen} title=${`Picture ${number}`}
    ><${Shot} address=${address} alt=${`Picture ${number}`} small=${small} /></button></li>`;
}

function Sheet({ artist, spec, first, turn, choose, pin, small, near, hold }) {
  const numbers = Array.from({ length: SHEET }, (_, k) => first + k);
  const specs = numbers.map((start) => written({ ...spec, start }));
  const { addresses, error } = usePictures(artist, "sheet", specs);
  const shown = near ? specs.slice(0, 8) : [];
  const beside = usePictures(artist, "sheet-near", shown, { what: "nearest" });
  return html`<section aria-label="Pictures by number">
    <div class="buttons sheethead">
      <button disabled=${first === 0} onClick=${() => turn(Math.max(0, first - SHEET))}>Earlier</button>
      <label class="inline">From number <input type="number" min="0" value=${first}
        onChange=${(event) => turn(Math.min(LARGEST_SEED, Math.max(0, Number(event.target.value) || 0)))} /></label>
      <button onClick=${() => turn(first + SHEET)}>Later</button>
    </div>
    <${Trouble} error=${error} />
    <ul class="sheet">${numbers.map((number, k) => html`<${Thumb}
      key=${k} number=${number} address=${addresses[k]} small=${small} chosen=${number === spec.start}
      choose=${() => choose(number)} pin=${() => pin(specs[k])} hold=${hold}
    />`)}</ul>
    ${near ? html`<h3>The first eight, each above its nearest training picture</h3>
      <${Trouble} error=${beside.error} />
      <ul class="sheet pairs">${shown.map((_, k) => html`<li key=${k}>
        <${Shot} address=${addresses[k]} alt=${`Picture ${numbers[k]}`} small=${small} />
        <${Shot} address=${beside.addresses[k]} alt=${`Nearest to ${numbers[k]}: ${beside.heads[k]?.name ?? ""}`} small=${small} /></li>`)}</ul>` : null}
  </section>`;
}

function Pins({ artist, run, pins, unpin, show, small }) {
  const { addresses } = usePictures(artist, "pins", pins);
  return html`<section class="card" aria-label="Pinned"><h2>Pinned</h2>
    ${pins.length
      ? html`<ul class="sheet pinned">${pins.map((pin, k) => html`<li key=${pin}>
          <button class="thumb" onClick=${() => show(read(pin))}><${Shot} address=${addresses[k]} alt=${called(read(pin))} small=${small} /></button>
          <button class="quiet" aria-label=${`Unpin ${called(read(pin))}`} onClick=${() => unpin(k)}>×</button></li>`)}</ul>`
      : html`<p class="soft">Pin two pictures or more, and walk between them.</p>`}
    ${pins.length > 1 ? html`<${Walk} artist=${artist} pins=${pins} small=${small} /><${Film} run=${run} pins=${pins} />` : null}
  </section>`;
}

export default function Explore({ route, card }) {
  const artist = useMemo(() => new Artist(route.run), [route.run]);
  const [{ facts, error }, again] = useGenerator(route.run, card.images);
  const [asked, ask] = useState(route.asked);
  useEffect(() => ask(route.asked), [route.asked]);
  const [dragging, drag] = useState(false);
  const [near, setNear] = useState(false);
  const [layers, setLayers] = useState("coarse");
  const [held, hold] = useState(false); // a picture, on its way to another
  const live = useRef(null);
  const [moved, move] = useState(null); // the spec while a slider is in a hand
  if (!facts) return error ? html`<${Trouble} error=${error} />` : html`<p class="soft" role="status">The generator is being loaded …</p>`;
  const settled = asked.spec ? read(asked.spec) : plain();
  const spec = moved ?? settled;
  live.current = spec;
  const keep = (news) => {
    const changed = { ...asked, ...news };
    ask(changed);
    note(route, changed);
  };
  const change = (news, last = true) => {
    const next = { ...live.current, ...news };
    live.current = next;
    drag(!last);
    move(last ? null : next);
    if (last) keep({ spec: written(next) });
  };
  const pins = asked.pins ? asked.pins.split("|") : [];
  const pin = (text) => pins.includes(text) || keep({ pins: [...pins, text].slice(-12).join("|") });
  const bands = [...new Set(facts.layers.map((layer) => layer.band))];
  const styled = facts.layers.length > 1;
  const small = facts.resolution < 64;
  const mixIn = (start) => styled && change({ mixes: [...spec.mixes, [start, layers]] });
  return html`
    ${held ? html`<${Target} spec=${spec} layers=${layers} mixIn=${mixIn} />` : null}
    <div class="explore">
      <div class="large">
        <${Stage} artist=${artist} spec=${spec} dragging=${dragging} at=${facts.images} facts=${facts} pin=${pin}
          near=${near} setNear=${setNear} mixIn=${mixIn} />
      </div>
      <div class="moving" aria-label="What can be moved" role="group">
        <fieldset class="group"><legend>Picture</legend>
          <label class="field">Number <input type="number" min="0" value=${typeof spec.start === "number" ? spec.start : ""}
            onChange=${(event) => change({ start: Math.min(LARGEST_SEED, Math.max(0, Number(event.target.value) || 0)) })} /></label>
          ${facts.places.length ? html`<label class="field">Or a place that the run keeps
            <select value=${typeof spec.start === "string" ? spec.start : ""} onChange=${(event) => event.target.value && change({ start: event.target.value })}>
              <option value="">none</option>${facts.places.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
            </select></label>` : null}
          ${facts.truncates ? html`<${Slider} label="Variety" value=${spec.truncation} least="0" most="1" step="0.01"
            text=${spec.truncation.toFixed(2)} move=${(truncation) => change({ truncation }, false)}
            settle=${(truncation) => change({ truncation })} />
            <p class="soft small">Truncation: 1 is all that it can draw, 0 its most ordinary picture.</p>` : null}
          <a class="button" href=${link("any", route.run, { seed: typeof spec.start === "number" ? spec.start : 0 })}>This one does not exist</a>
        </fieldset>
        ${facts.classes.length ? html`<${Classes} names=${facts.classes} spec=${spec} change=${change} />` : null}
        ${facts.directions.length ? html`<${Directions} importance=${facts.directions} spec=${spec} change=${change} />` : null}
        ${styled ? html`<${Mixing} bands=${bands} layers=${bands.includes(layers) ? layers : bands[0]} choose=${setLayers} spec=${spec} change=${change} />` : null}
      </div>
    </div>
    <${Sheet} artist=${artist} spec=${settled} first=${Number(asked.from) || 0} turn=${(from) => keep({ from: from || "" })}
      choose=${(start) => change({ start })} pin=${pin} small=${small} near=${near} hold=${styled ? hold : null} />
    <div class="two">
      <${Pins} artist=${artist} run=${route.run} pins=${pins} small=${small}
        unpin=${(k) => keep({ pins: pins.filter((_, n) => n !== k).join("|") })} show=${(next) => change(next)} />
      <${Projection} run=${route.run} use=${(start) => { again(); change({ start, mixes: [], moves: {} }); }} />
    </div>`;
}
