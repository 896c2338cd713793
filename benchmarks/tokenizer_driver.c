/* Tokenizes a file of texts and says how long it took.
 *
 * usage: tokenizer_driver TEXTS IDS MAX_TOKENS
 * TEXTS: of each text its bytes as uint32, then the bytes. IDS: MAX_TOKENS int32 a text.
 * Prints the texts and the seconds of processor time that tokenizing took.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ei_bert/tokenizer.h"

static char *read_file(const char *path, size_t *bytes) {
  FILE *file = fopen(path, "rb");
  char *content;
  long size;
  if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
    return NULL;
  }
  rewind(file);
  *bytes = (size_t)size;
  content = malloc(*bytes + 1U);
  if (content == NULL || fread(content, 1, *bytes, file) != *bytes) {
    return NULL;
  }
  fclose(file);
  return content;
}

static uint32_t length_at(const char *place) {
  const unsigned char *bytes = (const unsigned char *)place;
  return bytes[0] | ((uint32_t)bytes[1] << 8) | ((uint32_t)bytes[2] << 16) |
         ((uint32_t)bytes[3] << 24);
}

int main(int count, char **arguments) {
  size_t bytes = 0;
  size_t place;
  size_t texts = 0;
  size_t max_tokens;
  char *content;
  int32_t *ids;
  int32_t *next;
  clock_t start;
  clock_t end;
  FILE *output;
  if (count != 4) {
    return 2;
  }
  content = read_file(arguments[1], &bytes);
  max_tokens = (size_t)strtoul(arguments[3], NULL, 10);
  if (content == NULL) {
    return 1;
  }
  for (place = 0; place < bytes; place += 4U + length_at(content + place)) {
    ++texts;
  }
  ids = malloc(texts * max_tokens * sizeof(*ids) + 1U);
  if (ids == NULL) {
    return 1;
  }
  next = ids;
  start = clock();
  for (place = 0; place < bytes; place += 4U + length_at(content + place)) {
    if (ei_bert_tokenize(content + place + 4, length_at(content + place), NULL, 0, next,
                         NULL, NULL, max_tokens) < 0) {
      return 1;
    }
    next += max_tokens;
  }
  end = clock();
  output = fopen(arguments[2], "wb");
  if (output == NULL ||
      fwrite(ids, sizeof(*ids), texts * max_tokens, output) != texts * max_tokens ||
      fclose(output) != 0) {
    return 1;
  }
  printf("%lu %.6f\n", (unsigned long)texts, (double)(end - start) / CLOCKS_PER_SEC);
  free(ids);
  free(content);
  return 0;
}
