/* Lines in, answers out: what the examples for all targets share.
 *
 * A line is a text, in a task of pairs `text<TAB>pair`. The answer is
 * `label<TAB>probability`, with `<TAB>unknown` behind it where the probability is below
 * the calibrated threshold, or the value of a regression. What is no answer begins with
 * `# `. */
#ifndef LINE_CLASSIFIER_H_
#define LINE_CLASSIFIER_H_

#include <stdint.h>

#include "ei_bert/classifier.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the longest line. */
#define LINE_CLASSIFIER_BYTES 1024

/* Writes a NUL-terminated text to where the answers go. */
typedef void (*line_classifier_write)(const char *text);

/* Makes the classifier ready, runs its self test and writes how that went.
 *
 * blob: what to classify with, NULL for the firmware's own model.
 * Returns EI_BERT_OK or the status of what failed. */
int32_t line_classifier_begin(line_classifier_write write, const ei_bert_blob *blob);

/* Takes the next byte of the input; CR, LF or both end a line, which is then answered. */
void line_classifier_take(char byte);

#ifdef __cplusplus
}
#endif

#endif /* LINE_CLASSIFIER_H_ */
