// The page: asks for one picture after the other, and draws what was read over it.
"use strict";

const UNSURE = "unsure", SPAN = 180, STEP = 0.5, CARDS = 8, SVG = "http://www.w3.org/2000/svg";
const faces = new Map();  // number -> {samples, seen, card, ...}

let lang = document.documentElement.lang;
try { lang = localStorage.getItem("edgefer-lang") || lang; } catch { /* no storage */ }
if (!(lang in WORDS)) lang = "en";
let socket = null, retry = 500, status = "off", last = null, clock = 0, painted = 0, refusal = null, told = null;

const word = (name, ...rest) => WORDS[lang][name].replace(/\{(\d)\}/g, (_, i) => rest[i]);
const named = (pair) => pair[lang === "ko" ? 1 : 0];
const percent = (share) => `${Math.round(100 * share)}%`;
const sure = (face) => (face.emotion[0] === UNSURE ? "" : percent(face.confidence));  // 30% behind "unsure" would mislead

function speak(root = document) {
  for (const element of root.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
}

function translate() {
  document.documentElement.lang = lang;
  speak();
  $("lang").textContent = word("other");
  $("lang").lang = lang === "ko" ? "en" : "ko";
  for (const face of faces.values()) { speak(face.card); fill(face); }
  $("refusal").textContent = refusal ? word(...refusal) : "";
  say(status);
  if (last) show(last);
  if (told) numbers(told);
}

function say(name) {
  status = name;
  const shown = name === "on" && told && told.blind ? "blind" : name;
  $("state").textContent = word(shown === "on" && last && last.blur ? "covered" : shown);
  $("state").className = shown;
}

// One picture is on its way at a time: the next is asked for when this one is drawn.
function connect() {
  if (socket) return;
  const own = socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
  own.binaryType = "arraybuffer";
  own.onmessage = async (event) => {
    try {
      await (typeof event.data === "string" ? news(JSON.parse(event.data)) : picture(event.data, own));
    } catch (error) {
      console.error(error);
    }
    requestAnimationFrame(() => { if (own.readyState === WebSocket.OPEN) own.send("next"); });
  };
  own.onopen = () => { retry = 500; say("on"); $("main").hidden = false; $("enter").hidden = true; };
  own.onclose = async () => {
    socket = null;
    say("off");
    $("waiting").hidden = false;
    const why = await fetch("/live").then((answer) => answer.status, () => 0);
    if (why === 401 || why === 429) return ask();
    if (why === 503) say("full");
    setTimeout(connect, retry);
    retry = Math.min(2 * retry, 8000);
  };
}

function ask() {
  say("locked");
  $("main").hidden = true;
  $("enter").hidden = false;
  $("token").focus();
}

function news(text) {
  if (text.history) {
    clear();
    for (const [time, number, en, ko, share] of text.history) remember(number, time, [en, ko], share);
  }
  clock = text.time;
  if (text.fps === 0) { $("waiting").hidden = false; }
  numbers(text);
  lines();
}

async function picture(data, from) {
  const size = new DataView(data).getUint32(0);
  const about = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, size)));
  const image = await createImageBitmap(new Blob([new Uint8Array(data, 4 + size)], { type: "image/jpeg" }));
  if (from !== socket) return image.close();  // of a run that is over: its clock is not this one's
  const canvas = $("picture");
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
  }
  canvas.getContext("2d").drawImage(image, 0, 0);
  image.close();
  $("waiting").hidden = true;
  clock = about.time;
  for (const face of about.faces) {
    const entry = remember(face.face, about.time, face.emotion, face.confidence);
    entry.seen = about.time;
    entry.now = face;
  }
  show(about);
  numbers(about);
  if (performance.now() - painted > 250) lines();
}

function show(about) {
  last = about;
  const overlay = $("boxes"), [width, height] = about.size;
  overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const unit = Math.max(width / Math.max(1, overlay.clientWidth), height / Math.max(1, overlay.clientHeight));
  overlay.replaceChildren(...about.faces.flatMap((face) => {
    const [x, y, w, h] = face.box, text = document.createElementNS(SVG, "text");
    const box = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ x, y, width: w, height: h, rx: 4 * unit, stroke: color(face.emotion) })) {
      box.setAttribute(name, value);
    }
    if (face.emotion[0] === UNSURE) box.setAttribute("stroke-dasharray", "7 5");
    text.textContent = `${named(face.emotion)} ${face.flaw ? `(${named(face.flaw)})` : sure(face)}`.trim();
    text.setAttribute("x", Math.max(2 * unit, x));
    text.setAttribute("y", y > 22 * unit ? y - 7 * unit : Math.max(0, y) + 19 * unit);
    text.setAttribute("font-size", 16 * unit);
    text.setAttribute("stroke-width", 4 * unit);
    return [box, text];
  }), ...smallest(width, height));
  for (const face of faces.values()) fill(face);
}

function numbers(now) {
  if (told && now.time < told.time) return;  // it was on its way when something newer came
  told = now;
  if (status === "on") say("on");
  for (const name of ["fps", "frames", "dropped", "lost", "watchers", "latency", "temperature"]) {
    $(name).textContent = told[name] ?? "–";
  }
  $("hot").hidden = told.temperature === null;
  warn(told.warnings);
  compare(told.shadow);
  recording(told.record);
  tune(told.tuning);
}

// The same ones are not read out again.
function warn(warnings) {
  const sentences = warnings.map(named);
  const list = $("warnings").lastElementChild, shown = [...list.children].map((item) => item.textContent);
  if (sentences.join("\n") !== shown.join("\n")) list.replaceChildren(...sentences.map((sentence) => made("li", "", sentence)));
  $("warnings").hidden = !sentences.length;
}

function compare(told) {
  $("shadow").hidden = !told;
  if (!told) return;
  const [all, text] = $("alike").children;
  all.textContent = told.faces ? alike(told) : "";
  text.textContent = told.faces ? word("alike", counted(told.agreed), counted(told.faces)) : word("nothing");
  $("agreement").replaceChildren(...told.emotions.flatMap((row) => {
    const rail = made("div", "rail"), none = row.faces ? "" : " none";
    if (row.faces) {
      rail.append(made("i"), made("i"));
      rail.firstChild.style.width = `${100 * row.agreed / row.faces}%`;
      rail.firstChild.style.background = color(row.emotion);
    }
    const count = row.faces === 1 ? word("one") : word("count", counted(row.faces));
    return [made("span", none, named(row.emotion)), rail, made("span", `share${none}`, row.faces ? alike(row) : "–"), made("span", "count", count)];
  }));
}

// Rounded down: 100% is all of them.
const alike = (told) => (told.agreed === told.faces ? "100%" : `${(Math.floor(1000 * told.agreed / told.faces) / 10).toFixed(1)}%`);
const counted = (count) => count.toLocaleString(lang);

async function post(path, body) {
  return fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).catch(() => null);
}

function made(tag, kind = "", text = "") {
  const element = document.createElement(tag);
  element.className = kind;
  element.textContent = text;
  return element;
}

function remember(number, time, emotion, share) {
  let face = faces.get(number);
  if (!face) {
    face = { number, samples: [], seen: time, now: null, card: null, bars: new Map() };
    face.card = $("card").content.cloneNode(true).firstElementChild;
    speak(face.card);
    faces.set(number, face);
    $("faces").append(face.card);
  }
  const newest = face.samples.at(-1);
  if (!newest || time - newest.time >= STEP) face.samples.push({ time, emotion, share });
  face.seen = Math.max(face.seen, time);
  return face;
}

function fill(face) {
  const at = (selector) => face.card.querySelector(selector), gone = clock - face.seen > 1.5;
  face.card.classList.toggle("gone", gone);
  at(".who").textContent = word("face", face.number);
  at(".line").setAttribute("role", "img");
  at(".line").setAttribute("aria-label", word("lineof", face.number));
  const newest = face.samples.at(-1), emotion = face.now ? face.now.emotion : newest.emotion;
  at(".dot").style.background = color(emotion);
  at(".emotion").textContent = named(emotion);
  face.card.classList.toggle("unsure", emotion[0] === UNSURE);
  const flaw = face.now && face.now.flaw;
  face.card.classList.toggle("flawed", Boolean(flaw));
  at(".flaw").textContent = flaw ? word("flaw", named(flaw)) : "";
  at(".share").textContent = sure(face.now || { emotion, confidence: newest.share });
  if (!face.now) return;
  face.now.emotions.forEach((pair, i) => {
    let bar = face.bars.get(pair[0]);
    if (!bar) {
      bar = ["span", "div", "span"].map((tag) => document.createElement(tag));
      bar[1].className = "rail";
      bar[1].append(document.createElement("i"));
      bar[2].className = "percent";
      bar[1].firstChild.style.background = color(pair);
      at(".bars").append(...bar);
      face.bars.set(pair[0], bar);
    }
    bar[0].textContent = named(pair);
    bar[1].firstChild.style.width = percent(face.now.shares[i]);
    bar[2].textContent = percent(face.now.shares[i]);
  });
}

// Time goes to the left; height is confidence, colour the emotion.
function lines() {
  painted = performance.now();
  for (const [number, face] of faces) {
    while (face.samples.length && face.samples[0].time < clock - SPAN) face.samples.shift();
    if (!face.samples.length) { face.card.remove(); faces.delete(number); }
  }
  const old = [...faces.values()].sort((a, b) => b.seen - a.seen).slice(CARDS);
  for (const face of old) { face.card.remove(); faces.delete(face.number); }
  $("nobody").hidden = !$("waiting").hidden || [...faces.values()].some((face) => clock - face.seen <= 1.5);
  // Who is here stands above who went.
  const order = [...faces.values()].sort((a, b) => (clock - a.seen > 1.5) - (clock - b.seen > 1.5) || a.number - b.number);
  order.forEach((face, i) => { if ($("faces").children[i] !== face.card) $("faces").insertBefore(face.card, $("faces").children[i] || null); });
  for (const face of order) {
    fill(face);
    const canvas = face.card.querySelector(".line"), ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.fillStyle = "#2a323d";
    for (const third of [1, 2]) pen.fillRect(Math.round(third * width / 3), 0, 1, height);
    for (const [i, sample] of face.samples.entries()) {
      const until = Math.min(face.samples[i + 1]?.time ?? clock, sample.time + 3 * STEP);
      // Whole pixels: neighbours that share one would leave a stripe.
      const at = (time) => Math.round(width * ratio * (1 - (clock - time) / SPAN)) / ratio;
      const x = at(sample.time), end = Math.max(at(until), x + 1 / ratio);
      const tall = Math.max(2, height * sample.share);  // who was seen and could not be read is there, too
      pen.fillStyle = color(sample.emotion);
      pen.fillRect(x, height - tall, end - x, tall);
    }
  }
}

function clear() {
  for (const face of faces.values()) face.card.remove();
  faces.clear();
  $("boxes").replaceChildren();
  last = told = null;
}

$("lang").onclick = () => {
  lang = lang === "ko" ? "en" : "ko";
  try { localStorage.setItem("edgefer-lang", lang); } catch { /* no storage */ }
  translate();
};

$("enter").onsubmit = async (event) => {
  event.preventDefault();
  const answer = await post("/enter", { token: $("token").value });
  if (answer && answer.ok) {
    $("token").value = "";
    refusal = null;
    connect();
  } else {
    refusal = !answer ? ["off"] : answer.status === 429 ? ["late", answer.headers.get("Retry-After")] : ["wrong"];
  }
  $("refusal").textContent = refusal ? word(...refusal) : "";
};

translate();
connect();
