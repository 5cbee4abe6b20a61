// The page: starts the worker, then wires the controls to the stage.

import { cardOf } from "./card.js";
import { Painter } from "./draw.js";
import { anyNumber, placeOf } from "./link.js";
import { Mix } from "./mix.js";
import { Sixteen } from "./sixteen.js";
import { sources } from "./sources.js";
import { $, Stage } from "./stage.js";
import { Steer } from "./steer.js";
import { tabs } from "./tabs.js";
import { Walk } from "./walk.js";

const NEEDS = "This browser cannot draw here: it lacks";

function lacking() {
  if (typeof WebAssembly === "undefined") return "WebAssembly";
  if (typeof Worker === "undefined") return "workers";
  if (typeof DecompressionStream === "undefined") return "the reading of packed files";
  return null;
}

function failed(text) {
  document.body.classList.add("waiting", "failed");
  $("sentence").textContent = text;
  $("told").textContent = text;
}

function say(text) {
  $("told").textContent = text;
}

async function begin() {
  const lack = lacking();
  if (lack) return failed(`${NEEDS} ${lack}. A newer one can.`);
  let found;
  try {
    found = await sources();
  } catch {
    return failed("The page is not complete: site.json cannot be read. Load it again, or publish it again.");
  }
  const { files, sizes, card, worker } = found;
  $("made").append(...cardOf(card));
  const painter = new Painter(worker);
  worker.onmessage = ({ data }) => {
    if (data.kind === "progress") progressed(data.share);
    if (data.kind === "ready") ready(data.about, painter);
    if (data.kind === "engine" && data.name === "webgpu") $("engine").textContent = "its graphics processor";
    if (data.kind === "drawn") painter.drawn(data);
    if (data.kind === "failed") failed(data.text);
  };
  worker.onerror = () => failed("The part of the page that draws could not be started. Load it again.");
  worker.postMessage({ kind: "open", files, sizes });
  keepForLater();
}

function progressed(share) {
  if (document.body.classList.contains("failed")) return; // what else was on its way
  $("loaded").value = share;
  $("sentence").textContent = share < 1 ? `The generator is loading, ${Math.round(100 * share)} %` : "It is there; drawing the first picture …";
}

function ready(about, painter) {
  const stage = new Stage(about, painter);
  const steer = new Steer(about, stage);
  const views = { sixteen: new Sixteen(stage, steer), walk: new Walk(about, stage, steer) };
  if (about.styled) views.mix = new Mix(about, stage, steer);
  $("tab-mix").hidden = !about.styled;
  let view = "steer";
  tabs(document.querySelector("[role=tablist]"), (name) => {
    views[view]?.close?.();
    if (view !== name && (name === "steer" || name === "sixteen") && (view === "walk" || view === "mix")) steer.show(stage.place, false);
    view = name;
    views[name]?.open();
  });
  const another = async () => {
    if (view === "walk" || view === "mix") $("tab-steer").click();
    await steer.another();
    say(stage.nameOf(stage.place));
  };
  buttons(stage, another);
  gestures(another);
  const linked = placeOf(location.hash, about);
  if (location.hash && !linked) say("This link names no picture here, so this is another one.");
  steer.show(linked ?? { seed: anyNumber(), label: null, psi: 1, moves: steer.still() }, false);
  addEventListener("popstate", () => {
    const place = placeOf(location.hash, about);
    if (place) steer.show(place, false);
    else say("This link names no picture here.");
  });
}

function buttons(stage, another) {
  const acts = {
    another,
    copy: async () => {
      try {
        await navigator.clipboard.writeText(location.href);
        say("The link is copied.");
      } catch {
        say(`The link is ${location.href}`);
      }
    },
    save: async () => say(`Saved as ${await stage.save(1)}`),
    "save-large": async () => say(`Saved as ${await stage.save(4)}`),
  };
  for (const [id, act] of Object.entries(acts)) {
    $(id).disabled = false;
    $(id).addEventListener("click", act);
  }
}

// The space bar where it does nothing else, and a swipe across the picture.
function gestures(another) {
  addEventListener("keydown", (event) => {
    const busy = event.target.closest("button, a, input, select, [role=tabpanel][tabindex]");
    if (event.key !== " " || event.repeat || busy || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    another();
  });
  const frame = document.querySelector(".frame");
  let start = null;
  frame.addEventListener("pointerdown", (event) => { start = event; });
  frame.addEventListener("pointerup", (event) => {
    const across = start ? event.clientX - start.clientX : 0;
    const down = start ? event.clientY - start.clientY : 0;
    if (Math.abs(across) > 40 && Math.abs(across) > 2 * Math.abs(down)) {
      if (across < 0) another();
      else history.back();
    }
    start = null;
  });
}

// A service worker keeps the files, so that the page opens without network too.
function keepForLater() {
  if (location.protocol.startsWith("http") && "serviceWorker" in navigator) {
    navigator.serviceWorker.register("offline.js").catch(() => {}); // then it needs the network
  }
}

begin();
