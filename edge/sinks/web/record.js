// Readings that are recorded at a touch, and what was recorded.
"use strict";

function recording(record) {
  $("recording").hidden = !record;
  if (!record) return;
  $("record").textContent = word(record.on ? "stop" : "start");
  $("record").setAttribute("aria-pressed", record.on);
  $("recorded").textContent = record.error || (record.file ? word("kept", record.file, record.count) : "");
}

$("record").onclick = async () => {
  const on = $("record").getAttribute("aria-pressed") !== "true";
  const answer = await post("/record", { on });
  if (answer && answer.ok) numbers(await answer.json());
  if ($("kept").open) list();
};

// What was recorded, asked for when somebody looks.
async function list() {
  const files = await fetch("/records").then((answer) => (answer.ok ? answer.json() : []), () => []);
  $("records").replaceChildren(...files.map(({ name, bytes }) => {
    const item = made("li"), link = made("a", "", name);
    link.href = `/records/${name}`;
    link.download = name;
    item.append(link, made("span", "", bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`));
    return item;
  }), ...(files.length ? [] : [made("li", "", word("norecords"))]));
}

$("kept").ontoggle = () => { if ($("kept").open) list(); };
