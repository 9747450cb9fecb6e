"use strict";
// The panel with all that is known of the chosen layer, and the layer that the address names.
(() => {
  const { element, pill } = page;
  const panel = document.getElementById("details");

  function link(text, section) {
    const made = element("a", { text });
    made.href = section;
    made.addEventListener("click", (event) => {
      event.preventDefault();
      document.querySelector(section).scrollIntoView();
    });
    return made;
  }

  page.follow((layer, by) => {
    const pairs = [["type", layer.type], ["path", layer.path], ["written in", layer.source], ...layer.facts];
    if (layer.qs !== null) pairs.push(["QS", layer.qsText]);
    if (layer.bits) pairs.push(["bits", `weights and activations ${layer.bits}`]);
    pairs.push(...layer.details);
    const list = element("dl");
    if (layer.why.length) list.append(element("dt", { text: "why" }), element("dd", {}, layer.why.map((text) => element("p", { text }))));
    if (layer.overridden.length) list.append(element("dt", { text: "overridden" }), element("dd", {}, layer.overridden.map((text) => element("p", { text }))));
    for (const [word, text] of pairs) if (text) list.append(element("dt", { text: word }), element("dd", { text }));
    panel.replaceChildren(element("h3", { text: layer.name }), ...(layer.decision ? [pill(layer.decision)] : []), list, link("Show in the table", "#layers"));
    if (by === "table" || by === "chart") document.getElementById("graph").scrollIntoView({ block: "nearest" });
  });

  page.ready.then(() => {
    const named = /^#layer=(.*)$/.exec(location.hash);
    if (named) {
      try {
        page.choose(decodeURIComponent(named[1]), "address");
      } catch (error) {
        if (!(error instanceof URIError)) throw error;
      }
    }
    document.documentElement.dataset.ready = "yes";
  });
})();
