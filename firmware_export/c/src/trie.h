/* Walking a vocabulary's trie. */
#ifndef EI_BERT_TRIE_H_
#define EI_BERT_TRIE_H_

#include <stdint.h>

#include "ei_bert/vocabulary.h"

/* The child of `node` behind the byte `label`; 0, which is no child, if there is none. */
uint32_t ei_bert_trie_child(const ei_bert_vocabulary *vocabulary, uint32_t node,
                            uint8_t label);

/* The id of the piece that ends at `node`, or -1. */
int32_t ei_bert_trie_id(const ei_bert_vocabulary *vocabulary, uint32_t node);

#endif /* EI_BERT_TRIE_H_ */
