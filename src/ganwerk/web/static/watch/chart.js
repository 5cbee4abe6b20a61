// One plot: lines with their bands, levels that mean something, and where the pictures are.
import { html, useEffect, useRef } from "../core/dom.js";
import { images as told, measured, shortCount } from "../core/wording.js";

const HEIGHT = 210;
const CLICK_PX = 4;
const FEW_POINTS = 12; // so few are marked each

const colour = (role) => getComputedStyle(document.documentElement).getPropertyValue(`--${role}`).trim();
const inked = (role) => colour(role === "both" ? "soft" : role);

// x, then line, low and high of each series, on all places where one of them has a value
export function table(plot) {
  const parts = plot.series.map((one) => [
    one.images, one.line, one.low ?? one.line.map(() => null), one.high ?? one.line.map(() => null),
  ]);
  return parts.length ? window.uPlot.join(parts) : [[]];
}

const share = (values, part) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round(part * (sorted.length - 1))];
};

// Room for the lines, the bulk of their noise and the levels; rare peaks may leave the picture
export function reach(plot) {
  const ends = plot.levels.map((level) => level.value);
  for (const value of [plot.floor, plot.ceiling]) if (value != null) ends.push(value);
  for (const { line, low, high } of plot.series) {
    ends.push(share(line, 0.01), share(line, 0.99), line.at(-1));
    if (low) ends.push(share(low, 0.04), share(high, 0.96));
  }
  const [bottom, top] = [Math.min(...ends), Math.max(...ends)];
  const room = 0.06 * (top - bottom) || 0.1 * Math.abs(top) || 1;
  return [
    plot.floor != null && bottom >= plot.floor ? plot.floor : bottom - room,
    plot.ceiling != null && top <= plot.ceiling ? plot.ceiling : top + room,
  ];
}

function across(u, value, role, dash, vertical = false) {
  const { ctx, bbox } = u;
  const place = Math.round(u.valToPos(value, vertical ? "x" : "y", true));
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.beginPath();
  ctx.strokeStyle = inked(role);
  ctx.lineWidth = devicePixelRatio * 1.3;
  ctx.setLineDash(dash.map((px) => px * devicePixelRatio));
  if (vertical) {
    ctx.moveTo(place, bbox.top);
    ctx.lineTo(place, bbox.top + bbox.height);
  } else {
    ctx.moveTo(bbox.left, place);
    ctx.lineTo(bbox.left + bbox.width, place);
  }
  ctx.stroke();
  ctx.restore();
}

function options(state, width) {
  const { plot } = state.current;
  const axis = { stroke: inked("soft"), font: "11px system-ui", grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
  const few = (u, i) => state.current.plot.series[Math.floor((i - 1) / 3)].images.length < FEW_POINTS;
  const series = plot.series.flatMap((one) => [
    { label: one.name, stroke: inked(one.role), width: 1.8, dash: one.dashed ? [5, 4] : [], points: { show: few } },
    { width: 0, points: { show: false } },
    { width: 0, points: { show: false } },
  ]);
  return {
    width, height: HEIGHT, legend: { show: false }, padding: [8, 10, 0, 0],
    cursor: { sync: { key: "curves" }, drag: { x: true, y: false, setScale: false }, points: { show: false }, y: false },
    scales: {
      x: { time: false, range: (u, low, high) => {
        const [from, to] = state.current.zoom;
        return from !== null ? [from, to] : [Math.min(low ?? 0, 0), high || 1];
      } },
      y: { range: () => reach(state.current.plot) },
    },
    axes: [
      { ...axis, size: 26, values: (u, list) => list.map(shortCount) },
      { ...axis, size: 52, values: (u, list) => list.map((value) => measured(value)) },
    ],
    series: [{}, ...series],
    bands: plot.series.flatMap((one, i) =>
      one.low ? [{ series: [3 * i + 3, 3 * i + 2], fill: `color-mix(in srgb, ${inked(one.role)} 16%, transparent)` }] : []),
    hooks: {
      draw: [(u) => {
        const { plot, at } = state.current;
        for (const level of plot.levels) across(u, level.value, level.role, [6, 4]);
        for (const mark of plot.marks) across(u, mark, "soft", [1, 3], true);
        for (const [mark] of plot.treated) across(u, mark, "ink", [5, 3], true);
        if (at != null) across(u, at, "accent", [], true);
      }],
      setCursor: [(u) => state.current.point(u)],
      setSelect: [(u) => {
        if (u.select.width < CLICK_PX) return;
        const from = u.posToVal(u.select.left, "x"), to = u.posToVal(u.select.left + u.select.width, "x");
        u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        state.current.onZoom(Math.max(0, from), to);
      }],
    },
  };
}

export function Chart({ plot, at, zoom, onZoom, onWhole, onPick }) {
  const box = useRef(null), figure = useRef(null), chart = useRef(null);
  const state = useRef({});
  const point = (u) => {
    const place = u.cursor.idx, values = figure.current?.querySelectorAll("b") ?? [];
    values.forEach((shown, i) => {
      const column = u.data[3 * i + 1];
      let seen = place == null ? column.length - 1 : place;
      while (seen > 0 && column[seen] == null) seen -= 1;
      shown.textContent = measured(column[seen]);
    });
    const where = figure.current?.querySelector(".where");
    if (where) where.textContent = place == null ? "" : `at ${told(u.data[0][place])}`;
  };
  Object.assign(state.current, { plot, at, zoom, onZoom, point });
  const shape = `${plot.series.map((one) => `${one.name}${one.low ? 1 : 0}`)}`;
  useEffect(() => {
    const make = () => {
      chart.current?.destroy();
      chart.current = new window.uPlot(options(state, box.current.clientWidth), table(state.current.plot), box.current);
    };
    make();
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", make);
    const sized = new ResizeObserver(() => chart.current.setSize({ width: box.current.clientWidth, height: HEIGHT }));
    sized.observe(box.current);
    return () => {
      dark.removeEventListener("change", make);
      sized.disconnect();
      chart.current.destroy();
      chart.current = null;
    };
  }, [shape]);
  useEffect(() => {
    chart.current?.setData(table(plot));
    if (chart.current) point(chart.current); // the values of the legend are written here alone
  }, [plot, `${zoom}`]);
  useEffect(() => chart.current?.redraw(false), [at]);
  const pick = (event) => {
    const u = chart.current, area = u.over.getBoundingClientRect();
    const inside = event.clientX - area.left;
    if (u.over.contains(event.target) && u.select.width < CLICK_PX) onPick(u.posToVal(inside, "x"));
  };
  return html`<figure class="chart card" ref=${figure}>
    <h3>${plot.title} <span class="where soft small number"></span></h3>
    <p class="legend">${plot.series.map((one) => html`<span key=${one.name}>
      <i class=${`swatch ${one.role} ${one.dashed ? "dashed" : ""}`}></i>${one.name} <b class="number"></b>
    </span>`)}
    ${plot.levels.map((level) => html`<span><i class=${`swatch dashed ${level.role}`}></i>${level.name} <span class="number">${measured(level.value)}</span></span>`)}</p>
    <div ref=${box} class="canvas" role="img" aria-label=${spoken(plot)} onClick=${pick} onDblClick=${onWhole}></div>
    <details><summary class="small">What it means</summary><p class="soft small">${plot.reading}</p></details>
  </figure>`;
}

const spoken = (plot) =>
  `${plot.title}: ${plot.series.map((one) => `${one.name} now ${measured(one.line.at(-1))}`).join(", ")}`;
