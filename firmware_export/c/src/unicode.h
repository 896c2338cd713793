/* What BERT's cleaning, accent stripping and lower-casing make of a code point. */
#ifndef EI_BERT_UNICODE_H_
#define EI_BERT_UNICODE_H_

#include <stdint.h>

typedef enum {
  EI_BERT_KEEP,     /* a letter: part of a word */
  EI_BERT_DROP,     /* left out before anything else */
  EI_BERT_BARRIER,  /* left out, yet marks are not sorted across it */
  EI_BERT_SPACE,    /* ends a word */
  EI_BERT_ALONE,    /* punctuation, ideograph: a word of its own */
  EI_BERT_MARK,     /* part of a word, and sorted by its rank among its neighbours */
  EI_BERT_SHIFT,    /* becomes the code point `argument` further, modulo 65,536 */
  EI_BERT_ALTERNATE, /* the first and each second one behind it are SHIFT, others KEEP */
  EI_BERT_LIST,     /* becomes narrow[argument + place in the run] */
  EI_BERT_WIDE,     /* becomes wide[argument + place in the run] */
  EI_BERT_SEQUENCE, /* becomes the wide[argument] code points that follow there */
  EI_BERT_HANGUL,   /* falls apart into jamo, by arithmetic */
  EI_BERT_FOREIGN   /* outside what was exported: its word is unknown */
} ei_bert_kind;

/* Code points of one plane that have something in common. */
typedef struct {
  uint16_t first; /* without the plane */
  uint16_t last;
  uint16_t argument;
  uint8_t kind;
} ei_bert_run;

typedef struct {
  const uint16_t *plane_starts; /* [18] the first run of each plane */
  const ei_bert_run *runs;      /* sorted; what lies in none is KEEP */
  const uint16_t *narrow;
  const uint32_t *wide;
} ei_bert_unicode_data;

extern const ei_bert_unicode_data ei_bert_unicode;

/* 0 dropped, ' ' a space, a lower-case letter or digit, or punctuation + 128. */
extern const uint8_t ei_bert_ascii[128];

/* Most code points that one can become. */
#define EI_BERT_MOST_CHARACTERS 3

typedef struct {
  uint32_t code_point;
  uint8_t kind; /* KEEP, DROP, BARRIER, SPACE, ALONE, MARK or FOREIGN */
  uint8_t rank; /* of a mark, from 1; else 0 */
} ei_bert_character;

/* The characters that a code point (up to 0x10FFFF) becomes, at least one. */
uint32_t ei_bert_normalize(uint32_t code_point,
                           ei_bert_character characters[EI_BERT_MOST_CHARACTERS]);

/* Reads the code point at the start of `bytes` > 0 bytes, U+FFFD where there is none.
 * Returns how many bytes it took: those of a broken one up to where it breaks. */
uint32_t ei_bert_decode_utf8(const uint8_t *text, uint32_t bytes, uint32_t *code_point);

#endif /* EI_BERT_UNICODE_H_ */
