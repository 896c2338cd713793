#include "blinky.h"

#include <stddef.h>

#include "ei_bert/classifier.h"

#define NUMBER_BYTES 12

EI_BERT_ARENA(arena);

static struct {
  const blinky_board *board;
  house state;
  char line[BLINKY_LINE_BYTES];
  size_t bytes;
} session;

static void write_number(int number) {
  char text[NUMBER_BYTES];
  char *next = text + NUMBER_BYTES - 1;
  *next = '\0';
  do {
    *--next = (char)('0' + number % 10);
    number /= 10;
  } while (number != 0);
  session.board->write(next);
}

static void changed(house_thing thing, int value) {
  session.board->set(thing, value);
  session.board->write("  ");
  session.board->write(house_name(thing));
  session.board->write(" -> ");
  write_number(value);
  session.board->write("\n");
}

int32_t blinky_begin(const blinky_board *board) {
  ei_bert_self_test_report report;
  int32_t status = ei_bert_init(arena, sizeof(arena));
  session.board = board;
  session.bytes = 0;
  house_begin(&session.state);
  if (status == EI_BERT_OK) {
    status = ei_bert_self_test(&report);
  }
  board->write("self test: ");
  board->write(ei_bert_status_text(status));
  board->write("\n");
  return status;
}

static void answer(void) {
  ei_bert_result result;
  const int32_t status =
      ei_bert_classify(session.line, session.bytes, NULL, 0, &result);
  if (status != EI_BERT_OK) {
    session.board->write(ei_bert_status_text(status));
    session.board->write("\n");
    return;
  }
  session.board->write(ei_bert_label(result.label));
  session.board->write(" ");
  write_number((int)(100.0f * result.probability + 0.5f));
  session.board->write(" %\n");
  if (result.unknown || result.probability < BLINKY_LEAST_PROBABILITY) {
    session.board->write("  please say that again\n");
  } else if (!house_obey(&session.state, ei_bert_label(result.label), changed)) {
    session.board->write("  nothing to switch\n");
  }
}

void blinky_take(char byte) {
  if (byte != '\n' && byte != '\r') {
    /* Of a longer line, the beginning counts: the model reads no more of it. */
    if (session.bytes < BLINKY_LINE_BYTES) {
      session.line[session.bytes++] = byte;
    }
    return;
  }
  if (session.bytes > 0) {
    answer();
  }
  session.bytes = 0;
}
