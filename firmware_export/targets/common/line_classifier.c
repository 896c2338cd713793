#include "line_classifier.h"

#include <string.h>

/* Numbers are written by hand: printf of small C libraries leaves out floats. */
#define FRACTION 10000U
#define FRACTION_DIGITS 4
#define LARGEST_VALUE 4294967040.0f
#define NUMBER_BYTES 16

EI_BERT_ARENA(arena);

static struct {
  line_classifier_write write;
  char line[LINE_CLASSIFIER_BYTES];
  size_t bytes;
  int is_too_long;
  char last;
} session;

static void write_digits(uint32_t number, int least_digits) {
  char text[NUMBER_BYTES];
  char *next = text + NUMBER_BYTES - 1;
  *next = '\0';
  do {
    *--next = (char)('0' + (char)(number % 10U));
    number /= 10U;
    --least_digits;
  } while (number != 0U || least_digits > 0);
  session.write(next);
}

static void write_integer(int32_t number) {
  uint32_t size = (uint32_t)number;
  if (number < 0) {
    session.write("-");
    size = 0U - size;
  }
  write_digits(size, 1);
}

static void write_decimal(float value) {
  const float size = value < 0.0f ? -value : value;
  uint32_t whole;
  uint32_t fraction;
  if (!(size < LARGEST_VALUE)) {
    session.write("out of range");
    return;
  }
  whole = (uint32_t)size;
  fraction = (uint32_t)((size - (float)whole) * (float)FRACTION + 0.5f);
  if (fraction >= FRACTION) {
    ++whole;
    fraction -= FRACTION;
  }
  if (value < 0.0f && (whole != 0U || fraction != 0U)) {
    session.write("-");
  }
  write_digits(whole, 1);
  session.write(".");
  write_digits(fraction, FRACTION_DIGITS);
}

static void write_remark(const char *what, const char *text) {
  session.write("# ");
  session.write(what);
  session.write(text);
}

static void write_difference(const ei_bert_self_test_report *report) {
  static const char *const kinds[] = {"nothing", "tokens", "ids", "logits", "label"};
  session.write(": vector ");
  write_integer(report->first_vector);
  session.write(", ");
  session.write(kinds[report->first_kind]);
  session.write(" at ");
  write_integer(report->first_index);
  session.write(": ");
  write_integer(report->expected);
  session.write(" expected, ");
  write_integer(report->found);
  session.write(" found");
}

int32_t line_classifier_begin(line_classifier_write write, const ei_bert_blob *blob) {
  ei_bert_self_test_report report;
  int32_t status;
  session.write = write;
  if (blob == NULL) {
    status = ei_bert_init(arena, sizeof(arena));
  } else {
    status = ei_bert_init_blob(blob, arena, sizeof(arena));
  }
  write_remark(blob == NULL ? "model: " : "blob: ", ei_bert_status_text(status));
  session.write("\n");
  if (status != EI_BERT_OK) {
    return status;
  }
  status = ei_bert_self_test(&report);
  write_remark("self test: ", ei_bert_status_text(status));
  if (status == EI_BERT_OK) {
    session.write(", vectors: ");
    write_integer(report.vectors);
  } else if (status == EI_BERT_DIFFERENT && report.first_vector >= 0) {
    write_difference(&report);
  }
  session.write("\n# arena: ");
  write_digits((uint32_t)ei_bert_arena_used_bytes(), 1);
  session.write(" of ");
  write_digits((uint32_t)sizeof(arena), 1);
  session.write(" bytes in use\n");
  return status;
}

static void answer(void) {
  const char *pair = NULL;
  size_t text_bytes = session.bytes;
  size_t pair_bytes = 0;
  ei_bert_result result;
  int32_t status;
#if EI_BERT_PAIR
  const char *tab = (const char *)memchr(session.line, '\t', session.bytes);
  if (tab != NULL) {
    text_bytes = (size_t)(tab - session.line);
    pair = tab + 1;
    pair_bytes = session.bytes - text_bytes - 1U;
  }
#endif
  status = ei_bert_classify(session.line, text_bytes, pair, pair_bytes, &result);
  if (status != EI_BERT_OK) {
    write_remark(ei_bert_status_text(status), "\n");
    return;
  }
#if EI_BERT_REGRESSION
  write_decimal(result.value);
#else
  session.write(ei_bert_label(result.label));
  session.write("\t");
  write_decimal(result.probability);
  if (result.unknown) {
    session.write("\tunknown");
  }
#endif
  session.write("\n");
}

void line_classifier_take(char byte) {
  const char last = session.last;
  session.last = byte;
  if (byte == '\n' && last == '\r') {
    return;
  }
  if (byte != '\n' && byte != '\r') {
    if (session.bytes < LINE_CLASSIFIER_BYTES) {
      session.line[session.bytes++] = byte;
    } else {
      session.is_too_long = 1;
    }
    return;
  }
  if (session.is_too_long) {
    write_remark("the line is too long; accepted bytes: ", "");
    write_digits(LINE_CLASSIFIER_BYTES, 1);
    session.write("\n");
  } else {
    answer();
  }
  session.bytes = 0;
  session.is_too_long = 0;
}
