// Classifies the lines of the console.
#include <zephyr/console/console.h>
#include <zephyr/sys/printk.h>

#include "line_classifier.h"

namespace {

void Write(const char* text) { printk("%s", text); }

}  // namespace

int main() {
  console_init();
  if (line_classifier_begin(Write, nullptr) != EI_BERT_OK) return 1;
  while (true) {
    const int byte = console_getchar();
    if (byte >= 0) line_classifier_take(static_cast<char>(byte));
  }
}
