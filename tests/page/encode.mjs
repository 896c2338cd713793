// usage: node encode.mjs UNICODE_JSON <GIVEN >ENCODED
// GIVEN is a JSON object with `pieces`, `rows` of [text, pair or null], and `max_tokens`.
import fs from "node:fs";

import { WordPiece } from "../../firmware_export/page/wordpiece.js";

const tables = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const given = JSON.parse(fs.readFileSync(0, "utf8"));
const tokenizer = new WordPiece(given.pieces, tables);
const encoded = given.rows.map(([text, pair]) =>
  tokenizer.encode(text, pair, given.max_tokens),
);
process.stdout.write(JSON.stringify(encoded));
