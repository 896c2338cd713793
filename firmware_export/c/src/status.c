#include "ei_bert/status.h"

const char *ei_bert_status_text(int32_t status) {
  if (status >= 0) {
    return "ok";
  }
  switch (status) {
    case EI_BERT_NULL:
      return "a pointer is NULL";
    case EI_BERT_MAX_TOKENS_RANGE:
      return "max_tokens is too small for the special tokens, or above 32767";
    case EI_BERT_NOT_READY:
      return "no call of ei_bert_init has succeeded";
    case EI_BERT_TASK:
      return "a pair for a task of single texts, or none for a task of pairs";
    case EI_BERT_INFERENCE:
      return "a kernel of TensorFlow Lite Micro failed";
    case EI_BERT_DIFFERENT:
      return "the self test found a difference";
    case EI_BERT_ARENA_ALIGNMENT:
      return "the arena's address is no multiple of 16";
    case EI_BERT_ARENA_SIZE:
      return "the arena is too small";
    case EI_BERT_MODEL_ALIGNMENT:
      return "the model's address is no multiple of 16";
    case EI_BERT_MODEL_CHECKSUM:
      return "the model's checksum is wrong";
    case EI_BERT_VOCABULARY_CHECKSUM:
      return "the vocabulary's checksum is wrong";
    case EI_BERT_MODEL_FORMAT:
      return "the model is no .tflite of the version that TensorFlow Lite Micro reads";
    case EI_BERT_MODEL_INTERFACE:
      return "the model's inputs or outputs are not the student's";
    case EI_BERT_OPERATOR:
      return "the model has an operator without a registered kernel";
    case EI_BERT_ALLOCATION:
      return "a kernel refuses the model, or the arena has too little left for it";
    case EI_BERT_BLOB_ALIGNMENT:
      return "the blob's address is no multiple of 16";
    case EI_BERT_BLOB_MAGIC:
      return "the slot holds no blob";
    case EI_BERT_BLOB_VERSION:
      return "the blob has a format that this firmware does not read";
    case EI_BERT_BLOB_HEADER:
      return "the checksum of the blob's header is wrong";
    case EI_BERT_BLOB_SIZE:
      return "the blob is longer than its slot";
    case EI_BERT_BLOB_CONTENT:
      return "the checksum of the blob's content is wrong";
    case EI_BERT_BLOB_LAYOUT:
      return "the blob's parts do not fit together";
    case EI_BERT_BLOB_OPERATORS:
      return "the blob's model has an operator that this firmware lacks";
    case EI_BERT_BLOB_TYPES:
      return "the blob's model has an operator on types that this firmware lacks";
    case EI_BERT_BLOB_CLASSES:
      return "the blob has more classes than this firmware was built for";
    case EI_BERT_BLOB_TOKENS:
      return "the blob has more tokens than this firmware was built for";
    case EI_BERT_BLOB_ARENA:
      return "the blob needs a larger arena than this firmware was built for";
    case EI_BERT_BLOB_TASK:
      return "the blob is for another kind of task or other Unicode tables";
    default:
      return "unknown status";
  }
}
