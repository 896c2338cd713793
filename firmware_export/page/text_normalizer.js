/** Kinds of code points in unicode.json; what lies in no run is a letter. */
const LETTER = 0, DROP = 1, BARRIER = 2, SPACE = 3, ALONE = 4;

/**
 * Brings a text into the form in which MediaPipe's tokenizer finds the pieces that the
 * model was trained with: lower case, no accents, one space between words.
 */
export class TextNormalizer {
  #runs;
  #becomes = new Map();
  #hangul;

  /** @param {object} tables what phone/unicode.json of the bundle holds */
  constructor(tables) {
    this.#runs = tables.runs;
    this.#hangul = tables.hangul[0];
    for (const [first, ...targets] of tables.mapped) {
      targets.forEach((target, place) => this.#becomes.set(first + place, [target]));
    }
    for (const [code, ...targets] of tables.sequences) {
      this.#becomes.set(code, targets);
    }
  }

  /** @param {string} text @returns {string} */
  normalize(text) {
    const words = [];
    let word = []; // Code points and their ranks as marks.
    let sortable = 0; // Marks move no further to the front than this.
    const endWord = () => {
      if (word.length) {
        words.push(word.map(([code]) => String.fromCodePoint(code)).join(""));
      }
      word = [];
      sortable = 0;
    };
    for (const character of text) {
      for (const code of this.#mapped(character.codePointAt(0))) {
        const [kind, rank] = this.#kind(code);
        if (kind === BARRIER) {
          sortable = word.length;
        } else if (kind === SPACE) {
          endWord();
        } else if (kind === ALONE) {
          endWord();
          words.push(String.fromCodePoint(code));
        } else if (kind !== DROP) {
          let place = word.length;
          while (rank && place > sortable && word[place - 1][1] > rank) place -= 1;
          word.splice(place, 0, [code, rank]);
        }
      }
    }
    endWord();
    return words.join(" ");
  }

  #mapped(code) {
    const [first, last] = this.#hangul;
    if (code >= first && code <= last) {
      const place = code - first;
      const letters = [
        0x1100 + Math.floor(place / 588),
        0x1161 + Math.floor((place % 588) / 28),
      ];
      return place % 28 ? [...letters, 0x11a7 + (place % 28)] : letters;
    }
    return this.#becomes.get(code) ?? [code];
  }

  #kind(code) {
    // Half of a surrogate pair is no character.
    if (code >= 0xd800 && code <= 0xdfff) return [DROP, 0];
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const [first, last, kind, rank] = this.#runs[middle];
      if (code < first) high = middle;
      else if (code > last) low = middle + 1;
      else return [kind, rank];
    }
    return [LETTER, 0];
  }
}
