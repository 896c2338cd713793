// usage: node normalize.mjs UNICODE_JSON <TEXTS >NORMALIZED, both JSON lists of strings.
import fs from "node:fs";

import { TextNormalizer } from "../../firmware_export/page/text_normalizer.js";

const tables = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const normalizer = new TextNormalizer(tables);
const texts = JSON.parse(fs.readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(texts.map((text) => normalizer.normalize(text))));
