// The few numbers that say how it stands, each with its sentence behind it.
import { html, useEffect, useState } from "../core/dom.js";
import { get } from "../core/api.js";
import { bytes, count, duration, measured, speed } from "../core/wording.js";
import { SCORE } from "../panels/runs.js";

const AGAIN_MS = 4000;

function useProcess(card) {
  const [process, set] = useState(null);
  const running = card.state === "running";
  useEffect(() => {
    if (!running) return set(null);
    const ask = () => document.hidden || get(`/api/runs/${card.id}/process`).then(set, () => {});
    ask();
    const timer = setInterval(ask, AGAIN_MS);
    return () => clearInterval(timer);
  }, [card.id, running]);
  return process;
}

// The last measure against the one before: better, the same, worse
export function trend(measures, name = SCORE) {
  const known = measures.filter((row) => row[name] != null);
  if (known.length < 2) return "";
  const [before, now] = known.slice(-2).map((row) => row[name]);
  const change = now / before;
  return change < 0.97 ? "better than before" : change > 1.03 ? "worse than before" : "as before";
}

// The last scores with what real pictures score: as measured, or where the run was too short for
// that as the doctor saw them. Rows of a journal: any of them may be missing
export function scores(latest) {
  const { measure, look, null: band } = latest;
  if (measure) {
    return { distance: [measure[SCORE], measure[`floor ${SCORE}`]],
             coverage: [measure.coverage, measure["floor coverage"]], by: "" };
  }
  const pair = (name) => [look?.[name], band?.[name]?.[0]];
  return { distance: pair("distance"), coverage: pair("coverage"),
           by: look?.distance == null ? "" : "by the doctor" };
}

// Whether coverage is low because many real pictures are near copies: drawn ones lie much wider
// apart, and nothing gets between these. The doctor's limit, CROWDED in doctor/signs/drawn.py
const CROWDED = 1.5;
export const crowded = ({ latest: { look }, copied }) =>
  copied === true && look?.spread > CROWDED && look.coverage < 0.4;

const beside = (real, ...more) =>
  [real == null ? "" : `real ones: ${measured(real)}`, ...more].filter(Boolean).join(" · ");

export function Tiles({ card, facts }) {
  const process = useProcess(card);
  const step = facts.latest.step ?? {}, { distance, coverage, by } = scores(facts.latest);
  const images = Math.max(card.images, step.images ?? 0);
  const pace = step.images_per_second;
  const left = card.state === "running" ? card.left_seconds : 0;
  const unknown = card.state === "running" ? "measured later" : "not measured";
  const copies = crowded(facts);
  const tiles = [
    ["Images seen", count(images), card.total_images > images ? `of ${count(card.total_images)}` : "",
      "How many training pictures D was shown, repetitions counted."],
    ["Time", duration(step.seconds ?? 0), left > 0 ? `about ${duration(left)} left` : "",
      "Time spent training, pauses aside."],
    ["Speed", pace ? speed(pace) : "–", facts.machine.device_name ?? "",
      "Training pictures per second, of late."],
    ["Distance to the pictures", distance[0] == null ? "–" : measured(distance[0]),
      distance[0] == null ? unknown : beside(distance[1], by || trend(facts.measures)),
      "How far drawn pictures are from real ones, as whole clouds. Lower is better; nobody gets below what real pictures score against each other."],
    ["Coverage", coverage[0] == null ? "–" : measured(coverage[0]),
      beside(coverage[1], copies ? "stays low among near copies" : ""),
      "The share of kinds of real pictures that are drawn."
        + (copies ? " Many of your pictures are near copies of each other, such as frames of a film. Nothing drawn gets between them: coverage stays low though the drawings may be good. Look at them, and at the distance." : "")],
    process
      ? ["Memory", bytes(process.memory_bytes), `${process.cores} cores busy`, "Of the process that trains."]
      : null,
  ].filter(Boolean);
  return html`<dl class="tiles">
    ${tiles.map(([name, value, below, meaning]) => html`<div key=${name} title=${meaning}>
      <dt>${name}</dt><dd>${value}</dd><dd class="below">${below}</dd>
    </div>`)}
  </dl>`;
}
