#include "ei_bert/golden.h"

#include "ei_bert/status.h"
#include "ei_bert/tokenizer.h"

#define LENGTHS_BYTES 8U
#define NO_PAIR 0xFFFFU

static uint32_t number16(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | ((uint32_t)bytes[1] << 8);
}

int ei_bert_golden_next(const ei_bert_task *task, size_t *place,
                        ei_bert_golden_vector *vector) {
  const uint8_t *next = task->golden + *place;
  size_t left = task->golden_bytes - *place;
  size_t needed;
  if (left == 0U) {
    return 0;
  }
  if (left < LENGTHS_BYTES) {
    return -1;
  }
  vector->text_bytes = number16(next);
  vector->pair_bytes = number16(next + 2);
  vector->tokens = number16(next + 4);
  vector->label = number16(next + 6);
  next += LENGTHS_BYTES;
  left -= LENGTHS_BYTES;
  vector->pair = NULL;
  vector->text = (const char *)next;
  if (vector->pair_bytes == NO_PAIR) {
    vector->pair_bytes = 0;
  } else {
    vector->pair = vector->text + vector->text_bytes;
  }
  needed = vector->text_bytes + vector->pair_bytes;
  needed += 2U * vector->tokens + task->classes;
  if (needed > left || vector->tokens > task->max_tokens) {
    return -1;
  }
  vector->ids = next + vector->text_bytes + vector->pair_bytes;
  vector->logits = (const int8_t *)(vector->ids + 2U * vector->tokens);
  *place = (size_t)(next - task->golden) + needed;
  return 1;
}

void ei_bert_self_test_begin(ei_bert_self_test_report *report) {
  report->vectors = 0;
  report->different = 0;
  report->first_vector = -1;
  report->first_kind = EI_BERT_SELF_TEST_NOTHING;
  report->first_index = 0;
  report->expected = 0;
  report->found = 0;
  report->largest_difference = 0;
}

void ei_bert_self_test_differs(ei_bert_self_test_report *report, int32_t kind,
                               int32_t index, int32_t expected, int32_t found) {
  ++report->different;
  if (report->first_vector < 0) {
    report->first_vector = report->vectors - 1;
    report->first_kind = kind;
    report->first_index = index;
    report->expected = expected;
    report->found = found;
  }
}

int32_t ei_bert_self_test_end(const ei_bert_self_test_report *report, int read) {
  const int is_right = read == 0 && report->vectors > 0 && report->different == 0;
  return is_right ? EI_BERT_OK : EI_BERT_DIFFERENT;
}

int ei_bert_self_test_ids(const ei_bert_golden_vector *vector, const int32_t *ids,
                          int32_t tokens, ei_bert_self_test_report *report) {
  size_t index;
  if (tokens != (int32_t)vector->tokens) {
    ei_bert_self_test_differs(report, EI_BERT_SELF_TEST_TOKENS, 0,
                              (int32_t)vector->tokens, tokens);
    return 0;
  }
  for (index = 0; index < vector->tokens; ++index) {
    const int32_t expected = (int32_t)number16(vector->ids + 2U * index);
    if (ids[index] != expected) {
      ei_bert_self_test_differs(report, EI_BERT_SELF_TEST_IDS, (int32_t)index, expected,
                                ids[index]);
      return 0;
    }
  }
  return 1;
}

int32_t ei_bert_self_test_tokenizer(int32_t *ids, ei_bert_self_test_report *report) {
  const ei_bert_task *task = &ei_bert_model_task;
  ei_bert_self_test_report own;
  ei_bert_golden_vector vector;
  size_t place = 0;
  int read;
  if (ids == NULL) {
    return EI_BERT_NULL;
  }
  if (report == NULL) {
    report = &own;
  }
  ei_bert_self_test_begin(report);
  while ((read = ei_bert_golden_next(task, &place, &vector)) > 0) {
    const int32_t tokens =
        ei_bert_tokenize(vector.text, vector.text_bytes, vector.pair, vector.pair_bytes,
                         ids, NULL, NULL, task->max_tokens);
    ++report->vectors;
    (void)ei_bert_self_test_ids(&vector, ids, tokens, report);
  }
  return ei_bert_self_test_end(report, read);
}
