#pragma once

extern "C" void vTaskDelay(TickType_t ticks);
