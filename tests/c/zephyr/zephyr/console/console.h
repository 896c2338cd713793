// What the sample uses of Zephyr.
#pragma once

extern "C" {
int console_init(void);
int console_getchar(void);
}
