// Settings that may be changed while the run goes on.
"use strict";

const TUNES = {  // from, to, step
  unsure: [0, 0.95, 0.01], min_face: [24, 400, 1], smooth: [0, 3, 0.05], neighbors: [1, 12, 1], every: [1, 60, 1], quality: null,
};
let touched = null, measured = 0;  // the setting under a finger; until when the smallest face is drawn

function tune(tuning) {
  $("tuning").hidden = !tuning;
  if (!tuning) return;
  if (!$("settings").children.length) $("settings").append(...Object.keys(tuning.now).map(setting));
  for (const [name, value] of Object.entries(tuning.now)) {
    const input = $(`tune-${name}`);
    if (name === touched) continue;
    if (input.type === "checkbox") input.checked = value;
    else { input.max = Math.max(input.max, value); input.value = value; }
    valued(input);
  }
  $("typed").hidden = $("restore").hidden = !tuning.typed;
  $("typed").lastElementChild.textContent = tuning.typed;
  $("restore").onclick = () => change(tuning.start);
}

// One row: what it is called, its value, what it does.
function setting(name) {
  const label = made("label"), input = document.createElement("input"), range = TUNES[name];
  input.id = `tune-${name}`;
  label.append(made("span", "", word(name)));
  if (range) {
    input.type = "range";
    [input.min, input.max, input.step] = range;
    label.append(document.createElement("output"), input);
  } else {
    input.type = "checkbox";
    label.append(input);
  }
  label.append(made("small", "", word(`${name}_why`)));
  input.oninput = () => {
    touched = name;
    if (name === "min_face") measured = performance.now() + 3000;
    valued(input);
  };
  input.onchange = async () => {
    await change({ [name]: range ? Number(input.value) : input.checked });
    touched = null;
  };
  return label;
}

function valued(input) {
  if (input.type === "range") input.previousElementSibling.textContent = Number(input.value).toLocaleString(lang);
}

async function change(changes) {
  const answer = await post("/tune", changes);
  if (answer && answer.ok) numbers(await answer.json());
}

// The smallest face that is looked for, in the middle of the picture.
function smallest(width, height) {
  const side = Number($("tune-min_face").value), box = document.createElementNS(SVG, "rect");
  const sides = { x: (width - side) / 2, y: (height - side) / 2, width: side, height: side, stroke: "#fff", "stroke-dasharray": "3 4" };
  for (const [name, value] of Object.entries(sides)) box.setAttribute(name, value);
  box.id = "smallest";
  return box;
}
