import { Classifier } from "./classifier.js";

const CLASSES_SHOWN = 5;
/** As many runs the medians are of. */
const RUNS = 20;

const [text, pair, status, answer] = ["text", "pair", "status", "answer"].map(element);
const runs = [];
let classifier;
// The newest text wins: what is typed while the model runs waits for it to end.
let running = false;
let waiting = false;

status.textContent = "Loading the model.";
try {
  classifier = await Classifier.open();
  introduce();
} catch (error) {
  status.textContent = `The model can't be loaded: ${error.message ?? error}`;
}

function introduce() {
  const { task, labels, pieces } = classifier;
  const kind = labels.length ? `${labels.length} classes` : "A number";
  element("about").textContent +=
    ` ${kind}, ${task.max_tokens} tokens at most, ${pieces.length} pieces.`;
  const fields = task.pair ? [text, pair] : [text];
  if (task.pair) {
    element("text-label").textContent = "First text";
    element("pair-field").hidden = false;
  }
  for (const field of fields) {
    field.disabled = false;
    field.addEventListener("input", refresh);
  }
  text.focus();
  refresh();
}

async function refresh() {
  waiting = true;
  if (running) return;
  running = true;
  try {
    while (waiting) {
      waiting = false;
      await classify();
    }
  } catch (error) {
    status.textContent = `The text can't be classified: ${error.message ?? error}`;
    status.hidden = false;
    answer.hidden = true;
  }
  running = false;
}

async function classify() {
  const isPair = classifier.task.pair;
  const empty = !text.value && !(isPair && pair.value);
  status.textContent = isPair ? "Type two texts." : "Type a text.";
  status.hidden = !empty;
  if (empty) {
    answer.hidden = true;
    return;
  }
  const found = await classifier.classify(text.value, isPair ? pair.value : null);
  runs.push(found);
  if (runs.length > RUNS) runs.shift();
  showResult(found);
  showClasses(found);
  showLatency();
  showIds(found);
  answer.hidden = false;
}

function showResult({ label, probabilities, unknown, value }) {
  const isNumber = value !== null;
  element("label").textContent = isNumber ? Number(value.toPrecision(6)) : label;
  element("number").textContent = isNumber ? "" : percent(Math.max(...probabilities));
  element("note").hidden = !unknown;
  element("note").textContent =
    "The likeliest class is below the threshold of " +
    percent(classifier.task.unknown_threshold);
}

function showClasses({ probabilities }) {
  const order = [...classifier.labels.keys()];
  order.sort((one, other) => probabilities[other] - probabilities[one]);
  const rows = order.slice(0, CLASSES_SHOWN).map((place) => {
    const filled = made("span");
    filled.style.width = `${100 * probabilities[place]}%`;
    const bar = made("div", "bar", filled);
    const share = made("span", "share", percent(probabilities[place]));
    return made("li", "", made("span", "", classifier.labels[place]), share, bar);
  });
  element("classes").replaceChildren(...rows);
}

function showLatency() {
  const tokenization = median(runs.map((run) => run.tokenization_ms));
  const inference = median(runs.map((run) => run.inference_ms));
  const total = median(runs.map((run) => run.tokenization_ms + run.inference_ms));
  element("tokenization").textContent = milliseconds(tokenization);
  element("inference").textContent = milliseconds(inference);
  element("total").textContent = milliseconds(total);
  element("runs").textContent = `the last ${runs.length}`;
}

function showIds({ ids }) {
  element("token-count").textContent = `${ids.length} tokens`;
  const rows = ids.map((id) =>
    made("li", "", `${classifier.pieces[id]} `, made("span", "", String(id))),
  );
  element("ids").replaceChildren(...rows);
}

function element(id) {
  return document.getElementById(id);
}

function made(name, className, ...children) {
  const created = document.createElement(name);
  if (className) created.className = className;
  created.append(...children);
  return created;
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

function milliseconds(value) {
  return `${value.toFixed(1)} ms`;
}

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
