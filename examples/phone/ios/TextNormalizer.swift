import Foundation

/// Brings a text into the form in which MediaPipe's tokenizer finds the pieces that the
/// model was trained with: lower case, no accents, one space between words.
struct TextNormalizer {
  // Kinds of code points in unicode.json; what lies in no run is a letter.
  private static let letter = 0, drop = 1, barrier = 2, space = 3, alone = 4

  private let runs: [[Int]]
  private let hangul: [Int]
  private var becomes: [Int: [Int]] = [:]

  /// - Parameter tables: what phone/unicode.json of the bundle holds.
  init(tables: Data) throws {
    let lists = try JSONDecoder().decode([String: [[Int]]].self, from: tables)
    guard let runs = lists["runs"], let hangul = lists["hangul"]?.first else {
      throw CocoaError(.fileReadCorruptFile)
    }
    self.runs = runs
    self.hangul = hangul
    for row in lists["mapped"] ?? [] {
      for (place, target) in row.dropFirst().enumerated() {
        becomes[row[0] + place] = [target]
      }
    }
    for row in lists["sequences"] ?? [] {
      becomes[row[0]] = Array(row.dropFirst())
    }
  }

  func normalize(_ text: String) -> String {
    var words: [String] = []
    var word: [(code: Int, rank: Int)] = []
    var sortable = 0  // Marks move no further to the front than this.

    func endWord() {
      if !word.isEmpty { words.append(Self.string(word.map { $0.code })) }
      word = []
      sortable = 0
    }

    for scalar in text.unicodeScalars {
      for code in mapped(Int(scalar.value)) {
        let (kind, rank) = self.kind(code)
        switch kind {
        case Self.drop:
          break
        case Self.barrier:
          sortable = word.count
        case Self.space:
          endWord()
        case Self.alone:
          endWord()
          words.append(Self.string([code]))
        default:
          var place = word.count
          while rank > 0 && place > sortable && word[place - 1].rank > rank {
            place -= 1
          }
          word.insert((code, rank), at: place)
        }
      }
    }
    endWord()
    return words.joined(separator: " ")
  }

  private func mapped(_ code: Int) -> [Int] {
    if code >= hangul[0] && code <= hangul[1] {
      let place = code - hangul[0]
      let letters = [0x1100 + place / 588, 0x1161 + place % 588 / 28]
      return place % 28 == 0 ? letters : letters + [0x11A7 + place % 28]
    }
    return becomes[code] ?? [code]
  }

  /// The kind of a code point and its rank as a mark.
  private func kind(_ code: Int) -> (Int, Int) {
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      let run = runs[middle]
      if code < run[0] {
        high = middle
      } else if code > run[1] {
        low = middle + 1
      } else {
        return (run[2], run[3])
      }
    }
    return (Self.letter, 0)
  }

  private static func string(_ codes: [Int]) -> String {
    var scalars = String.UnicodeScalarView()
    scalars.append(contentsOf: codes.compactMap { Unicode.Scalar(UInt32($0)) })
    return String(scalars)
  }
}
