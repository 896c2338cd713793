import { TextNormalizer } from "./text_normalizer.js";

/**
 * Opens the model of a bundle's phone folder.
 *
 * @param {object} tasks the module @mediapipe/tasks-text
 * @param {string} wasm where the wasm folder of that package lies
 * @param {string} phone where the phone folder lies
 * @returns a function from a text to {categoryName, score}, or to undefined where the
 *   text is unknown
 */
export async function openClassifier(tasks, wasm, phone) {
  const tables = await (await fetch(`${phone}/unicode.json`)).json();
  const normalizer = new TextNormalizer(tables);
  const classifier = await tasks.TextClassifier.createFromOptions(
    await tasks.FilesetResolver.forTextTasks(wasm),
    { baseOptions: { modelAssetPath: `${phone}/model.tflite` } },
  );
  return (text) =>
    classifier.classify(normalizer.normalize(text)).classifications[0].categories[0];
}
