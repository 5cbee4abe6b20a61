// This one does not exist: the whole window, another picture each time, and its number.
import { html, useEffect, useMemo, useState } from "../core/dom.js";
import { Trouble } from "../core/parts.js";
import { link, note } from "../core/route.js";
import { Artist } from "./explore/artist.js";
import { Shot, usePictures } from "./explore/pictures.js";

const NUMBERS = 1e9;

export const anyNumber = () => Math.floor(Math.random() * NUMBERS);

export default function Any({ route, card }) {
  const artist = useMemo(() => new Artist(route.run), [route.run]);
  const [seed, set] = useState(() => (/^\d{1,9}$/.test(route.asked.seed ?? "") ? Number(route.asked.seed) : anyNumber()));
  const { addresses, error } = usePictures(artist, "any", [`seed=${seed}`]);
  const next = () => set(anyNumber());
  useEffect(() => note(route, { seed }), [seed]);
  useEffect(() => {
    const key = (event) => {
      if (event.key === " " || event.key === "ArrowRight") {
        event.preventDefault();
        next();
      }
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, []);
  const small = (card.plan?.resolution ?? 64) < 128;
  return html`<div class="any">
    <h1 class="hidden-text">This one does not exist</h1>
    <button class="whole" onClick=${next} aria-label=${`Picture ${seed} of ${card.name}. Another one`}>
      <${Shot} address=${addresses[0]} alt=${`Picture ${seed}`} small=${small} /></button>
    <${Trouble} error=${error} />
    <p class="caption">
      ${addresses[0] ? "This one does not exist · " : "The generator is being loaded · "}
      <a href=${link("explore", route.run, { spec: `seed=${seed}` })}>number ${seed}</a>${" of "}
      <a href=${link("watch", route.run)}>${card.name}</a>
    </p>
  </div>`;
}
