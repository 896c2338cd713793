import { TextNormalizer } from "./text_normalizer.js";

const UNKNOWN = "[UNK]", START = "[CLS]", END = "[SEP]";
/** A longer word is unknown, as in the tokenizer of the training. */
const WORD_CHARACTERS = 100;

/** Uncased WordPiece, with the ids of the training's tokenizer for any text. */
export class WordPiece {
  #normalizer;
  #ids;

  /**
   * @param {string[]} pieces the vocabulary in id order
   * @param {object} tables what unicode.json holds
   */
  constructor(pieces, tables) {
    this.#normalizer = new TextNormalizer(tables);
    this.#ids = new Map(pieces.map((piece, id) => [piece, id]));
  }

  /**
   * Pairs are cut longest_first: what is longer gives first, and where both are too
   * long each gets half, the longer one the odd token.
   *
   * @param {string} text
   * @param {?string} pair null for a single text
   * @param {number} maxTokens
   * @returns {{ids: number[], boundary: number}} the ids without padding, and where the
   *   second text begins
   */
  encode(text, pair, maxTokens) {
    let first = this.#pieces(text);
    if (pair === null) {
      const ids = this.#found([START, ...first.slice(0, maxTokens - 2), END]);
      return { ids, boundary: ids.length };
    }
    let second = this.#pieces(pair);
    const room = maxTokens - 3;
    const swapped = first.length > second.length;
    let [low, high] = [first.length, second.length].sort((one, other) => one - other);
    if (low + high > room) high = Math.max(low, room - low);
    if (low + high > room) {
      low = Math.floor(room / 2);
      high = room - low;
    }
    first = first.slice(0, swapped ? high : low);
    second = second.slice(0, swapped ? low : high);
    const ids = this.#found([START, ...first, END, ...second, END]);
    return { ids, boundary: first.length + 2 };
  }

  #found(pieces) {
    return pieces.map((piece) => this.#ids.get(piece));
  }

  #pieces(text) {
    const words = this.#normalizer.normalize(text).split(" ");
    return words.flatMap((word) => this.#split([...word]));
  }

  /** The pieces of a word, always the longest that fits. */
  #split(characters) {
    if (characters.length > WORD_CHARACTERS) return [UNKNOWN];
    const pieces = [];
    let start = 0;
    while (start < characters.length) {
      let end = characters.length;
      let piece;
      for (; end > start; end -= 1) {
        piece = (start ? "##" : "") + characters.slice(start, end).join("");
        if (this.#ids.has(piece)) break;
      }
      if (end === start) return [UNKNOWN];
      pieces.push(piece);
      start = end;
    }
    return pieces;
  }
}
