/* Walking a vocabulary's trie. */
#ifndef EI_BERT_TRIE_H_
#define EI_BERT_TRIE_H_

#include <stdint.h>

#include "ei_bert/vocabulary.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The child of `node` behind the byte `label`; 0, which is no child, if there is none. */
uint32_t ei_bert_trie_child(const ei_bert_vocabulary *vocabulary, uint32_t node,
                            uint8_t label);

/* The id of the piece that ends at `node`, or -1. */
int32_t ei_bert_trie_id(const ei_bert_vocabulary *vocabulary, uint32_t node);

/* Whether a vocabulary from outside can be walked: all that is counted in it is right,
 * and all ids are below vocabulary_size. */
int ei_bert_trie_is_sound(const ei_bert_vocabulary *vocabulary, uint32_t vocabulary_size);

/* CRC-32 of labels, groups, starts and ids, one behind the other, as a little-endian
 * machine holds them. */
uint32_t ei_bert_trie_crc32(const ei_bert_vocabulary *vocabulary);

#ifdef __cplusplus
}
#endif

#endif /* EI_BERT_TRIE_H_ */
