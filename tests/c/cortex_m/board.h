/* What the emulated boards give to a program. */
#ifndef BOARD_H_
#define BOARD_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

void board_print(const char *text);
void board_print_number(const char *name, int32_t value);
void board_print_text(const char *name, const char *text);
void board_exit(int status);
void board_start_count(void);
int32_t board_thousands_of_instructions(void); /* since then */
void board_mark_stack(void);
int32_t board_stack_bytes(void); /* the most since then */

#ifdef __cplusplus
}
#endif

#endif /* BOARD_H_ */
