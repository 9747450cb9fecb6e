"use strict";
// The data of the page, and the one thing its parts share: which layer is chosen.
// Texts come from files. They reach the document through textContent alone, never as markup.
const page = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byName = new Map(data.layers.map((layer) => [layer.name, layer]));
  const followers = [];
  let chosen = null;
  let isReady;
  const ready = new Promise((resolve) => (isReady = resolve));

  const special = { inf: Infinity, "-inf": -Infinity, nan: NaN };
  for (const layer of data.layers) {
    layer.number = typeof layer.qs === "string" ? special[layer.qs] : layer.qs;
    layer.words = [layer.name, layer.path, layer.type, layer.decision, layer.source, ...layer.why, ...layer.overridden]
      .join("\n")
      .toLowerCase();
  }

  /** An element with a class, a text, or children. */
  function element(tag, options = {}, children = []) {
    const made = document.createElement(tag);
    if (options.text !== undefined) made.textContent = options.text;
    if (options.className) made.className = options.className;
    made.append(...children);
    return made;
  }

  const marks = { quantized: "■", float: "◇", removed: "×" };
  /** The decision as a sign, a word and a colour. */
  function pill(decision) {
    return element("span", { className: `pill ${decision}`, text: `${marks[decision] ?? ""} ${decision}` });
  }

  /** Choose a layer; every part that follows is told, with what was done to choose it. */
  function choose(name, by) {
    if (!byName.has(name)) return;
    chosen = name;
    history.replaceState(null, "", `#layer=${encodeURIComponent(name)}`);
    for (const follow of followers) follow(byName.get(name), by);
  }

  return {
    data,
    byName,
    element,
    pill,
    choose,
    ready,
    isReady,
    follow: (callback) => followers.push(callback),
    chosen: () => chosen,
    colour: (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim(),
    isMeasured: (layer) => Number.isFinite(layer.number),
  };
})();
