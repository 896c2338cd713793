// Counts the instructions of each operator of a model on an emulated Cortex-M: prints
// `op NUMBER INSTRUCTIONS` for each operator as it runs (NUMBER: tflite::BuiltinOperator)
// and `total INSTRUCTIONS`, interpreter included.
#include <cstddef>
#include <cstdint>
#include <new>

#include "board.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

extern "C" const uint8_t model_image[];

namespace {

constexpr int kKinds = 16;
constexpr int kMostRuns = 2048;

TFLMRegistration wrapped[kKinds];
decltype(TFLMRegistration::invoke) invoke_of[kKinds];
int kinds;
struct {
  int32_t kind;
  int32_t instructions;
} runs[kMostRuns];
int run_count;

// SysTick counts down 24 bits; 40 instructions are a tick (startup.c).
uint32_t ticks() { return *(volatile uint32_t*)0xE000E018U; }

int32_t instructions_since(uint32_t start) {
  return static_cast<int32_t>(((start - ticks()) & 0xFFFFFFU) * 40U);
}

template <int kind>
TfLiteStatus Counted(TfLiteContext* context, TfLiteNode* node) {
  const uint32_t start = ticks();
  const TfLiteStatus status = invoke_of[kind](context, node);
  if (run_count < kMostRuns) {
    runs[run_count].kind = wrapped[kind].builtin_code;
    runs[run_count++].instructions = instructions_since(start);
  }
  return status;
}

template <int kind>
void Choose(int wanted) {
  if (wanted == kind) {
    invoke_of[kind] = wrapped[kind].invoke;
    wrapped[kind].invoke = Counted<kind>;
  } else if constexpr (kind + 1 < kKinds) {
    Choose<kind + 1>(wanted);
  }
}

class CountingResolver : public tflite::MicroMutableOpResolver<kKinds> {
 public:
  const TFLMRegistration* FindOp(tflite::BuiltinOperator op) const override {
    for (int kind = 0; kind < kinds; ++kind) {
      if (wrapped[kind].builtin_code == op) return &wrapped[kind];
    }
    const auto* found = tflite::MicroMutableOpResolver<kKinds>::FindOp(op);
    if (found == nullptr || kinds == kKinds) return nullptr;
    wrapped[kinds] = *found;
    Choose<0>(kinds);
    return &wrapped[kinds++];
  }
};

alignas(16) uint8_t arena[2U << 20];
alignas(16) uint8_t resolver_place[sizeof(CountingResolver)];
alignas(16) uint8_t interpreter_place[sizeof(tflite::MicroInterpreter)];

int Fail(const char* what) {
  board_print_text("failed", what);
  return 1;
}

}  // namespace

int main() {
  auto* resolver = new (resolver_place) CountingResolver();
  resolver->AddAdd();
  resolver->AddConcatenation();
  resolver->AddFullyConnected();
  resolver->AddGather();
  resolver->AddBatchMatMul();
  resolver->AddMean();
  resolver->AddMul();
  resolver->AddReshape();
  resolver->AddRsqrt();
  resolver->AddSoftmax();
  resolver->AddSplit();
  resolver->AddStridedSlice();
  resolver->AddSub();
  resolver->AddTanh();
  resolver->AddTranspose();
  resolver->AddQuantize();
  auto* interpreter = new (interpreter_place) tflite::MicroInterpreter(
      tflite::GetModel(model_image), *resolver, arena, sizeof(arena));
  if (interpreter->AllocateTensors() != kTfLiteOk) return Fail("allocate");
  for (size_t input = 0; input < interpreter->inputs_size(); ++input) {
    TfLiteTensor* tensor = interpreter->input(input);
    for (size_t place = 0; place < tensor->bytes / sizeof(int32_t); ++place) {
      tensor->data.i32[place] = 1;
    }
  }
  board_start_count();
  const uint32_t start = ticks();
  if (interpreter->Invoke() != kTfLiteOk) return Fail("invoke");
  const int32_t total = instructions_since(start);
  for (int run = 0; run < run_count; ++run) {
    board_print_number("kind", runs[run].kind);
    board_print_number("instructions", runs[run].instructions);
  }
  board_print_number("total", total);
  board_print_number("arena_used_bytes",
                     static_cast<int32_t>(interpreter->arena_used_bytes()));
  return 0;
}
