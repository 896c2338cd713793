import android.content.Context
import com.google.mediapipe.tasks.components.containers.Category
import com.google.mediapipe.tasks.text.textclassifier.TextClassifier

/**
 * Classifies texts with model.tflite and unicode.json of a bundle's phone folder, which
 * lie in the app's assets.
 */
class BundleClassifier(context: Context) : AutoCloseable {
    private val normalizer =
        TextNormalizer(context.assets.open("unicode.json").bufferedReader().readText())
    private val classifier = TextClassifier.createFromFile(context, "model.tflite")

    /** The likeliest class with its probability, null where the text is unknown. */
    fun classify(text: String): Category? =
        classifier.classify(normalizer.normalize(text))
            .classificationResult()
            .classifications()[0]
            .categories()
            .firstOrNull()

    override fun close() = classifier.close()
}
