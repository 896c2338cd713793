/* libFuzzer's target for the tokenizer: any bytes as a text or a pair of texts.
 *
 * The first byte is max_tokens, the second where the pair begins, in 256ths. */
#include <stdlib.h>
#include <string.h>

#include "ei_bert/tokenizer.h"

#define MOST_TOKENS 256
#define GUARD 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds) {
  if (!holds) {
    abort();
  }
}

static void run(const char *text, size_t text_bytes, const char *pair,
                size_t pair_bytes, size_t max_tokens) {
  int32_t ids[MOST_TOKENS + 1];
  int32_t mask[MOST_TOKENS + 1];
  int32_t segment_ids[MOST_TOKENS + 1];
  int32_t again[MOST_TOKENS + 1];
  size_t index;
  int32_t tokens;
  for (index = 0; index <= MOST_TOKENS; ++index) {
    ids[index] = mask[index] = segment_ids[index] = again[index] = GUARD;
  }
  tokens = ei_bert_tokenize(text, text_bytes, pair, pair_bytes, ids, mask, segment_ids,
                            max_tokens);
  check(ids[max_tokens] == GUARD && mask[max_tokens] == GUARD &&
        segment_ids[max_tokens] == GUARD);
  if (max_tokens < (pair == NULL ? 2U : 3U)) {
    check(tokens == EI_BERT_MAX_TOKENS_RANGE);
    return;
  }
  check(tokens >= 2 && (size_t)tokens <= max_tokens);
  check(ids[0] == ei_bert_model_vocabulary.classification);
  check(ids[tokens - 1] == ei_bert_model_vocabulary.separator);
  for (index = 0; index < max_tokens; ++index) {
    const int is_token = index < (size_t)tokens;
    check(mask[index] == is_token && (is_token || ids[index] == 0));
    check(segment_ids[index] == 0 || (pair != NULL && is_token));
  }
  /* The same without the outputs that may be left out. */
  check(ei_bert_tokenize(text, text_bytes, pair, pair_bytes, again, NULL, NULL,
                         max_tokens) == tokens);
  check(memcmp(ids, again, max_tokens * sizeof(*ids)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *copy;
  size_t boundary;
  if (size < 2U) {
    return 0;
  }
  /* Of exactly that size, so that a read behind it is found. */
  copy = malloc(size - 1U);
  if (copy == NULL) {
    return 0;
  }
  memcpy(copy, data + 2, size - 2U);
  boundary = (size - 2U) * data[1] / 256U;
  run(copy, size - 2U, NULL, 0, data[0]);
  run(copy, boundary, copy + boundary, size - 2U - boundary, data[0]);
  free(copy);
  return 0;
}
