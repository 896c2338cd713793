/* A house that obeys intents: a state, a table of what each intent does to it, and a
 * function that says what switched. It knows nothing of texts or models. */
#ifndef HOUSE_H_
#define HOUSE_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  HOUSE_LIGHT,      /* 0 or 1 */
  HOUSE_BRIGHTNESS, /* percent */
  HOUSE_COLOUR,     /* number of one of HOUSE_COLOURS */
  HOUSE_SOCKET,     /* 0 or 1 */
  HOUSE_COFFEE,     /* 0 or 1 */
  HOUSE_CLEANER,    /* 0 or 1 */
  HOUSE_VOLUME,     /* percent */
  HOUSE_THINGS
} house_thing;

#define HOUSE_COLOURS 4

typedef struct {
  int values[HOUSE_THINGS];
} house;

/* Told of a thing whose value has changed: here a GPIO is set. */
typedef void (*house_switch)(house_thing thing, int value);

/* Everything off, the lamp at 60 %, the speaker at 30 %. */
void house_begin(house *state);

/* Does what an intent asks for.
 *
 * intent: a label of HWU64, such as "iot_hue_lighton".
 * changed: called once for each value that is another one now.
 * Returns 1, or 0 if the intent is none of the house's; then nothing has changed. */
int house_obey(house *state, const char *intent, house_switch changed);

/* A name for people, such as "light". */
const char *house_name(house_thing thing);

#ifdef __cplusplus
}
#endif

#endif /* HOUSE_H_ */
