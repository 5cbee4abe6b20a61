// Every panel of the page, once. Each is a module whose default export is a component; it is given
// `route` ({panel, run, asked}) and, for panels of a run, `card` (the facts of that run).
//
// place: "top" stands in the bar of the page, "run" in the bar of a run, "full" fills the window
// and belongs to a run, "hidden" has its links elsewhere.

export const PANELS = [
  { name: "watch", title: "Watch", place: "run", load: () => import("./panels/watch.js") },
  { name: "explore", title: "Explore", place: "run", load: () => import("./panels/explore.js") },
  { name: "any", title: "This one does not exist", place: "full", load: () => import("./panels/any.js") },
  { name: "runs", title: "Runs", place: "top", load: () => import("./panels/runs.js") },
  { name: "new", title: "New run", place: "top", load: () => import("./panels/new.js") },
  { name: "style", title: "Style", place: "top", load: () => import("./panels/style.js") },
  { name: "lab", title: "Laboratory", place: "top", load: () => import("./panels/lab.js") },
  { name: "compare", title: "Compare", place: "hidden", load: () => import("./panels/compare.js") },
  { name: "help", title: "Help", place: "top", load: () => import("./panels/help.js") },
];

export const FIRST = "runs";

export const panelOf = (name) => PANELS.find((panel) => panel.name === name);
export const panelsAt = (place) => PANELS.filter((panel) => panel.place === place);
