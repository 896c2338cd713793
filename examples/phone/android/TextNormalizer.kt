import org.json.JSONArray
import org.json.JSONObject

/**
 * Brings a text into the form in which MediaPipe's tokenizer finds the pieces that the
 * model was trained with: lower case, no accents, one space between words.
 *
 * @param tables what phone/unicode.json of the bundle holds
 */
class TextNormalizer(tables: String) {
    private val runs: List<IntArray>
    private val becomes = HashMap<Int, IntArray>()
    private val hangul: IntArray

    init {
        val lists = JSONObject(tables)
        runs = rows(lists.getJSONArray("runs"))
        hangul = rows(lists.getJSONArray("hangul"))[0]
        for (row in rows(lists.getJSONArray("mapped"))) {
            for (place in 1 until row.size) {
                becomes[row[0] + place - 1] = intArrayOf(row[place])
            }
        }
        for (row in rows(lists.getJSONArray("sequences"))) {
            becomes[row[0]] = row.copyOfRange(1, row.size)
        }
    }

    fun normalize(text: String): String {
        val words = ArrayList<String>()
        val word = ArrayList<Pair<Int, Int>>() // Code points and their ranks as marks.
        var sortable = 0 // Marks move no further to the front than this.

        fun endWord() {
            if (word.isNotEmpty()) words.add(string(word.map { it.first }))
            word.clear()
            sortable = 0
        }

        var index = 0
        while (index < text.length) {
            val character = text.codePointAt(index)
            index += Character.charCount(character)
            for (code in mapped(character)) {
                val (kind, rank) = kind(code)
                when (kind) {
                    DROP -> {}
                    BARRIER -> sortable = word.size
                    SPACE -> endWord()
                    ALONE -> {
                        endWord()
                        words.add(string(listOf(code)))
                    }
                    else -> {
                        var place = word.size
                        while (rank > 0 && place > sortable && word[place - 1].second > rank) {
                            place -= 1
                        }
                        word.add(place, Pair(code, rank))
                    }
                }
            }
        }
        endWord()
        return words.joinToString(" ")
    }

    private fun mapped(code: Int): IntArray {
        if (code in hangul[0]..hangul[1]) {
            val place = code - hangul[0]
            val letters = intArrayOf(0x1100 + place / 588, 0x1161 + place % 588 / 28)
            return if (place % 28 == 0) letters else letters + (0x11A7 + place % 28)
        }
        return becomes[code] ?: intArrayOf(code)
    }

    /** The kind of a code point and its rank as a mark. */
    private fun kind(code: Int): Pair<Int, Int> {
        // Half of a surrogate pair is no character.
        if (code in 0xD800..0xDFFF) return Pair(DROP, 0)
        var low = 0
        var high = runs.size
        while (low < high) {
            val middle = (low + high) / 2
            val run = runs[middle]
            if (code < run[0]) {
                high = middle
            } else if (code > run[1]) {
                low = middle + 1
            } else {
                return Pair(run[2], run[3])
            }
        }
        return Pair(LETTER, 0)
    }

    private fun string(codes: List<Int>): String {
        val builder = StringBuilder()
        codes.forEach { builder.appendCodePoint(it) }
        return builder.toString()
    }

    private fun rows(lists: JSONArray): List<IntArray> =
        (0 until lists.length()).map { number ->
            val row = lists.getJSONArray(number)
            IntArray(row.length()) { row.getInt(it) }
        }

    private companion object {
        // Kinds of code points in unicode.json; what lies in no run is a letter.
        const val LETTER = 0
        const val DROP = 1
        const val BARRIER = 2
        const val SPACE = 3
        const val ALONE = 4
    }
}
