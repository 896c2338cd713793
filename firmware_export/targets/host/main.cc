// Classifies the lines of the standard input.
#include <cstdio>

#include "line_classifier.h"

namespace {

void Write(const char* text) { std::fputs(text, stdout); }

}  // namespace

int main() {
  if (line_classifier_begin(Write, nullptr) != EI_BERT_OK) return 1;
  std::fflush(stdout);
  int last = '\n';
  for (int byte = std::getchar(); byte != EOF; byte = std::getchar()) {
    line_classifier_take(static_cast<char>(byte));
    if (byte == '\n') std::fflush(stdout);
    last = byte;
  }
  if (last != '\n') line_classifier_take('\n');
  return 0;
}
