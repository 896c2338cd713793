// usage: normalize UNICODE_JSON <TEXTS >NORMALIZED, both JSON lists of strings.
import Foundation

let tables = try Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1]))
let normalizer = try TextNormalizer(tables: tables)
let texts = try JSONDecoder().decode(
  [String].self, from: FileHandle.standardInput.readDataToEndOfFile())
FileHandle.standardOutput.write(try JSONEncoder().encode(texts.map(normalizer.normalize)))
