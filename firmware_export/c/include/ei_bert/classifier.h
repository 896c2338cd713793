/* Text in, label out: the tokenizer, TensorFlow Lite Micro and the student together.
 *
 * There is one classifier, in static memory: the interpreter's object, the resolver and
 * what is known of the model, 784 bytes beside the arena for 13 operators. Its functions are not
 * to be called by two threads at once. No heap, no exceptions, no RTTI.
 *
 *   EI_BERT_ARENA(arena);
 *   ...
 *   ei_bert_result result;
 *   int32_t status = ei_bert_init(arena, sizeof(arena));
 *   if (status == EI_BERT_OK) status = ei_bert_self_test(NULL);
 *   if (status == EI_BERT_OK) status = ei_bert_classify(text, bytes, NULL, 0, &result);
 *   puts(status == EI_BERT_OK ? ei_bert_label(result.label) : ei_bert_status_text(status));
 */
#ifndef EI_BERT_CLASSIFIER_H_
#define EI_BERT_CLASSIFIER_H_

#include <stddef.h>
#include <stdint.h>

#include "ei_bert/blob.h"
#include "ei_bert/config.h"
#include "ei_bert/golden.h"
#include "ei_bert/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Defines an arena of the size that the model needs, aligned. Define
 * EI_BERT_ARENA_SECTION as an attribute to place it, for example
 * __attribute__((section(".dtcm"))). */
#ifndef EI_BERT_ARENA_SECTION
#define EI_BERT_ARENA_SECTION
#endif
#ifdef __cplusplus
#define EI_BERT_ARENA(name) \
  alignas(16) EI_BERT_ARENA_SECTION static uint8_t name[EI_BERT_ARENA_BYTES]
#else
#define EI_BERT_ARENA(name) \
  EI_BERT_ARENA_SECTION __attribute__((aligned(16))) static uint8_t name[EI_BERT_ARENA_BYTES]
#endif

typedef struct {
  int32_t label;     /* the likeliest class, of the first ones if several are; -1 for
                        regression */
  float probability; /* of that class; 0 for regression */
  float value;       /* of the regression; 0 for classes */
  int unknown;       /* 1 if the probability is below the calibrated threshold */
  int8_t logits[EI_BERT_CLASSES]; /* as the model gives them; 0 behind a blob's classes */
} ei_bert_result;

/* Checks the firmware's own model and vocabulary, and makes it ready. The checksums are of
 * these two, for accidents; the rest of the firmware is the bootloader's to check, and who
 * wrote it too.
 *
 * arena: RAM at a multiple of 16 that the classifier keeps from now on. EI_BERT_ARENA_BYTES
 *   are enough; less than EI_BERT_ARENA_LEAST_BYTES is refused.
 * Returns EI_BERT_OK or what is wrong; then the classifier is not ready. It may be called
 * again, also to go from a blob back to the firmware's own model. */
int32_t ei_bert_init(uint8_t *arena, size_t arena_bytes);

/* The same for a blob, which stays where it is. It is checked as by ei_bert_blob_select,
 * since flash can change between the two. A checksum finds what is torn or worn, not what
 * somebody has forged: authenticate a blob before it is written to its slot. */
int32_t ei_bert_init_blob(const ei_bert_blob *blob, uint8_t *arena, size_t arena_bytes);

/* Classifies a text or a pair of texts, as ei_bert_tokenize takes them.
 * Returns EI_BERT_OK or a status, upon which *result is not written. */
int32_t ei_bert_classify(const char *text, size_t text_bytes, const char *pair,
                         size_t pair_bytes, ei_bert_result *result);

/* Runs all golden vectors of the model that is ready. report: NULL or where to report.
 * Returns EI_BERT_OK if all ids, logits and labels are what the host's interpreter made of
 * them, EI_BERT_DIFFERENT if not, or another status if one could not be run. */
int32_t ei_bert_self_test(ei_bert_self_test_report *report);

/* The name of a class of the model that is ready, of the firmware's own where none is; ""
 * if it has none of that number. */
const char *ei_bert_label(int32_t label);

/* Bytes of the arena that are in use, without what kernels need for a moment: what an
 * arena can be cut down to after a look at the target. 0 before init. */
size_t ei_bert_arena_used_bytes(void);

#ifdef __cplusplus
}
#endif

#endif /* EI_BERT_CLASSIFIER_H_ */
