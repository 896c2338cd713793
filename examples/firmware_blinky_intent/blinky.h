/* What is said to the house, byte by byte, to what the house does. */
#ifndef BLINKY_H_
#define BLINKY_H_

#include <stdint.h>

#include "house.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the longest line. */
#define BLINKY_LINE_BYTES 256

/* Below this probability the house does nothing, since what was switched by mistake is
 * worse than what has to be said again. */
#define BLINKY_LEAST_PROBABILITY 0.5f

/* What a board brings: a text for people, and a switch that is set. */
typedef struct {
  void (*write)(const char *text);
  house_switch set;
} blinky_board;

/* Makes the classifier ready and runs its self test.
 *
 * Returns EI_BERT_OK or the status of what failed, which has been written then. */
int32_t blinky_begin(const blinky_board *board);

/* Takes the next byte from the serial line. CR or LF ends what was said; then the intent
 * and its probability are written, and the house obeys. */
void blinky_take(char byte);

#ifdef __cplusplus
}
#endif

#endif /* BLINKY_H_ */
