"use strict";
// Losses and metrics by epoch. Lines differ in dashes too, so that they do not need colour to be told apart.
(() => {
  const holder = document.getElementById("curves");
  if (!holder) return;
  const colours = ["--bar-quantized", "--mark", "--link", "--bar-float"];
  const dashes = { training: [6, 4], evaluation: [], original: [2, 3] };
  const special = { inf: null, "-inf": null, nan: null };
  const numbers = (values) => values.map((value) => (typeof value === "string" ? special[value] : value));
  const plots = [];

  function series(line) {
    const colour = line.group === "original" ? "--grey" : colours[line.run % colours.length];
    const points = { show: line.group !== "original", size: 5 };
    return { label: line.label, stroke: () => page.colour(colour), width: 2, dash: dashes[line.group], points };
  }

  function options(chart, width) {
    const axis = { stroke: () => page.colour("--grey"), grid: { stroke: () => page.colour("--line"), width: 1 }, ticks: { stroke: () => page.colour("--line") } };
    return {
      title: chart.title,
      width,
      height: 280,
      legend: { show: true, live: true },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: false } },
      axes: [
        { ...axis, label: "epoch", labelSize: 20, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
        { ...axis, size: 64 },
      ],
      series: [{ label: "epoch" }, ...chart.lines.map(series)],
    };
  }

  const width = (part) => Math.max(part.clientWidth, 260);
  for (const chart of page.data.training) {
    const part = page.element("div", { className: "curve" });
    holder.append(part);
    const plot = new uPlot(options(chart, width(part)), [chart.epochs, ...chart.lines.map((line) => numbers(line.values))], part);
    plots.push([part, plot]);
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plots.forEach(([, plot]) => plot.redraw()));
  new ResizeObserver(() => plots.forEach(([part, plot]) => Math.abs(plot.width - width(part)) > 1 && plot.setSize({ width: width(part), height: 280 }))).observe(holder);
})();
