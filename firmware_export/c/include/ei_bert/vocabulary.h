/* The pieces of a vocabulary as a trie of bytes that is read where it lies, in flash.
 *
 * Nodes are numbered breadth first, so the children of a node have consecutive numbers,
 * sorted by label, and the families of children follow each other in the order of their
 * parents. Three bits a node say all: whether a piece ends there, whether it has
 * children, and whether it is the last child of its parent (Jacobson 1989, "Space-efficient
 * static trees and graphs"). Family k, of the k-th node that has children, begins behind
 * the k-th last child; node 0, the root, is the only one of family 0.
 */
#ifndef EI_BERT_VOCABULARY_H_
#define EI_BERT_VOCABULARY_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of 32 nodes, the lowest bit for the first, and what came before them. */
typedef struct {
  uint32_t ends;           /* a piece ends here */
  uint32_t parents;        /* has children */
  uint32_t last;           /* last child of its parent */
  uint16_t ends_before;    /* pieces that end at nodes before these */
  uint16_t parents_before; /* nodes before these that have children */
} ei_bert_trie_group;

/* Families between two entries of family_starts. */
#define EI_BERT_TRIE_FAMILIES 8

typedef struct {
  const uint8_t *labels;            /* [nodes] byte on the way to a node */
  const ei_bert_trie_group *groups; /* [ceil(nodes / 32)] */
  const uint16_t *family_starts;    /* first node of each EI_BERT_TRIE_FAMILIES-th family */
  const uint16_t *ids;              /* [pieces in the trie] id of the piece that ends at the n-th end */
  uint16_t nodes;
  uint16_t continuation; /* node of "##", 0 if no piece begins with it */
  uint16_t unknown;      /* ids of the special pieces; that of [PAD] is 0 */
  uint16_t classification;
  uint16_t separator;
  uint16_t starts; /* entries of family_starts */
  uint16_t pieces; /* entries of ids */
} ei_bert_vocabulary;

/* The vocabulary that was exported with the model. */
extern const ei_bert_vocabulary ei_bert_model_vocabulary;

#ifdef __cplusplus
}
#endif

#endif /* EI_BERT_VOCABULARY_H_ */
