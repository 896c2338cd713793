#include "trie.h"

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
