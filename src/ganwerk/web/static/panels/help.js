// What each number means, and what can go wrong.
import { html } from "../core/dom.js";

const NUMBERS = [
  ["Images seen", "How many training pictures D was shown so far, repetitions counted."],
  ["D's loss, G's loss", "How the two players stand. D tells real pictures from drawn ones, G draws. A loss that falls or rises proves neither success nor failure; the dashed line is where neither can gain."],
  ["Distance to the real pictures", "How far drawn pictures are from real ones, as whole clouds. Lower is better; real pictures against each other score the dashed floor, and nobody gets below that."],
  ["Precision, coverage", "Precision: how many drawn pictures lie among real ones. Coverage: how many kinds of real pictures are drawn. Coverage that falls while precision stays means that kinds are left out."],
];

export default () => html`
  <div class="head"><h1>Help</h1></div>
  <section class="card">
    <h2>What the numbers mean</h2>
    <dl class="terms">${NUMBERS.map(([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>`)}</dl>
  </section>`;
