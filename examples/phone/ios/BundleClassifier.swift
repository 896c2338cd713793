import Foundation
import MediaPipeTasksText

/// Classifies texts with model.tflite and unicode.json of a bundle's phone folder, which
/// lie in the app's resources.
final class BundleClassifier {
  private let normalizer: TextNormalizer
  private let classifier: TextClassifier

  init(resources: Bundle = .main) throws {
    guard let model = resources.path(forResource: "model", ofType: "tflite"),
      let tables = resources.url(forResource: "unicode", withExtension: "json")
    else {
      throw CocoaError(.fileNoSuchFile)
    }
    normalizer = try TextNormalizer(tables: Data(contentsOf: tables))
    classifier = try TextClassifier(modelPath: model)
  }

  /// The likeliest class with its probability, nil where the text is unknown.
  func classify(_ text: String) throws -> ResultCategory? {
    try classifier.classify(text: normalizer.normalize(text))
      .classificationResult.classifications.first?.categories.first
  }
}
