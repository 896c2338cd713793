/* The header by which the Arduino IDE finds this library. */
#ifndef EI_BERT_H_
#define EI_BERT_H_

#include "ei_bert/classifier.h"

#endif /* EI_BERT_H_ */
