/* A model with its vocabulary, labels, calibration and golden vectors as one block of
 * bytes that lies in a flash partition of its own, is read in place, and can be replaced
 * in the field without the firmware.
 *
 * The header is this struct, in little-endian order; then come the sections, each at a
 * multiple of 16, with zeros between them. A blob's address is a multiple of 16.
 *
 *   offset bytes
 *        0     8  magic                "EIBERT\r\n"
 *        8     4  format_version       1
 *       12     4  header_bytes         256
 *       16     4  blob_bytes           of header and sections
 *       20     4  sequence             of two valid blobs the larger one is newer
 *       24     4  content_crc32        of all bytes behind the header
 *       28     4  flags                as in task.h
 *       32    32  model_sha256
 *       64     4  max_tokens           \
 *       68     4  classes               | what the firmware has to have been built for
 *       72     4  arena_bytes          /
 *       76     4  temperature          IEEE 754
 *       80     4  unknown_threshold    IEEE 754
 *       84    20  trie_nodes, trie_continuation, unknown_id, classification_id,
 *                 separator_id
 *      104     4  vocabulary_size      all ids are below it
 *      108    72  sections             offset from the blob's start and bytes of each
 *      180    72  zeros
 *      252     4  header_crc32         of the 252 bytes before it
 *
 * The checksums are CRC-32 as in zlib.
 */
#ifndef EI_BERT_BLOB_H_
#define EI_BERT_BLOB_H_

#include <stddef.h>
#include <stdint.h>

#include "ei_bert/status.h"
#include "ei_bert/task.h"
#include "ei_bert/vocabulary.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EI_BERT_BLOB_FORMAT 1U

/* Numbers of the sections. */
#define EI_BERT_BLOB_MODEL 0         /* the .tflite */
#define EI_BERT_BLOB_TRIE_LABELS 1   /* the fields of ei_bert_vocabulary */
#define EI_BERT_BLOB_TRIE_GROUPS 2
#define EI_BERT_BLOB_TRIE_STARTS 3
#define EI_BERT_BLOB_TRIE_IDS 4
#define EI_BERT_BLOB_OPERATOR_LIST 5 /* ei_bert_operator each */
#define EI_BERT_BLOB_NAMES 6         /* of the classes, each with its NUL */
#define EI_BERT_BLOB_GOLDEN 7        /* golden.h */
#define EI_BERT_BLOB_NOTE 8          /* UTF-8 for people, such as a version; not read */
#define EI_BERT_BLOB_SECTIONS 9

typedef struct {
  uint32_t offset;
  uint32_t bytes;
} ei_bert_blob_section;

typedef struct {
  uint8_t magic[8];
  uint32_t format_version;
  uint32_t header_bytes;
  uint32_t blob_bytes;
  uint32_t sequence;
  uint32_t content_crc32;
  uint32_t flags;
  uint8_t model_sha256[32];
  uint32_t max_tokens;
  uint32_t classes;
  uint32_t arena_bytes;
  float temperature;
  float unknown_threshold;
  uint32_t trie_nodes;
  uint32_t trie_continuation;
  uint32_t unknown_id;
  uint32_t classification_id;
  uint32_t separator_id;
  uint32_t vocabulary_size;
  ei_bert_blob_section sections[EI_BERT_BLOB_SECTIONS];
  uint8_t zeros[72];
  uint32_t header_crc32;
} ei_bert_blob;

/* Checks a slot: whether it holds a whole blob, and whether this firmware can run it.
 *
 * slot: its first byte, or NULL if there is none. bytes: its size; a blob may be shorter.
 * All bytes of the blob are read once for the checksum.
 *
 * Returns EI_BERT_OK, then the slot's address is that of an ei_bert_blob, or the first
 * thing that is wrong. */
int32_t ei_bert_blob_check(const void *slot, size_t bytes);

/* Chooses between two slots: the newer of the blobs that ei_bert_blob_check accepts, slot
 * A's if both have one sequence number. So a torn, a corrupt or an incompatible one in one
 * slot leaves the other in charge. The older one's content is read only when the newer
 * one is refused.
 *
 * Returns EI_BERT_OK and the blob in *chosen, or NULL there and what is wrong with slot A,
 * with slot B where there is no slot A. */
int32_t ei_bert_blob_select(const void *slot_a, size_t a_bytes, const void *slot_b,
                            size_t b_bytes, const ei_bert_blob **chosen);

/* Views of a checked blob; what they point to lies in it. */
void ei_bert_blob_vocabulary(const ei_bert_blob *blob, ei_bert_vocabulary *vocabulary);
void ei_bert_blob_task(const ei_bert_blob *blob, ei_bert_task *task);
const uint8_t *ei_bert_blob_model(const ei_bert_blob *blob, size_t *bytes);

#ifdef __cplusplus
}
#endif

#endif /* EI_BERT_BLOB_H_ */
