import { Tensor, loadAndCompile, loadLiteRt } from "@litertjs/core";

import { WordPiece } from "./wordpiece.js";

// The variant without relaxed SIMD, whose results would depend on the processor.
const RUNTIME = "./runtime/core/wasm/litert_wasm_compat_internal.js";

/** The model of this folder, with its tokenizer, run by LiteRT.js. */
export class Classifier {
  #model;
  #tokenizer;

  /**
   * @param {object} task what task.json holds
   * @param {string[]} pieces the vocabulary in id order
   * @param {string[]} labels the classes in id order, none for a regression
   * @param {object} tables what unicode.json holds
   * @param {object} model a CompiledModel of LiteRT.js
   */
  constructor(task, pieces, labels, tables, model) {
    this.task = task;
    this.pieces = pieces;
    this.labels = labels;
    this.#tokenizer = new WordPiece(pieces, tables);
    this.#model = model;
  }

  /** Loads what lies beside the page. @returns {Promise<Classifier>} */
  static async open() {
    const [task, tables, pieces, labels] = await Promise.all([
      fetched("task.json").then((response) => response.json()),
      fetched("unicode.json").then((response) => response.json()),
      fetched("vocab.txt").then(lines),
      fetched("labels.txt").then(lines),
      loadLiteRt(RUNTIME),
    ]);
    const model = await loadAndCompile("./model.tflite", { accelerator: "wasm" });
    return new Classifier(task, pieces, labels, tables, model);
  }

  /**
   * @param {string} text
   * @param {?string} pair null for a model of single texts
   * @returns {Promise<object>} `label` and `probabilities` in class order, null for a
   *   regression; `unknown`: whether the likeliest class is below the task's threshold;
   *   `value`, null for a classification; `logits`; `ids` without padding;
   *   `tokenization_ms` and `inference_ms`
   */
  async classify(text, pair) {
    const start = performance.now();
    const { ids, boundary } = this.#tokenizer.encode(text, pair, this.task.max_tokens);
    const tokenized = performance.now();
    const logits = await this.#logits(ids, boundary);
    const times = {
      tokenization_ms: tokenized - start,
      inference_ms: performance.now() - tokenized,
    };
    const answer = { label: null, probabilities: null, unknown: false, value: null };
    Object.assign(answer, { logits, ids }, times);
    if (!this.labels.length) return { ...answer, value: logits[0] };
    const probabilities = softmax(logits.map((logit) => logit / this.task.temperature));
    const largest = Math.max(...probabilities);
    const unknown = largest < this.task.unknown_threshold;
    const label = unknown
      ? this.task.unknown_label
      : this.labels[probabilities.indexOf(largest)];
    return { ...answer, label, probabilities, unknown };
  }

  async #logits(ids, boundary) {
    const places = Array.from({ length: this.task.max_tokens }, (_, place) => place);
    const rows = {
      ids: places.map((place) => ids[place] ?? 0),
      mask: places.map((place) => +(place < ids.length)),
    };
    if (this.task.pair) {
      rows.segment_ids = rows.mask.map((mask, place) => +(mask && place >= boundary));
    }
    const inputs = {};
    for (const [name, row] of Object.entries(rows)) {
      inputs[name] = new Tensor(Int32Array.from(row), [1, row.length]);
    }
    const { logits } = await this.#model.run(inputs);
    const values = [...logits.toTypedArray()];
    for (const tensor of [logits, ...Object.values(inputs)]) tensor.delete();
    return values;
  }
}

async function fetched(name) {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name}: status ${response.status}`);
  return response;
}

async function lines(response) {
  return (await response.text()).split("\n").slice(0, -1);
}

function softmax(values) {
  const largest = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
