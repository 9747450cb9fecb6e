"use strict";
// The chart of QS by layer: two series of bars, so that float and quantized layers differ in more than colour.
(() => {
  const section = document.getElementById("sensitivity");
  if (!section || !page.data.has_sensitivity) return;
  section.hidden = false;
  for (const part of document.querySelectorAll(".needs-sensitivity")) part.hidden = false;

  const holder = document.getElementById("chart");
  const now = document.getElementById("chart-now");
  const inOrder = page.data.layers.filter((layer) => layer.is_head && page.isMeasured(layer));
  const broken = page.data.layers.filter((layer) => layer.is_head && layer.qs !== null && !page.isMeasured(layer));
  const bySize = [...inOrder].sort((a, b) => b.number - a.number || a.position - b.position);
  const positive = inOrder.map((layer) => layer.number).filter((qs) => qs > 0);
  const floor = positive.length ? 10 ** Math.floor(Math.log10(Math.min(...positive)) - 0.05) : 1e-6;
  const ceiling = positive.length ? Math.max(...positive, page.data.threshold ?? 0) * 1.3 : 1;
  let shown = inOrder;
  let plot = null;
  let current = null;

  const heights = (decision) =>
    shown.map((layer) => ((layer.decision === "float") === (decision === "float") ? Math.max(layer.number, floor) : null));
  const columns = () => [shown.map((_, index) => index), heights("quantized"), heights("float")];

  function bars(label, colour, dash) {
    return {
      label,
      stroke: () => page.colour(colour),
      fill: () => (dash ? `color-mix(in srgb, ${page.colour(colour)} 25%, transparent)` : page.colour(colour)),
      width: 1,
      dash,
      points: { show: false },
      paths: uPlot.paths.bars({ size: [0.75, 48] }),
      fillTo: () => floor,
    };
  }

  function threshold(u) {
    if (page.data.threshold === null) return;
    const y = u.valToPos(page.data.threshold, "y", true);
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = page.colour("--mark");
    ctx.fillStyle = page.colour("--mark");
    ctx.setLineDash([8, 5]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.textAlign = "right";
    ctx.fillText(`threshold ${page.data.threshold}`, bbox.left + bbox.width - 4, y - 5);
    ctx.restore();
  }

  const tick = (value) => (value >= 1e-3 && value < 1e4 ? String(+value.toPrecision(3)) : value.toExponential(0));
  function nameAt(index) {
    const name = Number.isInteger(index) && shown[index] ? shown[index].name : "";
    return name.length > 18 ? `${name.slice(0, 8)}…${name.slice(-9)}` : name;
  }

  function options() {
    const axis = { stroke: () => page.colour("--grey"), grid: { stroke: () => page.colour("--line"), width: 1 }, ticks: { stroke: () => page.colour("--line") } };
    const isRound = (value) => ["1", "2", "5"].includes(value.toExponential(0)[0]);
    const isDecade = (value) => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;
    return {
      width: holder.clientWidth || 600,
      height: 345,
      legend: { show: true, live: false, markers: { width: 2 } },
      cursor: { y: false, drag: { x: true, y: false } },
      scales: {
        x: { time: false, range: (_, low, high) => [Math.min(low, high) - 0.6, Math.max(low, high) + 0.6] },
        y: { distr: 3, range: () => [floor, ceiling] },
      },
      axes: [
        { ...axis, size: 130, rotate: -55, space: 26, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], values: (_, splits) => splits.map(nameAt), grid: { show: false } },
        { ...axis, size: 66, filter: (_, splits) => splits.map((value) => (isDecade(value) || (ceiling / floor < 100 && isRound(value)) ? value : null)), values: (_, splits) => splits.map((value) => (value === null ? "" : tick(value))), label: "QS (logarithmic)", labelSize: 22 },
      ],
      series: [{}, bars("quantized (filled)", "--bar-quantized"), bars("float (outlined)", "--bar-float", [4, 3])],
      hooks: { draw: [threshold], setCursor: [(u) => say(u.cursor.idx)] },
    };
  }

  function say(index) {
    const layer = shown[index ?? current ?? -1];
    const missing = broken.length ? `${broken.length} layers without a finite QS are not in the chart: ${broken.map((l) => l.name).join(", ")}` : "";
    now.textContent = layer ? `${layer.name} (${layer.type}): QS ${layer.qsText}, ${layer.decision}` : missing;
  }

  function draw() {
    plot?.destroy();
    plot = new uPlot(options(), columns(), holder);
    let pressed = 0;
    plot.over.addEventListener("mousedown", (event) => (pressed = event.clientX));
    plot.over.addEventListener("click", (event) => {
      const index = plot.cursor.idx;
      if (Math.abs(event.clientX - pressed) < 4 && index !== null && shown[index]) page.choose(shown[index].name, "chart");
    });
    say(null);
  }

  function order(layers, pressed) {
    shown = layers;
    current = null;
    for (const id of ["order-model", "order-size"]) document.getElementById(id).setAttribute("aria-pressed", String(id === pressed));
    draw();
  }

  holder.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      current = Math.min(Math.max((current ?? (step > 0 ? -1 : shown.length)) + step, 0), shown.length - 1);
      plot.setCursor({ left: plot.valToPos(current, "x"), top: 10 });
      say(current);
      event.preventDefault();
    } else if (event.key === "Enter" && shown[current]) page.choose(shown[current].name, "chart");
  });
  document.getElementById("order-model").addEventListener("click", () => order(inOrder, "order-model"));
  document.getElementById("order-size").addEventListener("click", () => order(bySize, "order-size"));
  document.getElementById("chart-all").addEventListener("click", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => plot && Math.abs(plot.width - holder.clientWidth) > 1 && plot.setSize({ width: holder.clientWidth, height: 320 })).observe(holder);
  draw();
})();
