// The laboratory: small games whose truth is known, played live and side by side.
import { get, post } from "../core/api.js";
import { html, useEffect, useRef, useState } from "../core/dom.js";
import { Bar, Command, Trouble } from "../core/parts.js";
import { note } from "../core/route.js";
import { count, measured } from "../core/wording.js";
import { DRAWINGS, colours, history } from "./lab/draw.js";
import { Game } from "./lab/game.js";

post("/api/lab/warm").catch(() => {}); // while the page is made, the process starts

const STORIES = "/static/panels/lab/stories.json", REMEDIES = "/static/panels/lab/remedies.json";
const PLAIN = "plain";
const SPEEDS = { slow: ["Slow", 25], steady: ["Steady", 150], fast: ["As fast as can be", null] };
const FRAME_MS = 40, FOLLOW_MS = 120;

// What one number of a lane says, and the largest it can be
const TOLD = {
  ring: ["modes", (stage) => stage.modes, "Modes held"],
  grid: ["modes", (stage) => stage.modes, "Modes held"],
  stacked: ["modes", (stage) => stage.modes, "Modes drawn"],
  line: ["w2", () => 3, "How far G's points are from the data"],
  dirac: ["radius", () => 2, "Distance from the equilibrium"],
};

function words(experiment, stage, lane) {
  if (lane.error) return lane.error;
  if (experiment === "line") {
    return `V ${measured(lane.value)} (at the equilibrium −1.386) · D says ${measured(lane.d_real)} on data`;
  }
  if (experiment === "dirac") return `distance from the equilibrium ${measured(lane.radius)}`;
  if (lane.modes == null) return "not counted yet";
  const held = `${count(lane.modes)} of ${count(stage.modes)} modes`;
  if (lane.high_quality == null) return held;
  return `${held}, ${Math.round(100 * lane.high_quality)} % of the points on them · D at most ${Math.round(100 * lane.surest)} % sure`;
}

export function commandOf({ experiment, preset, methods, seed }) {
  const flags = methods.map((method) => `--method ${/[^\w:=,.+-]/.test(method) ? `'${method}'` : method}`);
  if (preset) flags.unshift(`--preset ${preset}`);
  return ["ganwerk lab", experiment, ...flags, `--seeds ${seed + 1}`].join(" ");
}

// What of a story's game is asked for by the address
export function settingsOf(story, asked) {
  const seed = /^\d{1,6}$/.test(asked.seed ?? "") ? Number(asked.seed) : 0;
  const methods = asked.methods ? asked.methods.split(" ") : story.methods;
  return { experiment: story.experiment, preset: story.preset, methods, seed };
}

// The second lane's method as a set of switches, and what of it is no switch
export const switched = (method) => new Set(method === PLAIN ? [] : method.split(/\+(?=[a-z])/));

// What is looked at: the newest frame, each on its way from the one before, or one that somebody
// chose. Painters draw with every frame of the screen; the rest of the page follows less often.
class View {
  at = 0;
  share = 1;
  held = false;
  painters = new Set();
  #since = 0;
  #told = 0;
  #dirty = true;
  #still = matchMedia("(prefers-reduced-motion: reduce)");

  show(at, held) {
    Object.assign(this, { at, share: 1, held });
    this.#dirty = true;
  }

  repaint() {
    this.#dirty = true;
  }

  // Returns whether the page should follow
  tick(game, now) {
    const last = game.frames.length - 1;
    if (last < 0) return false;
    if (!this.held && (this.at !== last || this.share < 1)) {
      if (this.at !== last) this.#since = now;
      this.at = last;
      this.share = this.#still.matches ? 1 : Math.min(1, (now - this.#since) / FRAME_MS);
      this.#dirty = true;
    }
    if (!this.#dirty) return false;
    this.#dirty = false;
    for (const paint of this.painters) paint();
    if (now - this.#told < FOLLOW_MS && !this.held && !game.over) return false;
    this.#told = now;
    return true;
  }
}

function useView(game) {
  const view = useRef(null);
  view.current ??= new View();
  const [, again] = useState(0);
  useEffect(() => {
    if (!game) return undefined;
    view.current.show(0, false);
    let timer;
    const tick = (now) => {
      timer = requestAnimationFrame(tick);
      if (view.current.tick(game, now)) again((n) => n + 1);
    };
    timer = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(timer);
  }, [game]);
  return view.current;
}

// A canvas that `paint(canvas, palette)` fills whenever there is something new
function usePainted(view, paint) {
  const canvas = useRef(null), latest = useRef(paint);
  latest.current = paint;
  useEffect(() => {
    const element = canvas.current;
    let palette = colours(element);
    const draw = () => latest.current(element, palette);
    view.painters.add(draw);
    view.repaint();
    const watch = new ResizeObserver(() => view.repaint());
    watch.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const turn = () => {
      palette = colours(element);
      view.repaint();
    };
    dark.addEventListener("change", turn);
    return () => {
      view.painters.delete(draw);
      watch.disconnect();
      dark.removeEventListener("change", turn);
    };
  }, [view]);
  return canvas;
}

function Lane({ game, view, number }) {
  const canvas = usePainted(view, (element, palette) => {
    const lane = game.frames[view.at]?.lanes[number];
    if (!lane || !game.stage) return;
    const before = game.frames[view.at - 1]?.lanes[number];
    const { experiment } = game.stage;
    const path = experiment === "dirac"
      ? game.frames.slice(0, view.at + 1).map((frame) => frame.lanes[number].place)
      : null;
    DRAWINGS[experiment](element, game.stage, lane, before, view.share, palette, path);
  });
  const stage = game.stage, lane = game.frames[view.at]?.lanes[number];
  const title = stage?.lanes[number].title ?? game.asked.methods[number];
  const text = lane ? words(stage.experiment, stage, lane) : "";
  return html`<figure class="lane">
    <figcaption><strong>${title}</strong><span class="soft number">${text}</span></figcaption>
    <canvas ref=${canvas} class=${game.asked.experiment} role="img" aria-label=${`${title}: ${text}`}></canvas>
  </figure>`;
}

function History({ game, view }) {
  const canvas = usePainted(view, (element, palette) => {
    if (!game.stage) return;
    const [name, most] = TOLD[game.stage.experiment];
    history(element, game.frames, view.at, name, most(game.stage), palette, game.stage.lanes.length);
  });
  return html`<figure class="told"><figcaption class="soft small">${TOLD[game.asked.experiment][2]}</figcaption>
    <canvas ref=${canvas} class="history" aria-hidden="true"></canvas></figure>`;
}

const Switches = ({ remedies, story, chosen, change }) => html`<fieldset class="switches">
  <legend>Remedies, beside the plain game</legend>
  ${remedies
    .filter((remedy) => !remedy.not?.includes(story.experiment))
    .map((remedy) => html`<label key=${remedy.method} title=${remedy.text}>
      <input
        type="checkbox"
        checked=${chosen.has(remedy.method)}
        onChange=${(event) => change(remedy.method, event.target.checked)}
      />${remedy.title}<span class="soft small">${remedy.text}</span></label>`)}
</fieldset>`;

function Result({ game }) {
  if (!game.result) return null;
  const names = Object.keys(game.result[0] ?? {});
  if (!names.length) return null;
  return html`<div class="wide"><table class="number">
    <thead><tr><th scope="col">after ${count(game.stage.steps)} steps</th>
      ${names.map((name) => html`<th scope="col" key=${name}>${name.replaceAll("_", " ")}</th>`)}</tr></thead>
    <tbody>${game.result.map((facts, k) => html`<tr key=${k}>
      <th scope="row">${game.stage.lanes[k].title}</th>
      ${names.map((name) => html`<td key=${name}>${facts[name] == null ? "–" : measured(facts[name])}</td>`)}
    </tr>`)}</tbody>
  </table></div>`;
}

function Controls({ game, view, again, seed, reseed, speed, setSpeed }) {
  const last = Math.max(0, game.frames.length - 1);
  const pause = () => {
    game.pause(!game.paused);
    view.show(view.at, game.paused);
  };
  const scrub = (event) => {
    const at = Number(event.target.value);
    view.show(at, at < last);
  };
  const step = game.frames[view.at]?.step ?? 0, steps = game.stage?.steps ?? 0;
  return html`<div class="labcontrols">
    <div class="buttons">
      ${game.over
        ? html`<button class="first" onClick=${again}>Play again</button>`
        : html`<button class="first" onClick=${pause}>${game.paused ? "Go on" : "Pause"}</button>
            <button onClick=${again}>From the start</button>`}
      <label class="inline">Speed
        <select value=${speed} onChange=${(event) => setSpeed(event.target.value)}>
          ${Object.entries(SPEEDS).map(([key, [title]]) => html`<option key=${key} value=${key}>${title}</option>`)}
        </select>
      </label>
      <label class="inline">Seed
        <input type="number" min="0" max="999999" value=${seed} onChange=${(event) => reseed(event.target.value)} />
      </label>
    </div>
    <label class="field">Step <output>${count(step)} of ${count(steps)}</output>
      <input
        type="range" min="0" max=${last} value=${view.at} onInput=${scrub}
        aria-label="Step" aria-valuetext=${`step ${step} of ${steps}`}
      />
    </label>
    <${History} game=${game} view=${view} />
  </div>`;
}

function useGame(settings, speed) {
  const [, again] = useState(0);
  const [round, next] = useState(0);
  const game = useRef(null);
  const key = settings && JSON.stringify([settings, round]);
  if (settings && game.current?.key !== key) {
    game.current?.stop();
    game.current = Object.assign(new Game(settings, () => again((n) => n + 1)), { key });
    game.current.hurry(SPEEDS[speed][1]);
  }
  useEffect(() => () => game.current?.stop(), []);
  useEffect(() => game.current?.hurry(SPEEDS[speed][1]), [speed]);
  return [game.current, () => next((n) => n + 1)];
}

function useBooks() {
  const [books, set] = useState(null);
  useEffect(() => {
    Promise.all([get(STORIES), get(REMEDIES)]).then(
      ([stories, remedies]) => set({ stories, remedies }), (error) => set({ error }));
  }, []);
  return books;
}

export default function Lab({ route }) {
  const books = useBooks();
  const [asked, ask] = useState(route.asked);
  useEffect(() => ask(route.asked), [route.asked]);
  const [speed, setSpeed] = useState("fast");
  const story = books?.stories?.find((each) => each.name === asked.story) ?? books?.stories?.[0];
  const settings = story ? settingsOf(story, asked) : null;
  const [game, again] = useGame(settings, speed);
  const view = useView(game);
  if (books?.error) return html`<${Trouble} error=${books.error} />`;
  if (!game) return null;
  const change = (news) => {
    const changed = { ...asked, ...news };
    ask(changed);
    note(route, changed);
  };
  const second = settings.methods.length > 1 ? settings.methods[1] : settings.methods[0];
  const turn = (method, on) => {
    const chosen = switched(second);
    on ? chosen.add(method) : chosen.delete(method);
    change({ methods: chosen.size ? `${PLAIN} ${[...chosen].join("+")}` : PLAIN });
  };
  return html`
    <div class="head"><div>
      <h1>Laboratory</h1>
      <p class="soft">Games so small that the truth about them is known, played while you watch.</p>
    </div></div>
    <nav class="stories" aria-label="Games">
      ${books.stories.map((each) => html`<a
        key=${each.name} href=${`#/lab?story=${each.name}`}
        aria-current=${each === story ? "true" : undefined}
      >${each.title}</a>`)}
    </nav>
    <p class="story">${story.text}</p>
    <${Trouble} error=${game.error} />
    ${game.preparing ? html`<p role="status">${game.preparing.preparing} …
      <${Bar} share=${game.preparing.total ? game.preparing.done / game.preparing.total : null} label="Preparing" /></p>` : null}
    <div class=${`lanes lanes-${settings.methods.length}`}>
      ${settings.methods.map((method, k) => html`<${Lane} key=${`${k} ${method}`} game=${game} view=${view} number=${k} />`)}
    </div>
    ${story.experiment === "ring" || story.experiment === "grid"
      ? html`<p class="soft small legend"><i class="dot g"></i> what G draws <i class="dot real"></i> where D sees data
          <i class="dot drawn"></i> where D sees drawn ones <i class="ringlet"></i> the truth</p>`
      : null}
    <${Controls}
      game=${game} view=${view} again=${again} speed=${speed} setSpeed=${setSpeed}
      seed=${settings.seed} reseed=${(value) => change({ seed: /^\d{1,6}$/.test(value) ? value : "0" })}
    />
    <${Result} game=${game} />
    <${Switches} remedies=${books.remedies} story=${story} chosen=${switched(second)} change=${turn} />
    <${Command} text=${commandOf(settings)} label="The same on the command line" />`;
}
