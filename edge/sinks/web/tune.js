// Settings that may be changed while the run goes on.
"use strict";

const TUNES = {  // from, to, step
  unsure: [0, 0.95, 0.01], min_face: [24, 400, 1], smooth: [0, 3, 0.05], neighbors: [1, 12, 1], every: [1, 60, 1], quality: null,
};
let touched = "", measured = 0;  // the setting under a finger; until when the smallest face is drawn
let offered = "";  // names of the rows: a run that comes back may have others

function tune(tuning) {
  $("tuning").hidden = !tuning;
  if (!tuning) return;
  const names = Object.keys(tuning.now);
  if (offered !== names.join()) {
    offered = names.join();
    $("settings").replaceChildren(...names.map(setting));
    speak($("settings"));
  }
  for (const [name, value] of Object.entries(tuning.now)) if (name !== touched) put(name, value);
  $("typed").hidden = $("restore").hidden = !tuning.typed;
  $("typed").lastElementChild.textContent = tuning.typed;
  $("restore").onclick = () => change(tuning.start);
}

// One row: what it is called, its value, what it does.
function setting(name) {
  const label = made("label"), input = document.createElement("input"), range = TUNES[name];
  const said = made("span"), why = made("small");
  [said.dataset.word, why.dataset.word] = [name, `${name}_why`];
  input.id = `tune-${name}`;
  label.append(said);
  if (range) {
    input.type = "range";
    [input.min, input.max, input.step] = range;
    label.append(document.createElement("output"), input, why);
  } else {
    input.type = "checkbox";
    label.append(input, why);
  }
  const read = () => (range ? Number(input.value) : input.checked);
  const let_go = () => { if (touched === name) touched = ""; };
  input.oninput = () => {
    touched = name;
    if (name === "min_face") measured = performance.now() + 3000;
    write(input, read());
  };
  input.onchange = async () => {
    await change({ [name]: read() });
    let_go();
  };
  // Who drags a slider away and back changes nothing, and is told so by no change.
  input.onpointerup = input.onblur = () => setTimeout(let_go, 1000);
  return label;
}

// A value of the run: also one that the slider has no place for.
function put(name, value) {
  const input = $(`tune-${name}`);
  if (input.type === "checkbox") input.checked = value;
  else {
    input.max = Math.max(TUNES[name][1], value);
    input.value = value;
  }
  write(input, value);
}

function write(input, value) {
  if (input.type === "range") input.previousElementSibling.textContent = value.toLocaleString(lang);
}

async function change(changes) {
  const answer = await post("/tune", changes);
  if (answer && answer.ok) numbers(await answer.json());
}

// The smallest face that is looked for, in the middle of the picture.
function smallest(width, height) {
  const input = $("tune-min_face");
  if (!input || performance.now() > measured) return [];
  const side = Number(input.value), box = document.createElementNS(SVG, "rect");
  const sides = { x: (width - side) / 2, y: (height - side) / 2, width: side, height: side, stroke: "#fff", "stroke-dasharray": "3 4" };
  for (const [name, value] of Object.entries(sides)) box.setAttribute(name, value);
  box.id = "smallest";
  return [box];
}
