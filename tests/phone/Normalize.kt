// usage: Normalize UNICODE_JSON <TEXTS >NORMALIZED, both JSON lists of strings.
import java.io.File
import org.json.JSONArray

fun main(arguments: Array<String>) {
    val normalizer = TextNormalizer(File(arguments[0]).readText())
    val texts = JSONArray(System.`in`.readBytes().toString(Charsets.UTF_8))
    val found = JSONArray()
    for (number in 0 until texts.length()) {
        found.put(normalizer.normalize(texts.getString(number)))
    }
    System.out.write(found.toString().toByteArray())
    System.out.flush()
}
