#include "ei_bert/task.h"

#include <string.h>

const char *ei_bert_task_label(const ei_bert_task *task, int32_t label) {
  const char *name = task->names;
  const char *end = task->names + task->names_bytes;
  for (; label > 0 && name < end; --label) {
    name += strlen(name) + 1U;
  }
  return label == 0 && name < end ? name : "";
}
