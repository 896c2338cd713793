/* Golden vectors: texts, and what the host's TFLM makes of them, to be met exactly.
 *
 * They lie one behind the other as bytes, in little-endian order, each as
 *   uint16 text_bytes, uint16 pair_bytes (0xFFFF for no pair), uint16 tokens,
 *   uint16 label (0xFFFF for regression; 0x8000 is added to that of an unknown text),
 *   the text, the pair, uint16 ids[tokens], int8 logits[classes].
 */
#ifndef EI_BERT_GOLDEN_H_
#define EI_BERT_GOLDEN_H_

#include <stddef.h>
#include <stdint.h>

#include "ei_bert/task.h"
#include "ei_bert/vocabulary.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EI_BERT_GOLDEN_NO_LABEL 0xFFFFU
#define EI_BERT_GOLDEN_UNKNOWN 0x8000U

typedef struct {
  const char *text;
  size_t text_bytes;
  const char *pair; /* NULL for none */
  size_t pair_bytes;
  size_t tokens;
  const uint8_t *ids;   /* two bytes each, at any address */
  const int8_t *logits; /* [classes] */
  uint32_t label;
} ei_bert_golden_vector;

/* What differs first. */
#define EI_BERT_SELF_TEST_NOTHING 0
#define EI_BERT_SELF_TEST_TOKENS 1 /* the number of tokens */
#define EI_BERT_SELF_TEST_IDS 2
#define EI_BERT_SELF_TEST_LOGITS 3
#define EI_BERT_SELF_TEST_LABEL 4

typedef struct {
  int32_t vectors;            /* that were compared */
  int32_t different;          /* of them, those with a difference */
  int32_t first_vector;       /* the number of the first one, or -1 */
  int32_t first_kind;         /* one of EI_BERT_SELF_TEST_* */
  int32_t first_index;        /* token or class where it begins */
  int32_t expected;           /* id, logit, label or number of tokens there, */
  int32_t found;              /* and what it is instead */
  int32_t largest_difference; /* of all logits, in steps */
} ei_bert_self_test_report;

/* Reads the vector behind `*place`, 0 at first, and moves it on. Returns 1, 0 at the end,
 * and -1 where the bytes are no golden vectors. */
int ei_bert_golden_next(const ei_bert_task *task, size_t *place,
                        ei_bert_golden_vector *vector);

/* Empties a report. */
void ei_bert_self_test_begin(ei_bert_self_test_report *report);

/* Enters that something is not what it should be, the first one of a vector.
 * `vector` is its number, counted from 0. */
void ei_bert_self_test_differs(ei_bert_self_test_report *report, int32_t kind,
                               int32_t index, int32_t expected, int32_t found);

/* What the test comes to; `read` is what ei_bert_golden_next returned last. */
int32_t ei_bert_self_test_end(const ei_bert_self_test_report *report, int read);

/* Compares the ids of a vector; returns whether they are equal. */
int ei_bert_self_test_ids(const ei_bert_golden_vector *vector, const int32_t *ids,
                          int32_t tokens, ei_bert_self_test_report *report);

/* The part of the self test that needs no model: the tokenizer alone.
 *
 * ids: room for EI_BERT_MAX_TOKENS entries. report: NULL or where to report.
 * Returns 0 when all ids of the firmware's own golden vectors are equal, else
 * EI_BERT_DIFFERENT, or EI_BERT_NULL where `ids` is. */
int32_t ei_bert_self_test_tokenizer(int32_t *ids, ei_bert_self_test_report *report);

#ifdef __cplusplus
}
#endif

#endif /* EI_BERT_GOLDEN_H_ */
