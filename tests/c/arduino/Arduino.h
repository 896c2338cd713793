// What the sketch uses of Arduino.
#pragma once

struct SerialPort {
  void begin(unsigned long) {}
  void print(const char*) {}
  int available() { return 0; }
  int read() { return -1; }
  explicit operator bool() const { return true; }
};

inline SerialPort Serial;
