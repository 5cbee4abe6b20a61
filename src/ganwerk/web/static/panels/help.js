// What each number means, what can go wrong, and the keys.
import { html, useEffect, useState } from "../core/dom.js";
import { get } from "../core/api.js";
import { Command, Trouble } from "../core/parts.js";

const NUMBERS = [
  ["Images seen", "How many training pictures D was shown so far, repetitions counted. Progress is counted in it, so that machines of any speed compare."],
  ["D's loss, G's loss", "How the two players stand: D tells real pictures from drawn ones, G draws. A loss that falls or rises proves neither success nor failure; the dashed line is where neither can gain."],
  ["Value of the game", "One number for both: D pushes it one way, G the other. Between the two a noisy band is normal."],
  ["D's answers", "What D says of real pictures, of real ones it never saw, and of drawn ones. If those it never saw sink to the drawn ones, D knows the others by heart."],
  ["Distance to the pictures", "How far drawn pictures are from real ones, as whole clouds. Lower is better. The floor is what real pictures score against each other; nobody gets below it."],
  ["Precision, coverage", "Precision: how many drawn pictures lie among real ones. Coverage: how many kinds of real pictures are drawn. Coverage that falls while precision stays means that kinds are left out."],
  ["Penalties", "What D pays for steep slopes. Small beside the losses is normal."],
  ["Learning rates", "How large the steps of the players are. They are set beforehand, and fall towards the end, which calms the pictures."],
  ["Speed", "Training pictures per second. Short dips are checkpoints and grids; a lasting fall is heat, another load or lack of memory."],
  ["Memory, cores", "What the process that trains takes of this machine."],
];

const KEYS = [
  ["Arrow left, right", "Watch: the moment before, the next one"],
  ["Page up, page down", "Watch: ten moments on"],
  ["Home, End", "Watch: the first pictures, the newest"],
  ["Escape", "closes a question"],
];

const ANSWERS = [
  ["May I close this window?", "Yes. Trainings go on without it, and without the server too."],
  ["The machine was turned off in the middle.", "Open the run and press Resume: it goes on from its last checkpoint, with the same bits as if nothing had been."],
  ["Can others see this page?", "No: it answers to this machine alone. `ganwerk serve --host 0.0.0.0 --password WORD` shows it to your network; over an ssh tunnel no password is needed: `ssh -L 8765:127.0.0.1:8765 MACHINE`."],
  ["Where is everything?", "In the folder of the run. The page keeps nothing of its own. What you drop lies in the folder pictures beside runs; what you remove in runs/.trash."],
];

const Kind = ({ kind, open }) => html`<details id=${kind.code} open=${open} class="kind">
  <summary><b>${kind.name}</b> <span class="soft small">${kind.code}</span></summary>
  <dl class="terms">
    <dt>What it is</dt><dd>${kind.means}</dd>
    <dt>How it looks</dt><dd>${kind.looks_like}</dd>
    <dt>Why</dt><dd>${kind.why}</dd>
    <dt>What helps</dt><dd>${kind.helps}</dd>
  </dl>
  ${kind.lab ? html`<p class="soft small">See it happen in the laboratory:</p><${Command} text=${kind.lab} />` : null}
</details>`;

export default function Help({ route }) {
  const [kinds, set] = useState([]);
  const [error, fail] = useState(null);
  const { about } = route.asked;
  useEffect(() => void get("/api/findings").then((found) => set(found.findings), fail), []);
  useEffect(() => {
    if (about && kinds.length) document.getElementById(about)?.scrollIntoView();
  }, [about, kinds]);
  const terms = (list) => html`<dl class="terms">${list.map(([name, text]) => html`<dt key=${name}>${name}</dt><dd>${text}</dd>`)}</dl>`;
  return html`
    <div class="head"><h1>Help</h1></div>
    <div class="board">
      <section class="card"><h2>What the numbers mean</h2>${terms(NUMBERS)}</section>
      <section class="card"><h2>What can go wrong</h2>
        <p class="soft">What the doctor looks for in every training, and what helps.</p>
        <${Trouble} error=${error} />
        ${kinds.map((kind) => html`<${Kind} key=${kind.code} kind=${kind} open=${kind.code === about} />`)}</section>
      <section class="card"><h2>Questions</h2>${terms(ANSWERS)}</section>
      <section class="card"><h2>Keys</h2>${terms(KEYS)}</section>
    </div>`;
}
