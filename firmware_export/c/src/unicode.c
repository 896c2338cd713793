#include "unicode.h"

#include <stddef.h>

#define HANGUL_FIRST 0xAC00U
#define HANGUL_VOWELS_AND_TAILS 588U
#define HANGUL_TAILS 28U
#define REPLACEMENT 0xFFFDU

/* The run that a code point lies in, or NULL. */
static const ei_bert_run *find_run(uint32_t code_point) {
  const uint32_t plane = code_point >> 16;
  const uint32_t place = code_point & 0xFFFFU;
  uint32_t first = ei_bert_unicode.plane_starts[plane];
  uint32_t end = ei_bert_unicode.plane_starts[plane + 1U];
  while (first < end) {
    const uint32_t middle = first + (end - first) / 2U;
    const ei_bert_run *run = &ei_bert_unicode.runs[middle];
    if (place < run->first) {
      end = middle;
    } else if (place > run->last) {
      first = middle + 1U;
    } else {
      return run;
    }
  }
  return NULL;
}

static void ascii_character(uint32_t code_point, ei_bert_character *character) {
  const uint8_t found = ei_bert_ascii[code_point];
  character->code_point = found & 0x7FU;
  character->rank = 0;
  if (found == 0U) {
    character->kind = EI_BERT_DROP;
  } else if (found == 0x20U) {
    character->kind = EI_BERT_SPACE;
  } else {
    character->kind = (found & 0x80U) != 0U ? EI_BERT_ALONE : EI_BERT_KEEP;
  }
}

/* The character of a code point that becomes no other one. */
static void settled(uint32_t code_point, ei_bert_character *character) {
  const ei_bert_run *run;
  if (code_point < 0x80U) {
    ascii_character(code_point, character);
    return;
  }
  run = find_run(code_point);
  character->code_point = code_point;
  character->kind = EI_BERT_KEEP;
  character->rank = 0;
  if (run != NULL && run->kind <= EI_BERT_MARK) {
    character->kind = run->kind;
    character->rank = (uint8_t)run->argument;
  }
}

uint32_t ei_bert_normalize(uint32_t code_point,
                           ei_bert_character characters[EI_BERT_MOST_CHARACTERS]) {
  const ei_bert_run *run;
  uint32_t place;
  uint32_t count;
  uint32_t index;
  if (code_point < 0x80U) {
    ascii_character(code_point, characters);
    return 1U;
  }
  run = find_run(code_point);
  characters[0].code_point = code_point;
  characters[0].kind = EI_BERT_KEEP;
  characters[0].rank = 0;
  if (run == NULL) {
    return 1U;
  }
  place = (code_point & 0xFFFFU) - run->first;
  switch (run->kind) {
    case EI_BERT_ALTERNATE:
      if (place % 2U != 0U) {
        return 1U;
      }
      /* fall through */
    case EI_BERT_SHIFT:
      characters[0].code_point = (code_point & ~(uint32_t)0xFFFFU) |
                                 ((code_point + run->argument) & 0xFFFFU);
      return 1U;
    case EI_BERT_LIST:
      settled(ei_bert_unicode.narrow[run->argument + place], &characters[0]);
      return 1U;
    case EI_BERT_WIDE:
      settled(ei_bert_unicode.wide[run->argument + place], &characters[0]);
      return 1U;
    case EI_BERT_SEQUENCE:
      count = ei_bert_unicode.wide[run->argument];
      for (index = 0; index < count; ++index) {
        settled(ei_bert_unicode.wide[run->argument + 1U + index], &characters[index]);
      }
      return count;
    case EI_BERT_HANGUL:
      place = code_point - HANGUL_FIRST;
      count = place % HANGUL_TAILS == 0U ? 2U : 3U;
      for (index = 0; index < count; ++index) {
        characters[index].kind = EI_BERT_KEEP;
        characters[index].rank = 0;
      }
      characters[0].code_point = 0x1100U + place / HANGUL_VOWELS_AND_TAILS;
      characters[1].code_point =
          0x1161U + place % HANGUL_VOWELS_AND_TAILS / HANGUL_TAILS;
      characters[2].code_point = 0x11A7U + place % HANGUL_TAILS;
      return count;
    default:
      characters[0].kind = run->kind;
      characters[0].rank = (uint8_t)(run->kind == EI_BERT_MARK ? run->argument : 0U);
      return 1U;
  }
}

uint32_t ei_bert_decode_utf8(const uint8_t *text, uint32_t bytes,
                             uint32_t *code_point) {
  const uint32_t lead = text[0];
  uint32_t lowest = 0x80U; /* of the second byte: no overlong forms, no surrogates */
  uint32_t highest = 0xBFU;
  uint32_t length;
  uint32_t found;
  uint32_t index;
  *code_point = REPLACEMENT;
  if (lead < 0x80U) {
    *code_point = lead;
    return 1U;
  }
  if (lead < 0xC2U || lead > 0xF4U) {
    return 1U;
  }
  if (lead < 0xE0U) {
    length = 2U;
    found = lead & 0x1FU;
  } else if (lead < 0xF0U) {
    length = 3U;
    found = lead & 0x0FU;
    if (lead == 0xE0U) {
      lowest = 0xA0U;
    } else if (lead == 0xEDU) {
      highest = 0x9FU;
    }
  } else {
    length = 4U;
    found = lead & 0x07U;
    if (lead == 0xF0U) {
      lowest = 0x90U;
    } else if (lead == 0xF4U) {
      highest = 0x8FU;
    }
  }
  for (index = 1U; index < length; ++index) {
    if (index == bytes || text[index] < lowest || text[index] > highest) {
      return index;
    }
    found = (found << 6) | (text[index] & 0x3FU);
    lowest = 0x80U;
    highest = 0xBFU;
  }
  *code_point = found;
  return length;
}
