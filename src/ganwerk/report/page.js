"use strict";
// The timeline: slider, play button and strip show the same moment.
(() => {
  const film = document.querySelector(".film");
  if (!film) return;
  const shots = [...film.querySelectorAll(".shot")], marks = [...film.querySelectorAll(".strip figure")];
  const slider = film.querySelector("input"), said = film.querySelector("output");
  const button = film.querySelector("button");
  let timer = 0;
  const show = (at) => {
    slider.value = at;
    said.textContent = shots[at].dataset.when;
    for (const [list, name] of [[shots, "on"], [marks, "on"]])
      list.forEach((part, i) => part.classList.toggle(name, i === at));
  };
  const pause = () => { clearInterval(timer); timer = 0; button.textContent = "Play"; };
  const tick = () => {
    const next = +slider.value + 1;
    if (next < shots.length) show(next); else pause();
  };
  button.addEventListener("click", () => {
    if (timer) return pause();
    if (+slider.value === shots.length - 1) show(0);
    button.textContent = "Pause";
    timer = setInterval(tick, 550);
  });
  slider.addEventListener("input", () => { pause(); show(+slider.value); });
  marks.forEach((mark, i) => mark.addEventListener("click", () => { pause(); show(i); }));
})();
// The curves: the legend tells the values under the pointer.
for (const figure of document.querySelectorAll(".plot")) {
  const { box: [first, last, left, right, width], lines } = JSON.parse(figure.dataset.plot);
  const svg = figure.querySelector("svg"), cursor = figure.querySelector(".cursor");
  const values = [...figure.querySelectorAll(".legend b")], unit = figure.querySelector(".unit");
  const rest = values.map((value) => value.textContent), caption = unit.textContent;
  const nearest = (xs, x) => xs.reduce((best, at, i) =>
    Math.abs(at - x) < Math.abs(xs[best] - x) ? i : best, 0);
  svg.addEventListener("pointermove", (event) => {
    const area = svg.getBoundingClientRect();
    const at = Math.min(right, Math.max(left, (event.clientX - area.left) / area.width * width));
    const images = first + (at - left) / (right - left) * (last - first);
    cursor.setAttribute("x1", at);
    cursor.setAttribute("x2", at);
    cursor.style.visibility = "visible";
    unit.textContent = `${Math.round(images).toLocaleString("en")} images seen`;
    lines.forEach((line, i) => { 
      values[i].textContent = String(line.y[nearest(line.x, images)]).replace("-", "−");
     });
  });
  svg.addEventListener("pointerleave", () => {
    cursor.style.visibility = "hidden";
    unit.textContent = caption;
    values.forEach((value, i) => { value.textContent = rest[i]; });
  });
}
