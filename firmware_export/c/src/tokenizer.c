#include "ei_bert/tokenizer.h"

#include <string.h>

#include "trie.h"
#include "unicode.h"

/* A longer word is unknown, as in the reference. */
#define WORD_CHARACTERS 100U
/* A character of a word: code point in the low bits, rank of a mark above them. */
#define RANK_SHIFT 24
#define CODE_POINT(character) ((character) & 0xFFFFFFU)
#define LARGEST_MAX_TOKENS 32767U

typedef struct {
  const ei_bert_vocabulary *vocabulary;
  int32_t *ids; /* pieces go here, */
  size_t room;  /* as many as this; further ones are only counted */
  size_t count;
  uint32_t length; /* of the word, in characters; above WORD_CHARACTERS it is too long */
  uint32_t sorted; /* marks move no further to the front than this */
  int foreign;     /* the word holds what was not exported */
  uint32_t word[WORD_CHARACTERS];
} reader;

static void put(reader *self, int32_t id) {
  if (self->count < self->room) {
    self->ids[self->count] = id;
  }
  ++self->count;
}

/* The node behind a code point's UTF-8, or 0. */
static uint32_t step(const ei_bert_vocabulary *vocabulary, uint32_t node,
                     uint32_t code_point) {
  uint32_t shift;
  if (code_point < 0x80U) {
    return ei_bert_trie_child(vocabulary, node, (uint8_t)code_point);
  }
  if (code_point < 0x800U) {
    shift = 6U;
    node = ei_bert_trie_child(vocabulary, node, (uint8_t)(0xC0U | (code_point >> 6)));
  } else if (code_point < 0x10000U) {
    shift = 12U;
    node = ei_bert_trie_child(vocabulary, node, (uint8_t)(0xE0U | (code_point >> 12)));
  } else {
    shift = 18U;
    node = ei_bert_trie_child(vocabulary, node, (uint8_t)(0xF0U | (code_point >> 18)));
  }
  while (node != 0U && shift != 0U) {
    shift -= 6U;
    node = ei_bert_trie_child(vocabulary, node,
                              (uint8_t)(0x80U | ((code_point >> shift) & 0x3FU)));
  }
  return node;
}

/* Puts the pieces of the word, always the longest that fits; [UNK] if none does. */
static void put_word(reader *self) {
  const ei_bert_vocabulary *vocabulary = self->vocabulary;
  const size_t before = self->count;
  const uint32_t length = self->length;
  const int whole = length <= WORD_CHARACTERS && !self->foreign;
  uint32_t start = 0;
  if (length == 0U) {
    self->foreign = 0;
    return;
  }
  self->length = 0;
  self->sorted = 0;
  self->foreign = 0;
  while (whole && start < length) {
    uint32_t node = start == 0U ? 0U : vocabulary->continuation;
    uint32_t index = start;
    uint32_t end = start;
    int32_t found = -1;
    if (start == 0U || node != 0U) {
      do {
        int32_t id;
        node = step(vocabulary, node, CODE_POINT(self->word[index]));
        if (node == 0U) {
          break;
        }
        ++index;
        id = ei_bert_trie_id(vocabulary, node);
        if (id >= 0) {
          found = id;
          end = index;
        }
      } while (index < length);
    }
    if (found < 0) {
      break;
    }
    put(self, found);
    start = end;
  }
  if (!whole || start < length) {
    self->count = before;
    put(self, vocabulary->unknown);
  }
}

/* Adds a character to the word; a mark goes before marks of a higher rank. */
static void add(reader *self, const ei_bert_character *character) {
  const uint32_t rank = character->rank;
  uint32_t place = self->length;
  if (place >= WORD_CHARACTERS) {
    self->length = WORD_CHARACTERS + 1U;
    return;
  }
  if (rank != 0U) {
    while (place > self->sorted && (self->word[place - 1U] >> RANK_SHIFT) > rank) {
      self->word[place] = self->word[place - 1U];
      --place;
    }
  }
  self->word[place] = character->code_point | (rank << RANK_SHIFT);
  ++self->length;
}

static void take(reader *self, const ei_bert_character *character) {
  switch (character->kind) {
    case EI_BERT_DROP:
      break;
    case EI_BERT_BARRIER:
      self->sorted = self->length;
      break;
    case EI_BERT_SPACE:
      put_word(self);
      break;
    case EI_BERT_ALONE:
      put_word(self);
      add(self, character);
      put_word(self);
      break;
    case EI_BERT_FOREIGN:
      self->foreign = 1;
      add(self, character);
      break;
    default:
      add(self, character);
      break;
  }
}

/* Reads a text until it ends or, between two words, the room does. Returns its pieces. */
static size_t read_text(const ei_bert_vocabulary *vocabulary, const char *text,
                        size_t bytes, int32_t *ids, size_t room, int count_all) {
  reader self;
  const uint8_t *rest = (const uint8_t *)text;
  self.vocabulary = vocabulary;
  self.ids = ids;
  self.room = room;
  self.count = 0;
  self.length = 0;
  self.sorted = 0;
  self.foreign = 0;
  while (bytes != 0U) {
    ei_bert_character characters[EI_BERT_MOST_CHARACTERS];
    const uint32_t most = bytes < 4U ? (uint32_t)bytes : 4U;
    const uint8_t quick = *rest < 0x80U ? ei_bert_ascii[*rest] : 0U;
    uint32_t code_point;
    uint32_t taken;
    uint32_t count;
    uint32_t index;
    if (quick > 0x20U && quick < 0x80U && self.length < WORD_CHARACTERS) {
      /* A letter or digit of ASCII, as most bytes are. */
      self.word[self.length] = quick;
      ++self.length;
      ++rest;
      --bytes;
      continue;
    }
    taken = ei_bert_decode_utf8(rest, most, &code_point);
    count = ei_bert_normalize(code_point, characters);
    rest += taken;
    bytes -= taken;
    for (index = 0; index < count; ++index) {
      take(&self, &characters[index]);
    }
    if (self.length == 0U && self.count >= room && !count_all) {
      break;
    }
  }
  put_word(&self);
  return self.count;
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* How many pieces of a pair stay of `room`: what is longer gives first, and where both
 * are too long each gets half, the longer one the odd token. */
static void share_room(size_t *first, size_t *second, size_t room) {
  const int swapped = *first > *second;
  size_t low = swapped ? *second : *first;
  size_t high = swapped ? *first : *second;
  if (low + high > room) {
    high = low > room ? low : (room - low > low ? room - low : low);
    if (low + high > room) {
      low = room / 2U;
      high = low + room % 2U;
    }
  }
  *first = swapped ? high : low;
  *second = swapped ? low : high;
}

int32_t ei_bert_tokenize_with(const ei_bert_vocabulary *vocabulary, const char *text,
                              size_t text_bytes, const char *pair, size_t pair_bytes,
                              int32_t *ids, int32_t *mask, int32_t *segment_ids,
                              size_t max_tokens) {
  const size_t special = pair == NULL ? 2U : 3U;
  size_t room;
  size_t first;
  size_t tokens;
  size_t boundary;
  size_t index;
  if (vocabulary == NULL || ids == NULL || (text == NULL && text_bytes != 0U)) {
    return EI_BERT_NULL;
  }
  if (max_tokens < special || max_tokens > LARGEST_MAX_TOKENS) {
    return EI_BERT_MAX_TOKENS_RANGE;
  }
  room = max_tokens - special;
  ids[0] = vocabulary->classification;
  if (pair == NULL) {
    first = smaller(read_text(vocabulary, text, text_bytes, ids + 1, room, 0), room);
    boundary = first + 2U;
    tokens = boundary;
  } else {
    size_t second = read_text(vocabulary, pair, pair_bytes, ids, 0, 1);
    first = read_text(vocabulary, text, text_bytes, ids, 0, 1);
    share_room(&first, &second, room);
    (void)read_text(vocabulary, text, text_bytes, ids + 1, first, 0);
    boundary = first + 2U;
    (void)read_text(vocabulary, pair, pair_bytes, ids + boundary, second, 0);
    tokens = boundary + second + 1U;
    ids[tokens - 1U] = vocabulary->separator;
  }
  ids[boundary - 1U] = vocabulary->separator;
  memset(ids + tokens, 0, (max_tokens - tokens) * sizeof(*ids));
  for (index = 0; index < max_tokens; ++index) {
    if (mask != NULL) {
      mask[index] = index < tokens;
    }
    if (segment_ids != NULL) {
      segment_ids[index] = index >= boundary && index < tokens;
    }
  }
  return (int32_t)tokens;
}

int32_t ei_bert_tokenize(const char *text, size_t text_bytes, const char *pair,
                         size_t pair_bytes, int32_t *ids, int32_t *mask,
                         int32_t *segment_ids, size_t max_tokens) {
  return ei_bert_tokenize_with(&ei_bert_model_vocabulary, text, text_bytes, pair,
                               pair_bytes, ids, mask, segment_ids, max_tokens);
}
