/* What the functions return: 0 or a number of tokens, or one of these. */
#ifndef EI_BERT_STATUS_H_
#define EI_BERT_STATUS_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EI_BERT_OK 0

/* Of any call. */
#define EI_BERT_NULL (-1)       /* a pointer that has to point somewhere is NULL */
#define EI_BERT_MAX_TOKENS_RANGE (-2) /* max_tokens has no room for the special tokens, or is
                                         above 32,767 */
#define EI_BERT_NOT_READY (-3)  /* no call of init has succeeded before */
#define EI_BERT_TASK (-4)       /* a pair for a task of single texts, or none for one of pairs */
#define EI_BERT_INFERENCE (-5)  /* a kernel failed; TFLM's log says which */
#define EI_BERT_DIFFERENT (-6)  /* the self test found something else than it expects */

/* Of init. */
#define EI_BERT_ARENA_ALIGNMENT (-16)     /* the arena's address is no multiple of 16 */
#define EI_BERT_ARENA_SIZE (-17)          /* it is less than EI_BERT_ARENA_LEAST_BYTES */
#define EI_BERT_MODEL_ALIGNMENT (-18)     /* the model's address is no multiple of 16 */
#define EI_BERT_MODEL_CHECKSUM (-19)      /* the model's bytes are not those exported */
#define EI_BERT_VOCABULARY_CHECKSUM (-20) /* nor are the vocabulary's */
#define EI_BERT_MODEL_FORMAT (-21)        /* no .tflite of the version that TFLM reads */
#define EI_BERT_MODEL_INTERFACE (-22)     /* inputs or outputs are not the student's */
#define EI_BERT_OPERATOR (-23)            /* the model has an operator without a kernel */
#define EI_BERT_ALLOCATION (-24)          /* a kernel refuses the model, or asks for more memory
                                             than the arena has left; TFLM's log says which */

/* Of a blob. */
#define EI_BERT_BLOB_ALIGNMENT (-32) /* its address is no multiple of 16 */
#define EI_BERT_BLOB_MAGIC (-33)     /* no blob, as in a slot that was erased */
#define EI_BERT_BLOB_VERSION (-34)   /* of a format that this firmware does not read */
#define EI_BERT_BLOB_HEADER (-35)    /* the header's checksum is wrong */
#define EI_BERT_BLOB_SIZE (-36)      /* it is longer than its slot */
#define EI_BERT_BLOB_CONTENT (-37)   /* the checksum of what follows the header is wrong */
#define EI_BERT_BLOB_LAYOUT (-38)    /* its parts don't fit together */
/* A whole blob, which needs more than this firmware was built for. */
#define EI_BERT_BLOB_OPERATORS (-39) /* an operator, or a version of one */
#define EI_BERT_BLOB_TYPES (-40)     /* an operator on other types */
#define EI_BERT_BLOB_CLASSES (-41)   /* more classes than EI_BERT_CLASSES */
#define EI_BERT_BLOB_TOKENS (-42)    /* more tokens than EI_BERT_MAX_TOKENS */
#define EI_BERT_BLOB_ARENA (-43)     /* more than EI_BERT_ARENA_HOST_BYTES */
#define EI_BERT_BLOB_TASK (-44)      /* pairs, regression or Unicode tables differ */

/* What a status means, for a log; never NULL. */
const char *ei_bert_status_text(int32_t status);

#ifdef __cplusplus
}
#endif

#endif /* EI_BERT_STATUS_H_ */
