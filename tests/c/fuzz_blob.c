/* libFuzzer's target for blobs: a blob of which anything was changed, with the checksums
 * made right again if its first byte asks for it. What is accepted is then used. */
#include <stdlib.h>
#include <string.h>

#include "crc32.h"
#include "ei_bert/blob.h"
#include "ei_bert/config.h"
#include "ei_bert/golden.h"
#include "ei_bert/tokenizer.h"

#define ALIGNMENT 16U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const ei_bert_blob *blob) {
  static const char text[] = "turn it off, \xc3\xa9t\xc3\xa9 \xe4\xb8\xad on offs";
  int32_t ids[EI_BERT_MAX_TOKENS];
  ei_bert_vocabulary vocabulary;
  ei_bert_task task;
  ei_bert_golden_vector vector;
  size_t place = 0;
  size_t model_bytes;
  int32_t index;
  int32_t tokens;
  uint32_t sum = 0;
  const uint8_t *model = ei_bert_blob_model(blob, &model_bytes);
  ei_bert_blob_vocabulary(blob, &vocabulary);
  ei_bert_blob_task(blob, &task);
  tokens = ei_bert_tokenize_with(&vocabulary, text, sizeof(text) - 1U, NULL, 0, ids, NULL,
                                 NULL, task.max_tokens);
  for (index = 0; index < tokens; ++index) {
    if ((uint32_t)ids[index] >= blob->vocabulary_size) {
      abort();
    }
  }
  while (ei_bert_golden_next(&task, &place, &vector) > 0) {
    sum += ei_bert_crc32(0, vector.text, vector.text_bytes);
    sum += ei_bert_crc32(0, vector.ids, 2U * vector.tokens);
    sum += ei_bert_crc32(0, vector.logits, task.classes);
  }
  for (index = -1; index < 4; ++index) {
    sum += (uint32_t)strlen(ei_bert_task_label(&task, index));
  }
  sum += model[model_bytes - 1U];
  /* So that nothing of it is left out. */
  if (sum == 0xFFFFFFFFU) {
    abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const ei_bert_blob *chosen;
  uint8_t *slot;
  if (size < 1U) {
    return 0;
  }
  slot = aligned_alloc(ALIGNMENT, (size + 2U * ALIGNMENT) / ALIGNMENT * ALIGNMENT);
  if (slot == NULL) {
    return 0;
  }
  /* The blob ends where the memory does. */
  size -= 1U;
  size -= size % ALIGNMENT;
  memcpy(slot, data + 1, size);
  if ((data[0] & 1U) != 0U && size >= sizeof(ei_bert_blob)) {
    ei_bert_blob *blob = (ei_bert_blob *)(void *)slot;
    if (blob->blob_bytes <= size && blob->blob_bytes >= sizeof(*blob)) {
      blob->content_crc32 =
          ei_bert_crc32(0, slot + sizeof(*blob), blob->blob_bytes - sizeof(*blob));
    }
    blob->header_crc32 = ei_bert_crc32(0, blob, offsetof(ei_bert_blob, header_crc32));
  }
  if (ei_bert_blob_check(slot, size) == EI_BERT_OK) {
    use((const ei_bert_blob *)(const void *)slot);
  }
  if (ei_bert_blob_select(slot, size, slot, size, &chosen) != EI_BERT_OK &&
      chosen != NULL) {
    abort();
  }
  free(slot);
  return 0;
}
