#include <stdio.h>

#include "ei_bert/config.h"
#include "ei_bert/golden.h"
#include "ei_bert/status.h"

int main(void) {
  int32_t ids[EI_BERT_MAX_TOKENS];
  ei_bert_self_test_report report;
  const int32_t status = ei_bert_self_test_tokenizer(ids, &report);
  printf("%s, vectors: %d\n", ei_bert_status_text(status), (int)report.vectors);
  return status == EI_BERT_OK ? 0 : 1;
}
