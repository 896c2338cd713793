/* Start of a program on an emulated Cortex-M (QEMU's mps2 boards), with output and exit
 * by semihosting. No heap, no libraries of a board. */
#include <stddef.h>
#include <stdint.h>

#include "board.h"

#define SYS_WRITE0 0x04
#define SYS_EXIT_EXTENDED 0x20
#define APPLICATION_EXIT 0x20026U

extern uint32_t stack_top;
extern uint32_t data_in_flash, data_start, data_end, bss_start, bss_end;
extern void (*init_start[])(void), (*init_end[])(void);

int main(void);

static int semihost(int operation, const void *argument) {
  register int r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void board_print(const char *text) { (void)semihost(SYS_WRITE0, text); }

void board_exit(int status) {
  const uint32_t block[2] = {APPLICATION_EXIT, (uint32_t)status};
  (void)semihost(SYS_EXIT_EXTENDED, block);
  for (;;) {
  }
}

void board_print_number(const char *name, int32_t value) {
  char digits[16];
  char *first = digits + sizeof(digits) - 1;
  uint32_t rest = value < 0 ? 0U - (uint32_t)value : (uint32_t)value;
  *first = '\0';
  do {
    *--first = (char)('0' + rest % 10U);
    rest /= 10U;
  } while (rest != 0U);
  if (value < 0) {
    *--first = '-';
  }
  board_print(name);
  board_print(" ");
  board_print(first);
  board_print("\n");
}

void board_print_text(const char *name, const char *text) {
  board_print(name);
  board_print(" ");
  board_print(text);
  board_print("\n");
}

/* SysTick counts down 24 bits at the board's 25 MHz; under -icount shift=0 an instruction
 * takes a nanosecond, so 40 of them are a tick. */
void board_start_count(void) {
  *(volatile uint32_t *)0xE000E014U = 0xFFFFFFU;
  *(volatile uint32_t *)0xE000E018U = 0U;
  *(volatile uint32_t *)0xE000E010U = 5U;
}

int32_t board_thousands_of_instructions(void) {
  const uint32_t ticks = 0xFFFFFFU - *(volatile uint32_t *)0xE000E018U;
  return (int32_t)(ticks / 25U);
}

#define STACK_MARK 0xA5A5A5A5U

void board_mark_stack(void) {
  const uint32_t *top;
  uint32_t *word = &bss_end;
  __asm__ volatile("mov %0, sp" : "=r"(top));
  while (word < top - 16) {
    *word++ = STACK_MARK;
  }
}

int32_t board_stack_bytes(void) {
  const uint32_t *word = &bss_end;
  while (*word == STACK_MARK) {
    ++word;
  }
  return (int32_t)((const uint8_t *)&stack_top - (const uint8_t *)word);
}

static void fail(void) {
  board_print("fault\n");
  board_exit(3);
}

static void reset(void) {
  uint32_t *from = &data_in_flash;
  uint32_t *to;
  void (**call)(void);
  *(volatile uint32_t *)0xE000ED88U |= 0xF00000U; /* the FPU */
  __asm__ volatile("dsb\n isb");
  for (to = &data_start; to < &data_end; ++to) {
    *to = *from++;
  }
  for (to = &bss_start; to < &bss_end; ++to) {
    *to = 0U;
  }
  for (call = init_start; call < init_end; ++call) {
    (*call)();
  }
  board_exit(main());
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    &stack_top,
    (const void *)reset,
    (const void *)fail, /* NMI */
    (const void *)fail, /* hard fault */
    (const void *)fail,
    (const void *)fail,
    (const void *)fail,
};
