"use strict";
// The zoomable graph: boxes that choose layers, and a layer that colours them by QS.
(() => {
  const viewport = document.getElementById("viewport");
  const picture = viewport?.querySelector("svg");
  if (!picture) return;

  const width = picture.viewBox.baseVal.width;
  const height = picture.viewBox.baseVal.height;
  picture.setAttribute("width", width);
  picture.setAttribute("height", height);
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", "Graph of the model; the table of layers holds the same facts");
  const lens = Panzoom(picture, { canvas: true, origin: "0 0", minScale: 0.005, maxScale: 6, step: 0.25, animate: false, cursor: "", handleStartEvent: (event) => event.preventDefault() });
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  const boxOf = new Map();
  const layerOf = new Map();
  for (const layer of page.data.layers) {
    const box = layer.box && document.getElementById(layer.box);
    if (!box) continue;
    boxOf.set(layer.name, box);
    if (!layerOf.has(box)) layerOf.set(box, layer.name);
  }
  for (const box of picture.querySelectorAll("g.node")) {
    const tooltip = box.querySelector("a")?.getAttribute("xlink:title");
    const title = box.querySelector("title");
    if (tooltip && title) title.textContent = tooltip;
  }

  /** Zoom to `scale` and move so that the point of the picture at (x, y) lies at the middle of the viewport. */
  function look(scale, x, y, top) {
    const kept = Math.min(Math.max(scale, 0.005), 6);
    lens.zoom(kept, { animate: false });
    lens.pan(viewport.clientWidth / 2 / kept - x, (top ?? viewport.clientHeight / 2) / kept - y, { animate: !still && top === undefined });
  }
  const widthScale = () => Math.min(viewport.clientWidth / width, 1.15);
  const fitWidth = () => look(widthScale(), width / 2, 0, 0);
  const fitAll = () => look(Math.min(viewport.clientWidth / width, viewport.clientHeight / height), width / 2, height / 2);
  const middle = () => {
    const frame = viewport.getBoundingClientRect();
    return { clientX: frame.left + frame.width / 2, clientY: frame.top + frame.height / 2 };
  };
  const zoomBy = (factor, point = middle()) => lens.zoomToPoint(Math.min(Math.max(lens.getScale() * factor, 0.005), 6), point, { animate: false });
  const moveBy = (x, y) => lens.pan(x / lens.getScale(), y / lens.getScale(), { relative: true, animate: false });

  function show(layer) {
    for (const old of picture.querySelectorAll("g.chosen")) old.classList.remove("chosen");
    const box = boxOf.get(layer.name);
    if (!box) return;
    box.classList.add("chosen");
    const frame = picture.getBoundingClientRect();
    const place = box.getBoundingClientRect();
    const scale = frame.width / width;
    const comfortable = Math.min(1.15, (viewport.clientWidth * 0.9 * scale) / place.width);
    look(Math.max(lens.getScale(), comfortable * 0.75) > 2 ? 1.15 : Math.max(lens.getScale(), comfortable * 0.75), (place.left - frame.left + place.width / 2) / scale, (place.top - frame.top + place.height / 2) / scale);
  }

  let pressed = null;
  viewport.addEventListener("pointerdown", (event) => (pressed = [event.clientX, event.clientY]), true);
  viewport.addEventListener("click", (event) => {
    const moved = pressed && Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > 5;
    const box = event.target.closest?.("g.node");
    if (!moved && box && layerOf.has(box)) page.choose(layerOf.get(box), "graph");
    viewport.focus({ preventScroll: true });
  });
  viewport.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoomBy(Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / 150), event);
    } else if (document.activeElement === viewport) {
      event.preventDefault();
      moveBy(-event.deltaX, -event.deltaY);
    }
  }, { passive: false });

  const names = page.data.layers.filter((layer) => boxOf.has(layer.name)).map((layer) => layer.name);
  function neighbour(step) {
    const start = names.indexOf(page.chosen());
    page.choose(names[(start + step + names.length) % names.length], "graph");
  }
  const keys = {
    ArrowUp: () => moveBy(0, 60), ArrowDown: () => moveBy(0, -60), ArrowLeft: () => moveBy(60, 0), ArrowRight: () => moveBy(-60, 0),
    PageUp: () => moveBy(0, viewport.clientHeight * 0.8), PageDown: () => moveBy(0, -viewport.clientHeight * 0.8),
    "+": () => zoomBy(1.25), "=": () => zoomBy(1.25), "-": () => zoomBy(0.8), 0: fitWidth, Home: fitWidth, n: () => neighbour(1), p: () => neighbour(-1),
  };
  viewport.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  for (const [id, action] of [["zoom-in", () => zoomBy(1.25)], ["zoom-out", () => zoomBy(0.8)], ["fit-width", fitWidth], ["fit-all", fitAll]])
    document.getElementById(id).addEventListener("click", action);

  const find = document.getElementById("find");
  document.getElementById("names").append(...names.map((name) => Object.assign(document.createElement("option"), { value: name })));
  find.addEventListener("change", () => {
    const word = find.value.trim().toLowerCase();
    const found = names.find((name) => name.toLowerCase() === word) ?? names.find((name) => word && page.byName.get(name).words.includes(word));
    find.setAttribute("aria-invalid", String(Boolean(word) && !found));
    if (found) page.choose(found, "graph");
  });

  const levels = 5;
  function heat() {
    const measured = page.data.layers.filter((layer) => page.isMeasured(layer) && layer.number > 0 && boxOf.has(layer.name));
    const logs = measured.map((layer) => Math.log10(layer.number));
    const low = Math.min(...logs), high = Math.max(...logs);
    const level = (log) => (high > low ? Math.min(levels - 1, Math.floor(((log - low) / (high - low)) * levels)) : levels - 1);
    measured.forEach((layer, index) => boxOf.get(layer.name).classList.add(`heat-${level(logs[index])}`));
    for (const layer of page.data.layers)
      if (layer.qs !== null && !page.isMeasured(layer)) boxOf.get(layer.name)?.classList.add(`heat-${levels - 1}`);
    const legend = document.getElementById("heat-legend");
    legend.append("QS, by colour and thickness of the outline:");
    for (let step = 0; step < levels && measured.length; step++) {
      const from = 10 ** (low + ((high - low) * step) / levels), to = 10 ** (low + ((high - low) * (step + 1)) / levels);
      const swatch = page.element("span", { text: `${from.toPrecision(2)} – ${to.toPrecision(2)}` });
      swatch.style.background = `var(--heat-${step})`;
      legend.append(swatch);
    }
    legend.append("A box without QS was not measured.");
  }
  const toggle = document.getElementById("heat");
  toggle.addEventListener("change", () => {
    viewport.classList.toggle("heat", toggle.checked);
    document.getElementById("heat-legend").hidden = !toggle.checked;
  });
  if (page.data.has_sensitivity) heat();

  page.follow(show);
  fitWidth();
  let lastWidth = viewport.clientWidth;
  new ResizeObserver(() => {
    if (Math.abs(viewport.clientWidth - lastWidth) < 2) return;
    lastWidth = viewport.clientWidth;
    const layer = page.byName.get(page.chosen());
    if (layer) show(layer);
    else fitWidth();
  }).observe(viewport);
})();
