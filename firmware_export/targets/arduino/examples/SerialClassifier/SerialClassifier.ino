// Classifies the lines that come in over the serial port; line_classifier.h says what
// they look like.

// The main header of the library that brings TensorFlow Lite Micro: the IDE finds that
// library by it. Put the name of yours here.
#include <TensorFlowLite.h>

#include <ei_bert.h>

#include "line_classifier.h"

static bool is_ready = false;

static void write_text(const char* text) { Serial.print(text); }

void setup() {
  Serial.begin(115200);
  while (!Serial) {
  }
  is_ready = line_classifier_begin(write_text, nullptr) == EI_BERT_OK;
}

void loop() {
  while (is_ready && Serial.available() > 0) {
    line_classifier_take(static_cast<char>(Serial.read()));
  }
}
