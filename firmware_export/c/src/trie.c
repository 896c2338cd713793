#include "trie.h"

#include "crc32.h"

/* Bits set in a word, by the sums of ever wider fields. */
static uint32_t count_bits(uint32_t word) {
  word -= (word >> 1) & 0x55555555U;
  word = (word & 0x33333333U) + ((word >> 2) & 0x33333333U);
  word = (word + (word >> 4)) & 0x0F0F0F0FU;
  return (word * 0x01010101U) >> 24;
}

static uint32_t below(uint32_t bit) { return ((uint32_t)1 << bit) - 1U; }

/* The number of the `count`-th last child at or behind `node`, the first for 1. */
static uint32_t last_child(const ei_bert_vocabulary *vocabulary, uint32_t node,
                           uint32_t count) {
  uint32_t group = node / 32U;
  uint32_t bits = vocabulary->groups[group].last & ~below(node % 32U);
  for (;;) {
    while (bits == 0U) {
      ++group;
      bits = vocabulary->groups[group].last;
    }
    --count;
    if (count == 0U) {
      /* The lowest bit alone, less one: as many bits as its place. */
      return group * 32U + count_bits((bits & (0U - bits)) - 1U);
    }
    bits &= bits - 1U;
  }
}

uint32_t ei_bert_trie_child(const ei_bert_vocabulary *vocabulary, uint32_t node,
                            uint8_t label) {
  const ei_bert_trie_group *group = &vocabulary->groups[node / 32U];
  const uint32_t bit = node % 32U;
  uint32_t family;
  uint32_t first;
  uint32_t end;
  if (((group->parents >> bit) & 1U) == 0U) {
    return 0U;
  }
  family = group->parents_before + count_bits(group->parents & below(bit)) + 1U;
  first = vocabulary->family_starts[family / EI_BERT_TRIE_FAMILIES];
  family %= EI_BERT_TRIE_FAMILIES;
  if (family != 0U) {
    first = last_child(vocabulary, first, family) + 1U;
  }
  end = last_child(vocabulary, first, 1U) + 1U;
  while (end - first > 4U) {
    const uint32_t middle = first + (end - first) / 2U;
    if (vocabulary->labels[middle] <= label) {
      first = middle;
    } else {
      end = middle;
    }
  }
  for (; first != end; ++first) {
    if (vocabulary->labels[first] == label) {
      return first;
    }
  }
  return 0U;
}

int32_t ei_bert_trie_id(const ei_bert_vocabulary *vocabulary, uint32_t node) {
  const ei_bert_trie_group *group = &vocabulary->groups[node / 32U];
  const uint32_t bit = node % 32U;
  if (((group->ends >> bit) & 1U) == 0U) {
    return -1;
  }
  return vocabulary->ids[group->ends_before + count_bits(group->ends & below(bit))];
}

int ei_bert_trie_is_sound(const ei_bert_vocabulary *vocabulary, uint32_t vocabulary_size) {
  const uint32_t nodes = vocabulary->nodes;
  uint32_t ends = 0;
  uint32_t parents = 0;
  uint32_t families = 1; /* the root's own, which is node 0 */
  uint32_t first = 0;    /* node of the family that is read */
  uint32_t node;
  for (node = 0; node < nodes; ++node) {
    const ei_bert_trie_group *group = &vocabulary->groups[node / 32U];
    const uint32_t bit = node % 32U;
    if (bit == 0U && (group->ends_before != ends || group->parents_before != parents)) {
      return 0;
    }
    if (node == first && (families - 1U) % EI_BERT_TRIE_FAMILIES == 0U &&
        ((families - 1U) / EI_BERT_TRIE_FAMILIES >= vocabulary->starts ||
         vocabulary->family_starts[(families - 1U) / EI_BERT_TRIE_FAMILIES] != first)) {
      return 0;
    }
    ends += (group->ends >> bit) & 1U;
    parents += (group->parents >> bit) & 1U;
    if (((group->last >> bit) & 1U) != 0U) {
      first = node + 1U;
      ++families;
    }
  }
  /* Each parent has its family, behind the root's; the last node ends the last one. */
  if (first != nodes || families != parents + 2U || ends != vocabulary->pieces) {
    return 0;
  }
  for (node = 0; node < vocabulary->pieces; ++node) {
    if (vocabulary->ids[node] >= vocabulary_size) {
      return 0;
    }
  }
  return 1;
}

uint32_t ei_bert_trie_crc32(const ei_bert_vocabulary *vocabulary) {
  const size_t groups = (vocabulary->nodes + (size_t)31U) / 32U;
  uint32_t crc = ei_bert_crc32(0U, vocabulary->labels, vocabulary->nodes);
  crc = ei_bert_crc32(crc, vocabulary->groups, groups * sizeof(*vocabulary->groups));
  crc = ei_bert_crc32(crc, vocabulary->family_starts,
                      vocabulary->starts * sizeof(*vocabulary->family_starts));
  return ei_bert_crc32(crc, vocabulary->ids,
                       vocabulary->pieces * sizeof(*vocabulary->ids));
}
