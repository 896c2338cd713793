/* What is known of a model beside its weights and its vocabulary. */
#ifndef EI_BERT_TASK_H_
#define EI_BERT_TASK_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of flags. */
#define EI_BERT_FLAG_PAIR 1U       /* classifies pairs of texts */
#define EI_BERT_FLAG_REGRESSION 2U /* gives a value and no class */
/* Which code points the tokenizer's tables know: 0 all, 1 latin, 2 ascii. */
#define EI_BERT_FLAG_UNICODE_SHIFT 8

/* An operator of the model. */
typedef struct {
  uint32_t code;    /* tflite::BuiltinOperator */
  uint32_t version; /* the highest one */
  uint32_t types;   /* bit n: a tensor of tflite::TensorType n goes in or comes out */
} ei_bert_operator;

typedef struct {
  uint32_t flags;
  uint32_t max_tokens;
  uint32_t classes; /* 1 for regression */
  float temperature;       /* divides the logits before the softmax */
  float unknown_threshold; /* a text whose probability is below it is unknown; 0 for none */
  uint32_t operator_count;
  const ei_bert_operator *operators;
  const char *names;  /* of the classes, each with its NUL, one behind the other */
  size_t names_bytes;
  const uint8_t *golden; /* golden.h */
  size_t golden_bytes;
} ei_bert_task;

/* Of the model that was exported with this firmware. */
extern const ei_bert_task ei_bert_model_task;

/* The name of a class, "" if there is none of that number. */
const char *ei_bert_task_label(const ei_bert_task *task, int32_t label);

#ifdef __cplusplus
}
#endif

#endif /* EI_BERT_TASK_H_ */
