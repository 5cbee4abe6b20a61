// Addresses of the page: #/runs, #/run/ID/watch?at=1200. All of it is in the fragment, so every view
// has a link, and the server needs to know none of them.
import { useEffect, useRef, useState } from "./dom.js";

export function parsed(hash, first) {
  const [path, query] = hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decoded);
  const asked = Object.fromEntries(new URLSearchParams(query ?? ""));
  if (parts[0] === "run" && parts.length >= 2) {
    return { panel: parts[2] ?? "watch", run: parts[1], asked };
  }
  return { panel: parts[0] ?? first, run: null, asked };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

// asked: what stands behind the question mark; empty values are left out
export function link(panel, run = null, asked = {}) {
  const path = run ? `run/${encodeURIComponent(run)}/${panel}` : panel;
  const known = Object.entries(asked).filter(([, value]) => value !== "" && value != null);
  const query = new URLSearchParams(known).toString();
  return `#/${path}${query ? `?${query}` : ""}`;
}

export function go(panel, run, asked) {
  location.hash = link(panel, run, asked);
}

// Change what is asked for without a new entry in the history: a slider moves often.
export function note(route, asked) {
  const hash = link(route.panel, route.run, { ...route.asked, ...asked });
  history.replaceState(null, "", hash);
}

export function useRoute(first) {
  const [route, set] = useState(() => parsed(location.hash, first));
  const begun = useRef(location.hash);
  useEffect(() => {
    const changed = () => set(parsed(location.hash, first));
    addEventListener("hashchange", changed);
    if (location.hash !== begun.current) changed(); // between the first drawing and this listener
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
