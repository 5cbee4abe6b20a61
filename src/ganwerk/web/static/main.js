// The frame: bar, router, and the panel that the address names.
import { html, render, useEffect, useState } from "./core/dom.js";
import { live, useLive } from "./core/live.js";
import { Fence, State, Trouble } from "./core/parts.js";
import { link, useRoute } from "./core/route.js";
import { FIRST, panelOf, panelsAt } from "./panels.js";

const modules = new Map();

function usePanel(panel) {
  const [, again] = useState(0);
  const known = panel && modules.get(panel.name);
  useEffect(() => {
    if (!panel || known) return;
    panel.load().then(
      (module) => modules.set(panel.name, module.default),
      (error) => modules.set(panel.name, () => html`<${Trouble} error=${error} />`),
    ).then(() => again((n) => n + 1));
  }, [panel]);
  return known;
}

const Links = ({ panels, route, label }) => html`<nav aria-label=${label}>
  ${panels.map((panel) => html`<a
    key=${panel.name}
    href=${link(panel.name, panel.place === "top" ? null : route.run)}
    aria-current=${panel.name === route.panel ? "page" : undefined}
    onPointerEnter=${panel.load}
    onFocus=${panel.load}
  >${panel.title}</a>`)}
</nav>`;

const Top = ({ route }) => html`<header class="top">
  <a class="mark" href=${link(FIRST)}><img src="/static/icon.svg" alt="" width="24" height="24" />ganwerk</a>
  <${Links} panels=${panelsAt("top")} route=${route} label="Page" />
</header>`;

const RunBar = ({ route, card }) => html`<div class="runbar">
  <h1>${card.name} <${State} state=${card.state} /></h1>
  <${Links} panels=${[...panelsAt("run"), ...panelsAt("full")]} route=${route} label="Run" />
</div>`;

const Lost = () => html`<p class="lost" role="status">
  The page has lost its server. Trainings go on without it. Start it again: <code>ganwerk serve</code>
</p>`;

function Page() {
  const route = useRoute(FIRST);
  const panel = panelOf(route.panel);
  const Panel = usePanel(panel);
  const [card, known, connected] = useLive(({ runs, connected }) => [
    runs?.get(route.run), runs !== null, connected,
  ]);
  useEffect(() => {
    document.title = [card?.name, panel?.title, "ganwerk"].filter(Boolean).join(" · ");
  }, [card?.name, panel]);
  const ofRun = panel && ["run", "full"].includes(panel.place);
  const full = panel?.place === "full";
  const waits = !Panel || (ofRun && !known);
  let content = null;
  if (!panel || (ofRun && known && !card)) {
    content = html`<${Trouble} error=${{
      message: panel ? "There is no such run here (any more)." : "There is no such page.",
      hint: "See the list of runs.",
    }} />`;
  } else if (!waits) {
    content = html`<${Panel} key=${`${route.panel} ${route.run}`} route=${route} card=${card} />`;
  }
  return html`
    ${full ? null : html`<${Top} route=${route} />`}
    ${connected ? null : html`<${Lost} />`}
    <main class=${full ? "full" : `panel-${route.panel}`} aria-busy=${waits}>
      ${ofRun && card && !full ? html`<${RunBar} route=${route} card=${card} />` : null}
      <${Fence} about=${location.hash}>${content}<//>
    </main>`;
}

live.start();
render(html`<${Page} />`, document.getElementById("page"));
