#include "ei_bert/blob.h"

#include <float.h>
#include <string.h>

#include "ei_bert/config.h"
#include "ei_bert/golden.h"
#include "crc32.h"
#include "trie.h"

#define ALIGNMENT 16U

static const uint8_t magic[8] = {'E', 'I', 'B', 'E', 'R', 'T', '\r', '\n'};

/* The header has the offsets that are documented. */
typedef char header_is_packed[sizeof(ei_bert_blob) == 256U ? 1 : -1];

static const uint8_t *section(const ei_bert_blob *blob, int number) {
  return (const uint8_t *)blob + blob->sections[number].offset;
}

static uint32_t section_bytes(const ei_bert_blob *blob, int number) {
  return blob->sections[number].bytes;
}

static int32_t check_header(const void *slot, size_t bytes) {
  const ei_bert_blob *blob = (const ei_bert_blob *)slot;
  if (slot == NULL) {
    return EI_BERT_NULL;
  }
  if ((uintptr_t)slot % ALIGNMENT != 0U) {
    return EI_BERT_BLOB_ALIGNMENT;
  }
  if (bytes < sizeof(*blob)) {
    return EI_BERT_BLOB_SIZE;
  }
  if (memcmp(blob->magic, magic, sizeof(magic)) != 0) {
    return EI_BERT_BLOB_MAGIC;
  }
  if (blob->format_version != EI_BERT_BLOB_FORMAT) {
    return EI_BERT_BLOB_VERSION;
  }
  if (ei_bert_crc32(0U, blob, offsetof(ei_bert_blob, header_crc32)) !=
      blob->header_crc32) {
    return EI_BERT_BLOB_HEADER;
  }
  if (blob->header_bytes != sizeof(*blob)) {
    return EI_BERT_BLOB_LAYOUT;
  }
  if (blob->blob_bytes < sizeof(*blob) || blob->blob_bytes > bytes) {
    return EI_BERT_BLOB_SIZE;
  }
  return EI_BERT_OK;
}

/* Whether the numbers of the task are such as a task can have: of a NaN no comparison
 * is true. */
static int task_makes_sense(const ei_bert_blob *blob) {
  const uint32_t special = (blob->flags & EI_BERT_FLAG_PAIR) != 0U ? 3U : 2U;
  return blob->max_tokens >= special && blob->classes != 0U &&
         blob->temperature > 0.0F && blob->temperature <= FLT_MAX &&
         blob->unknown_threshold >= 0.0F && blob->unknown_threshold <= 1.0F;
}

/* Whether the sections lie in the blob, one behind the other, and are as long as the
 * header says. */
static int sections_fit(const ei_bert_blob *blob) {
  const uint32_t nodes = blob->trie_nodes;
  uint32_t end = (uint32_t)sizeof(*blob);
  int number;
  for (number = 0; number < EI_BERT_BLOB_SECTIONS; ++number) {
    const ei_bert_blob_section *part = &blob->sections[number];
    if (part->offset % ALIGNMENT != 0U || part->offset < end ||
        part->offset > blob->blob_bytes ||
        part->bytes > blob->blob_bytes - part->offset) {
      return 0;
    }
    end = part->offset + part->bytes;
  }
  return nodes != 0U && nodes <= 0xFFFFU && blob->trie_continuation < nodes &&
         blob->vocabulary_size <= 0xFFFFU && blob->unknown_id < blob->vocabulary_size &&
         blob->classification_id < blob->vocabulary_size &&
         blob->separator_id < blob->vocabulary_size &&
         section_bytes(blob, EI_BERT_BLOB_MODEL) != 0U &&
         section_bytes(blob, EI_BERT_BLOB_GOLDEN) != 0U &&
         section_bytes(blob, EI_BERT_BLOB_OPERATOR_LIST) != 0U &&
         section_bytes(blob, EI_BERT_BLOB_TRIE_LABELS) == nodes &&
         section_bytes(blob, EI_BERT_BLOB_TRIE_GROUPS) ==
             (nodes + 31U) / 32U * sizeof(ei_bert_trie_group) &&
         section_bytes(blob, EI_BERT_BLOB_TRIE_STARTS) % 2U == 0U &&
         section_bytes(blob, EI_BERT_BLOB_TRIE_STARTS) <= 2U * 0xFFFFU &&
         section_bytes(blob, EI_BERT_BLOB_TRIE_IDS) % 2U == 0U &&
         section_bytes(blob, EI_BERT_BLOB_TRIE_IDS) <= 2U * 0xFFFFU &&
         section_bytes(blob, EI_BERT_BLOB_OPERATOR_LIST) % sizeof(ei_bert_operator) ==
             0U;
}

/* Whether there is a name for each class, each ended by its NUL. */
static int names_fit(const ei_bert_blob *blob) {
  const uint8_t *names = section(blob, EI_BERT_BLOB_NAMES);
  const uint32_t bytes = section_bytes(blob, EI_BERT_BLOB_NAMES);
  const uint32_t wanted =
      (blob->flags & EI_BERT_FLAG_REGRESSION) != 0U ? 0U : blob->classes;
  uint32_t found = 0;
  uint32_t index;
  for (index = 0; index < bytes; ++index) {
    found += names[index] == 0U ? 1U : 0U;
  }
  return found == wanted && (bytes == 0U || names[bytes - 1U] == 0U);
}

static int golden_fits(const ei_bert_blob *blob) {
  ei_bert_task task;
  ei_bert_golden_vector vector;
  size_t place = 0;
  int read;
  ei_bert_blob_task(blob, &task);
  do {
    read = ei_bert_golden_next(&task, &place, &vector);
  } while (read > 0);
  return read == 0;
}

/* Whether this firmware has the kernels of the model's operators. */
static int32_t check_operators(const ei_bert_blob *blob) {
  ei_bert_task task;
  uint32_t index;
  ei_bert_blob_task(blob, &task);
  for (index = 0; index < task.operator_count; ++index) {
    const ei_bert_operator *wanted = &task.operators[index];
    const ei_bert_operator *built = ei_bert_model_task.operators;
    const ei_bert_operator *end = built + ei_bert_model_task.operator_count;
    while (built != end && built->code != wanted->code) {
      ++built;
    }
    if (built == end || wanted->version > built->version) {
      return EI_BERT_BLOB_OPERATORS;
    }
    if ((wanted->types & ~built->types) != 0U) {
      return EI_BERT_BLOB_TYPES;
    }
  }
  return EI_BERT_OK;
}

static int32_t check_content(const ei_bert_blob *blob) {
  ei_bert_vocabulary vocabulary;
  if (ei_bert_crc32(0U, (const uint8_t *)blob + sizeof(*blob),
                    blob->blob_bytes - sizeof(*blob)) != blob->content_crc32) {
    return EI_BERT_BLOB_CONTENT;
  }
  if (!sections_fit(blob) || !task_makes_sense(blob)) {
    return EI_BERT_BLOB_LAYOUT;
  }
  if (((blob->flags ^ ei_bert_model_task.flags)) != 0U) {
    return EI_BERT_BLOB_TASK;
  }
  if (blob->classes > EI_BERT_CLASSES) {
    return EI_BERT_BLOB_CLASSES;
  }
  if (blob->max_tokens > EI_BERT_MAX_TOKENS) {
    return EI_BERT_BLOB_TOKENS;
  }
  /* Both are of the host, where no kernel asks for scratch memory. */
  if (blob->arena_bytes > EI_BERT_ARENA_HOST_BYTES) {
    return EI_BERT_BLOB_ARENA;
  }
  ei_bert_blob_vocabulary(blob, &vocabulary);
  if (!ei_bert_trie_is_sound(&vocabulary, blob->vocabulary_size) || !names_fit(blob) ||
      !golden_fits(blob)) {
    return EI_BERT_BLOB_LAYOUT;
  }
  return check_operators(blob);
}

int32_t ei_bert_blob_check(const void *slot, size_t bytes) {
  const int32_t status = check_header(slot, bytes);
  return status == EI_BERT_OK ? check_content((const ei_bert_blob *)slot) : status;
}

int32_t ei_bert_blob_select(const void *slot_a, size_t a_bytes, const void *slot_b,
                            size_t b_bytes, const ei_bert_blob **chosen) {
  const ei_bert_blob *slots[2];
  int32_t status[2];
  int newer;
  int turn;
  if (chosen == NULL) {
    return EI_BERT_NULL;
  }
  *chosen = NULL;
  slots[0] = (const ei_bert_blob *)slot_a;
  slots[1] = (const ei_bert_blob *)slot_b;
  status[0] = check_header(slot_a, a_bytes);
  status[1] = check_header(slot_b, b_bytes);
  newer = status[0] != EI_BERT_OK ||
          (status[1] == EI_BERT_OK && slots[1]->sequence > slots[0]->sequence);
  for (turn = 0; turn < 2; ++turn) {
    const int slot = newer ^ turn;
    if (status[slot] == EI_BERT_OK) {
      status[slot] = check_content(slots[slot]);
      if (status[slot] == EI_BERT_OK) {
        *chosen = slots[slot];
        return EI_BERT_OK;
      }
    }
  }
  return status[slot_a == NULL ? 1 : 0];
}

void ei_bert_blob_vocabulary(const ei_bert_blob *blob, ei_bert_vocabulary *vocabulary) {
  /* The casts are to types whose alignment divides 16. */
  const void *groups = section(blob, EI_BERT_BLOB_TRIE_GROUPS);
  const void *starts = section(blob, EI_BERT_BLOB_TRIE_STARTS);
  const void *ids = section(blob, EI_BERT_BLOB_TRIE_IDS);
  vocabulary->labels = section(blob, EI_BERT_BLOB_TRIE_LABELS);
  vocabulary->groups = (const ei_bert_trie_group *)groups;
  vocabulary->family_starts = (const uint16_t *)starts;
  vocabulary->ids = (const uint16_t *)ids;
  vocabulary->nodes = (uint16_t)blob->trie_nodes;
  vocabulary->continuation = (uint16_t)blob->trie_continuation;
  vocabulary->unknown = (uint16_t)blob->unknown_id;
  vocabulary->classification = (uint16_t)blob->classification_id;
  vocabulary->separator = (uint16_t)blob->separator_id;
  vocabulary->starts = (uint16_t)(section_bytes(blob, EI_BERT_BLOB_TRIE_STARTS) / 2U);
  vocabulary->pieces = (uint16_t)(section_bytes(blob, EI_BERT_BLOB_TRIE_IDS) / 2U);
}

void ei_bert_blob_task(const ei_bert_blob *blob, ei_bert_task *task) {
  const void *operators = section(blob, EI_BERT_BLOB_OPERATOR_LIST);
  const void *names = section(blob, EI_BERT_BLOB_NAMES);
  task->flags = blob->flags;
  task->max_tokens = blob->max_tokens;
  task->classes = blob->classes;
  task->temperature = blob->temperature;
  task->unknown_threshold = blob->unknown_threshold;
  task->operators = (const ei_bert_operator *)operators;
  task->operator_count = section_bytes(blob, EI_BERT_BLOB_OPERATOR_LIST) /
                         (uint32_t)sizeof(ei_bert_operator);
  task->names = (const char *)names;
  task->names_bytes = section_bytes(blob, EI_BERT_BLOB_NAMES);
  task->golden = section(blob, EI_BERT_BLOB_GOLDEN);
  task->golden_bytes = section_bytes(blob, EI_BERT_BLOB_GOLDEN);
}

const uint8_t *ei_bert_blob_model(const ei_bert_blob *blob, size_t *bytes) {
  *bytes = section_bytes(blob, EI_BERT_BLOB_MODEL);
  return section(blob, EI_BERT_BLOB_MODEL);
}
