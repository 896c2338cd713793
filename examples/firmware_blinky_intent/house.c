#include "house.h"

#include <string.h>

#define STEP 20
#define ON 1
#define OFF 0

/* SET gives a value, STEP_BY adds to one from 0 to 100, NEXT goes round. */
typedef enum { SET, STEP_BY, NEXT } kind;

typedef struct {
  const char *intent;
  house_thing thing;
  kind what;
  int amount;
} rule;

/* An intent may have several rules: whoever asks for more light wants it on. */
static const rule rules[] = {
    {"iot_hue_lighton", HOUSE_LIGHT, SET, ON},
    {"iot_hue_lightoff", HOUSE_LIGHT, SET, OFF},
    {"iot_hue_lightup", HOUSE_LIGHT, SET, ON},
    {"iot_hue_lightup", HOUSE_BRIGHTNESS, STEP_BY, STEP},
    {"iot_hue_lightdim", HOUSE_BRIGHTNESS, STEP_BY, -STEP},
    {"iot_hue_lightchange", HOUSE_LIGHT, SET, ON},
    {"iot_hue_lightchange", HOUSE_COLOUR, NEXT, HOUSE_COLOURS},
    {"iot_wemo_on", HOUSE_SOCKET, SET, ON},
    {"iot_wemo_off", HOUSE_SOCKET, SET, OFF},
    {"iot_coffee", HOUSE_COFFEE, SET, ON},
    {"iot_cleaning", HOUSE_CLEANER, SET, ON},
    {"audio_volume_up", HOUSE_VOLUME, STEP_BY, STEP},
    {"audio_volume_down", HOUSE_VOLUME, STEP_BY, -STEP},
    {"audio_volume_mute", HOUSE_VOLUME, SET, 0},
    {"general_commandstop", HOUSE_CLEANER, SET, OFF},
    {"general_commandstop", HOUSE_COFFEE, SET, OFF},
};

static const char *const names[HOUSE_THINGS] = {"light",  "brightness", "colour", "socket",
                                                "coffee", "cleaner",    "volume"};

void house_begin(house *state) {
  memset(state, 0, sizeof(*state));
  state->values[HOUSE_BRIGHTNESS] = 60;
  state->values[HOUSE_VOLUME] = 30;
}

static int after(const rule *one, int value) {
  switch (one->what) {
    case STEP_BY:
      value += one->amount;
      return value < 0 ? 0 : value > 100 ? 100 : value;
    case NEXT:
      return (value + 1) % one->amount;
    case SET:
    default:
      return one->amount;
  }
}

int house_obey(house *state, const char *intent, house_switch changed) {
  int found = 0;
  size_t index;
  for (index = 0; index < sizeof(rules) / sizeof(*rules); ++index) {
    const rule *one = &rules[index];
    int *value = &state->values[one->thing];
    const int before = *value;
    if (strcmp(one->intent, intent) != 0) {
      continue;
    }
    found = 1;
    *value = after(one, before);
    if (*value != before) {
      changed(one->thing, *value);
    }
  }
  return found;
}

const char *house_name(house_thing thing) {
  return (unsigned)thing < HOUSE_THINGS ? names[thing] : "";
}
