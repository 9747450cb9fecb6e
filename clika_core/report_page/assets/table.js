"use strict";
// The table of layers: it draws only the rows in sight, so that thousands of layers scroll as ten do.
(() => {
  const { data, element, pill } = page;
  const lines = (texts, className) => texts.map((text) => element("div", { text, className }));

  function nameCell(cell) {
    const layer = cell.getData();
    const button = element("button", { className: "layer", text: layer.name });
    button.type = "button";
    return element("div", {}, [button, element("span", { className: "path", text: layer.path })]);
  }
  function whyCell(cell) {
    const layer = cell.getData();
    const overridden = layer.overridden.map((text) => `overridden: ${text}`);
    return element("div", {}, [...lines(layer.why), ...lines(overridden, "overridden")]);
  }
  const text = (field) => (cell) => document.createTextNode(cell.getData()[field]);
  const counted = (field) => (cell) => document.createTextNode(cell.getData()[field] ? cell.getData()[field].toLocaleString("en") : "–");
  /** Numbers by size; what is no number before them, what is infinite after. */
  const rank = (value) => (value === null || value === undefined ? -2 : Number.isNaN(value) ? Infinity : value);
  const inOrder = (one, two, direction) => (one.getData().position - two.getData().position) * (direction === "desc" ? -1 : 1);
  const byNumber = (field) => (a, b, one, two, column, direction) => rank(one.getData()[field]) - rank(two.getData()[field]) || inOrder(one, two, direction);
  const natural = new Intl.Collator("en", { numeric: true });
  const byText = (a, b) => natural.compare(a, b);
  const causes = (layer) => [...layer.why, ...layer.overridden].join("\n");

  const columns = [
    { title: "#", field: "position", width: 58, hozAlign: "right", responsive: 4, sorter: "number", formatter: text("position") },
    { title: "Layer", field: "name", minWidth: 170, widthGrow: 3, responsive: 0, sorter: byText, formatter: nameCell },
    { title: "Type", field: "type", minWidth: 128, widthGrow: 1, responsive: 3, sorter: byText, formatter: text("type") },
    data.has_decisions && { title: "Decision", field: "decision", width: 128, responsive: 0, sorter: byText, formatter: (cell) => pill(cell.getData().decision) },
    data.has_decisions && { title: "Why", field: "why", minWidth: 220, widthGrow: 5, responsive: 2, sorter: (a, b, one, two) => byText(causes(one.getData()), causes(two.getData())), formatter: whyCell },
    data.has_sensitivity && { title: "QS", field: "number", width: 92, hozAlign: "right", responsive: 1, sorter: byNumber("number"), formatter: text("qsText") },
    { title: "MACs", field: "macs", width: 126, hozAlign: "right", responsive: 5, sorter: byNumber("macs"), formatter: counted("macs"), headerTooltip: "multiply-accumulates for the example inputs" },
    { title: "Weight bytes", field: "bytes", width: 142, hozAlign: "right", responsive: 6, sorter: byNumber("bytes"), formatter: counted("bytes"), headerTooltip: "as traced, before quantization" },
  ].filter(Boolean);
  for (const column of columns) Object.assign(column, { headerSortTristate: false, resizable: false });

  /** The columns for which there is no room, below the row. */
  function collapsed(found) {
    const list = element("dl");
    for (const { title, value } of found) {
      const shown = element("dd", {}, [value instanceof Node ? value : String(value)]);
      if (shown.textContent && shown.textContent !== "–") list.append(element("dt", { text: title }), shown);
    }
    return list.childElementCount ? list : "";
  }

  const table = new Tabulator("#table", {
    data: data.layers,
    index: "position",
    columns,
    layout: "fitColumns",
    maxHeight: "75vh",
    responsiveLayout: "collapse",
    responsiveLayoutCollapseStartOpen: true,
    responsiveLayoutCollapseFormatter: collapsed,
    placeholder: "No layer fits the search.",
    printAsHtml: true,
    printStyled: false,
    printRowRange: "active",
    rowFormatter: (row) => row.getElement().classList.toggle("chosen", row.getData().name === page.chosen()),
  });

  const count = document.getElementById("count");
  const fields = { search: document.getElementById("search"), decision: document.getElementById("decision"), type: document.getElementById("type") };
  function filter() {
    const words = fields.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    table.setFilter((layer) => (!fields.decision?.value || layer.decision === fields.decision.value) && (!fields.type.value || layer.type === fields.type.value) && words.every((word) => layer.words.includes(word)));
  }
  const tell = (number) => (count.textContent = number === data.layers.length ? `${number} layers` : `${number} of ${data.layers.length} layers`);

  table.on("dataFiltered", (_, rows) => tell(rows.length));
  table.on("rowClick", (_, row) => page.choose(row.getData().name, "table"));
  table.on("tableBuilt", () => {
    tell(data.layers.length);
    for (const column of table.getColumns()) {
      const header = column.getElement();
      header.tabIndex = 0;
      header.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        table.setSort(column.getField(), header.getAttribute("aria-sort") === "ascending" ? "desc" : "asc");
      });
    }
    for (const field of Object.values(fields)) for (const event of ["input", "change"]) field?.addEventListener(event, filter);
    page.follow((layer, by) => {
      for (const row of table.getRows("visible")) row.reformat();
      if (by !== "table") table.scrollToRow(layer.position, "center", false).catch(() => {});
    });
    page.isReady();
  });
})();
