/* A classifier without a model, for tests of what calls it: the label is the number of
 * bytes, the probability falls with them, and the value is the text read as a number. */
#include <stdlib.h>
#include <string.h>

#include "ei_bert/classifier.h"

#ifndef FAKE_INIT_STATUS
#define FAKE_INIT_STATUS EI_BERT_OK
#endif
#ifndef FAKE_SELF_TEST_STATUS
#define FAKE_SELF_TEST_STATUS EI_BERT_OK
#endif

int32_t ei_bert_init(uint8_t *arena, size_t arena_bytes) {
  if ((size_t)arena % 16U != 0U) {
    return EI_BERT_ARENA_ALIGNMENT;
  }
  if (arena_bytes < EI_BERT_ARENA_BYTES) {
    return EI_BERT_ARENA_SIZE;
  }
  return FAKE_INIT_STATUS;
}

int32_t ei_bert_init_blob(const ei_bert_blob *blob, uint8_t *arena,
                          size_t arena_bytes) {
  return blob == NULL ? EI_BERT_NULL : ei_bert_init(arena, arena_bytes);
}

int32_t ei_bert_self_test(ei_bert_self_test_report *report) {
  ei_bert_self_test_begin(report);
  report->vectors = 7;
  if (FAKE_SELF_TEST_STATUS == EI_BERT_DIFFERENT) {
    ei_bert_self_test_differs(report, EI_BERT_SELF_TEST_LOGITS, 1, -128, 127);
  }
  return FAKE_SELF_TEST_STATUS;
}

int32_t ei_bert_classify(const char *text, size_t text_bytes, const char *pair,
                         size_t pair_bytes, ei_bert_result *result) {
  char number[32] = "";
  if ((pair != NULL) != (EI_BERT_PAIR != 0)) {
    return EI_BERT_TASK;
  }
  memset(result, 0, sizeof(*result));
  memcpy(number, text, text_bytes < sizeof(number) ? text_bytes : sizeof(number) - 1U);
  result->value = strtof(number, NULL);
  result->label = (int32_t)((text_bytes + 10U * pair_bytes) % EI_BERT_CLASSES);
  result->probability = 1.0f / (1.0f + (float)text_bytes);
  result->unknown = text_bytes > 9U;
  return EI_BERT_OK;
}

const char *ei_bert_label(int32_t label) {
  return ei_bert_task_label(&ei_bert_model_task, label);
}

size_t ei_bert_arena_used_bytes(void) { return 1234; }
