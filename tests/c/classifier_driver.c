/* Calls the classifier as the lines of standard input say, and prints what comes of it.
 *
 *   init ARENA_BYTES OFFSET       blob FILE ARENA_BYTES
 *   classify HEX [HEX of the pair]       self_test       label NUMBER
 *   used
 * Texts are hexadecimal digits behind a '='. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ei_bert/classifier.h"

#define LINE_BYTES 65536
#define BLOB_BYTES (4U << 20)

static uint8_t *aligned(size_t bytes) {
  uint8_t *memory = malloc(bytes + 32U);
  if (memory == NULL) {
    exit(2);
  }
  return memory + (16U - (uintptr_t)memory % 16U) % 16U;
}

static size_t bytes_of(const char *word, char *bytes) {
  size_t count = 0;
  unsigned value;
  for (++word; sscanf(word, "%2x", &value) == 1; word += 2) {
    bytes[count++] = (char)value;
  }
  return count;
}

static void classify(const char *text_word, const char *pair_word) {
  static char text[LINE_BYTES];
  static char pair[LINE_BYTES];
  ei_bert_result result;
  const size_t text_bytes = bytes_of(text_word, text);
  const size_t pair_bytes = pair_word == NULL ? 0U : bytes_of(pair_word, pair);
  const int32_t status = ei_bert_classify(
      text, text_bytes, pair_word == NULL ? NULL : pair, pair_bytes, &result);
  int index;
  if (status != EI_BERT_OK) {
    puts(ei_bert_status_text(status));
    return;
  }
  printf("%d %.9g %.9g %d", (int)result.label, (double)result.probability,
         (double)result.value, result.unknown);
  for (index = 0; index < EI_BERT_CLASSES; ++index) {
    printf(" %d", result.logits[index]);
  }
  putchar('\n');
}

static void self_test(void) {
  ei_bert_self_test_report report;
  const int32_t status = ei_bert_self_test(&report);
  printf("%s,%d,%d,%d,%d,%d,%d,%d,%d\n", ei_bert_status_text(status),
         (int)report.vectors, (int)report.different, (int)report.first_vector,
         (int)report.first_kind, (int)report.first_index, (int)report.expected,
         (int)report.found, (int)report.largest_difference);
}

static int32_t init_blob(const char *path, size_t arena_bytes) {
  uint8_t *blob = aligned(BLOB_BYTES);
  FILE *file = fopen(path, "rb");
  if (file == NULL || fread(blob, 1, BLOB_BYTES, file) == 0U) {
    exit(2);
  }
  (void)fclose(file);
  return ei_bert_init_blob((const ei_bert_blob *)(void *)blob, aligned(arena_bytes),
                           arena_bytes);
}

int main(void) {
  static char line[LINE_BYTES];
  while (fgets(line, sizeof(line), stdin) != NULL) {
    const char *verb = strtok(line, " \n");
    const char *first = strtok(NULL, " \n");
    const char *second = strtok(NULL, " \n");
    if (strcmp(verb, "init") == 0) {
      const size_t bytes = (size_t)atol(first);
      puts(ei_bert_status_text(ei_bert_init(aligned(bytes) + atol(second), bytes)));
    } else if (strcmp(verb, "blob") == 0) {
      puts(ei_bert_status_text(init_blob(first, (size_t)atol(second))));
    } else if (strcmp(verb, "classify") == 0) {
      classify(first, second);
    } else if (strcmp(verb, "self_test") == 0) {
      self_test();
    } else if (strcmp(verb, "label") == 0) {
      puts(ei_bert_label(atoi(first)));
    } else {
      printf("%lu\n", (unsigned long)ei_bert_arena_used_bytes());
    }
  }
  return 0;
}
