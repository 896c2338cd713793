/* On the board: the tokenizer's golden ids, the blob in flash and broken ones in RAM and,
 * where TFLM is there (WITH_CLASSIFIER), the whole self test. A line for each result. */
#include <string.h>

#include "board.h"
#include "ei_bert/blob.h"
#include "ei_bert/config.h"
#include "ei_bert/golden.h"
#include "ei_bert/tokenizer.h"
#ifdef WITH_CLASSIFIER
#include "ei_bert/classifier.h"
#endif

extern const uint8_t blob_image[];
extern const uint32_t blob_image_bytes;

#define COPY_BYTES (5U << 18) /* of a blob of up to 1.25 MB */

static uint32_t copy_words[COPY_BYTES / 4U] __attribute__((aligned(16)));

static int failures;

static void expect(const char *name, int32_t expected, int32_t found) {
  board_print_number(name, found);
  if (expected != found) {
    ++failures;
    board_print_number("  expected", expected);
  }
}

static void test_tokenizer(void) {
  int32_t ids[EI_BERT_MAX_TOKENS];
  ei_bert_self_test_report report;
  int32_t tokens;
  board_mark_stack();
  tokens = ei_bert_tokenize("turn the kitchen light off", 26, NULL, 0, ids, NULL, NULL,
                            EI_BERT_MAX_TOKENS);
  board_print_number("tokenizer_stack_bytes", board_stack_bytes());
  board_start_count();
  tokens = ei_bert_tokenize("turn the kitchen light off", 26, NULL, 0, ids, NULL, NULL,
                            EI_BERT_MAX_TOKENS);
  board_print_number("tokenizer_thousands_of_instructions",
                     board_thousands_of_instructions());
  board_print_number("tokens", tokens);
  expect("tokenizer", EI_BERT_OK, ei_bert_self_test_tokenizer(ids, &report));
  board_print_number("tokenizer_vectors", report.vectors);
}

static void test_blob(void) {
  const ei_bert_blob *chosen;
  uint8_t *copy = (uint8_t *)copy_words;
  uint32_t bit;
  int32_t refused = 0;
  expect("blob", EI_BERT_OK,
         ei_bert_blob_select(blob_image, blob_image_bytes, NULL, 0, &chosen));
  if (blob_image_bytes > COPY_BYTES) {
    return;
  }
  memcpy(copy, blob_image, blob_image_bytes);
  for (bit = 0; bit < 8U * sizeof(ei_bert_blob); ++bit) {
    copy[bit / 8U] ^= (uint8_t)(1U << bit % 8U);
    refused += ei_bert_blob_select(copy, blob_image_bytes, NULL, 0, &chosen) < 0;
    copy[bit / 8U] ^= (uint8_t)(1U << bit % 8U);
  }
  expect("blob_headers_refused", 8 * (int32_t)sizeof(ei_bert_blob), refused);
  copy[blob_image_bytes - 1U] ^= 1U;
  expect("blob_content", EI_BERT_BLOB_CONTENT,
         ei_bert_blob_check(copy, blob_image_bytes));
  expect("blob_other_slot", EI_BERT_OK,
         ei_bert_blob_select(copy, blob_image_bytes, blob_image, blob_image_bytes,
                             &chosen));
  expect("blob_torn", EI_BERT_BLOB_SIZE,
         ei_bert_blob_check(blob_image, blob_image_bytes - 1U));
}

#ifdef WITH_CLASSIFIER
#if !EI_BERT_PAIR
static const char *const texts[] = {"", "turn the kitchen light off",
                                    "shares of the company fell by four percent after "
                                    "its results were worse than most investors had "
                                    "expected, and the bank said so in a long report"};
#endif

static void self_test(const char *name) {
  ei_bert_self_test_report report;
  int32_t status;
  board_mark_stack();
  status = ei_bert_self_test(&report);
  board_print_number("self_test_stack_bytes", board_stack_bytes());
  expect(name, EI_BERT_OK, status);
  board_print_number("  vectors", report.vectors);
  if (report.different != 0) {
    board_print_number("  different", report.different);
    board_print_number("  first_vector", report.first_vector);
    board_print_number("  first_kind", report.first_kind);
    board_print_number("  largest_difference", report.largest_difference);
  }
}

EI_BERT_ARENA(arena);

static void test_classifier(void) {
  int32_t status;
  board_mark_stack();
  status = ei_bert_init(arena, sizeof(arena));
  board_print_number("init_stack_bytes", board_stack_bytes());
  expect("init", EI_BERT_OK, status);
  board_print_number("arena_bytes", (int32_t)sizeof(arena));
  board_print_number("arena_used_bytes", (int32_t)ei_bert_arena_used_bytes());
  self_test("self_test");
#if !EI_BERT_PAIR
  {
    size_t index;
    ei_bert_result result;
    for (index = 0; index < sizeof(texts) / sizeof(*texts); ++index) {
      board_mark_stack();
      board_start_count();
      status = ei_bert_classify(texts[index], strlen(texts[index]), NULL, 0, &result);
      board_print_number("thousands_of_instructions",
                         board_thousands_of_instructions());
      board_print_number("  stack_bytes", board_stack_bytes());
      expect("  classify", EI_BERT_OK, status);
      board_print_text("  label", ei_bert_label(result.label));
    }
  }
#endif
  board_mark_stack();
  status = ei_bert_init_blob((const ei_bert_blob *)(const void *)blob_image, arena,
                             sizeof(arena));
  board_print_number("init_blob_stack_bytes", board_stack_bytes());
  expect("init_blob", EI_BERT_OK, status);
  self_test("self_test_blob");
}
#endif

int main(void) {
  test_tokenizer();
  test_blob();
#ifdef WITH_CLASSIFIER
  test_classifier();
#endif
  board_print_number("failures", failures);
  return failures == 0 ? 0 : 1;
}
