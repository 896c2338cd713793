/* BERT's uncased WordPiece tokenizer: UTF-8 in, token ids out.
 *
 * Equal to the tokenizer that the model was trained with, for any bytes: text cleaning,
 * lower-casing, accent stripping, splitting at punctuation and around ideographs, greedy
 * longest match, pairs cut longest first. No heap, no recursion, no mutable state: any
 * number of threads may call it at once. Time grows linearly with the bytes of the text.
 *
 * On a Cortex-M4, compiled for size: 2.2 KB of code, 12.7 KB of Unicode tables (latin 1.8,
 * ascii 0.3), about six bytes a piece of the vocabulary, no RAM beside the outputs, and at
 * most 856 bytes of stack.
 */
#ifndef EI_BERT_TOKENIZER_H_
#define EI_BERT_TOKENIZER_H_

#include <stddef.h>
#include <stdint.h>

#include "ei_bert/status.h"
#include "ei_bert/vocabulary.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Tokenizes a text, or a pair of texts, with the firmware's own vocabulary.
 *
 * text, pair: UTF-8 of text_bytes and pair_bytes bytes, not NUL-terminated. Bytes that
 *   are no UTF-8 are left out, as Python's decode(errors="replace") and BERT's cleaning
 *   do together. pair is NULL for a single text, whatever
 *   pair_bytes is.
 * ids: max_tokens entries: [CLS] text [SEP], of a pair [CLS] text [SEP] pair [SEP], then
 *   padding with id 0.
 * mask, segment_ids: max_tokens entries or NULL. mask is 1 for a token and 0 for padding;
 *   segment_ids is 1 for the pair and its [SEP], else 0.
 *
 * Returns the number of tokens with the special ones, or, upon which nothing has been
 * written, EI_BERT_NULL (`ids` or a text of more than 0 bytes is NULL) or
 * EI_BERT_MAX_TOKENS_RANGE (max_tokens is less than the special tokens need, 2 or, of a
 * pair, 3; or it is above 32,767).
 */
int32_t ei_bert_tokenize(const char *text, size_t text_bytes, const char *pair,
                         size_t pair_bytes, int32_t *ids, int32_t *mask,
                         int32_t *segment_ids, size_t max_tokens);

/* The same with another vocabulary, such as one of a blob. */
int32_t ei_bert_tokenize_with(const ei_bert_vocabulary *vocabulary, const char *text,
                              size_t text_bytes, const char *pair, size_t pair_bytes,
                              int32_t *ids, int32_t *mask, int32_t *segment_ids,
                              size_t max_tokens);

#ifdef __cplusplus
}
#endif

#endif /* EI_BERT_TOKENIZER_H_ */
