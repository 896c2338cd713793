/* The house on QEMU's mps2 boards: what is said comes in at the UART, the light and the
 * socket are the board's two LEDs, and byte 4 (Ctrl-D) ends the program. */
#include <stdint.h>

#include "blinky.h"
#include "board.h"

/* Arm's CMSDK UART 0, and the LEDs of the board's FPGA. */
#define UART_DATA (*(volatile uint32_t *)0x40004000U)
#define UART_STATE (*(volatile uint32_t *)0x40004004U)
#define UART_CONTROL (*(volatile uint32_t *)0x40004008U)
#define UART_DIVIDER (*(volatile uint32_t *)0x40004010U)
#define LEDS (*(volatile uint32_t *)0x40028000U)
#define RECEIVED 2U
#define TRANSMIT_AND_RECEIVE 3U
#define END_OF_TRANSMISSION 4

static void set(house_thing thing, int value) {
  const uint32_t led = thing == HOUSE_LIGHT ? 1U : thing == HOUSE_SOCKET ? 2U : 0U;
  LEDS = value != 0 ? LEDS | led : LEDS & ~led;
}

static char received(void) {
  while ((UART_STATE & RECEIVED) == 0U) {
  }
  return (char)UART_DATA;
}

int main(void) {
  static const blinky_board board = {board_print, set};
  char byte;
  UART_DIVIDER = 16U;
  UART_CONTROL = TRANSMIT_AND_RECEIVE;
  if (blinky_begin(&board) != 0) {
    return 1;
  }
  while ((byte = received()) != END_OF_TRANSMISSION) {
    char text[2] = {0, 0};
    text[0] = byte;
    board_print(text); /* The echo makes the transcript a dialogue. */
    blinky_take(byte);
  }
  board_print_number("LEDs at the end:", (int32_t)LEDS);
  return 0;
}
