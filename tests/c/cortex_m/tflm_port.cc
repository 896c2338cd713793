// What TFLM asks of a platform: its log, without the numbers, which would bring in a heap;
// a clock that nothing here reads; and what the C++ library would bring a heap in for.
#include <cstdarg>
#include <cstddef>
#include <cstdint>

#include "board.h"

extern "C" {

void DebugLog(const char* format, va_list) { board_print(format); }

int DebugVsnprintf(char* buffer, size_t size, const char*, va_list) {
  if (size != 0) buffer[0] = '\0';
  return 0;
}

void __cxa_pure_virtual() { board_exit(4); }
void abort() { board_exit(5); for (;;) {} }
void __assert_func(const char*, int, const char*, const char* text) {
  board_print_text("assert", text);
  abort();
}

}  // extern "C"

void operator delete(void*) noexcept {}
void operator delete(void*, size_t) noexcept {}

namespace tflite {
uint32_t ticks_per_second() { return 0; }
uint32_t GetCurrentTimeTicks() { return 0; }
}  // namespace tflite
