#include "ei_bert/classifier.h"

#include <cmath>
#include <cstring>
#include <new>

#include "crc32.h"
#include "ei_bert/model_data.h"
#include "ei_bert/op_resolver.h"
#include "ei_bert/tokenizer.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tensorflow/lite/schema/schema_utils.h"
#include "trie.h"

namespace {

using Interpreter = tflite::MicroInterpreter;
using Resolver = tflite::MicroMutableOpResolver<EI_BERT_OP_COUNT>;

constexpr uintptr_t kAlignment = 16;

// Objects of TFLM are made in these buffers: as static objects they would register
// destructors, and those bring in a heap.
struct Instance {
  alignas(Resolver) uint8_t resolver[sizeof(Resolver)];
  alignas(Interpreter) uint8_t interpreter[sizeof(Interpreter)];
  Interpreter* ready;  // null until init has succeeded
  ei_bert_vocabulary vocabulary;
  ei_bert_task task;
  TfLiteTensor* ids;
  TfLiteTensor* mask;
  TfLiteTensor* segment_ids;  // null for single texts
  TfLiteTensor* logits;
};

Instance instance;

bool Aligned(const void* address) {
  return reinterpret_cast<uintptr_t>(address) % kAlignment == 0;
}

bool HasFlag(uint32_t flag) { return (instance.task.flags & flag) != 0; }

// Whether there is a kernel for each operator of the graph. The list of operator codes
// may name others, which the converter has left there.
bool AllRegistered(const tflite::Model& model, const Resolver& resolver) {
  for (const tflite::Operator* node : *model.subgraphs()->Get(0)->operators()) {
    const tflite::OperatorCode* code = model.operator_codes()->Get(node->opcode_index());
    const tflite::BuiltinOperator builtin = tflite::GetBuiltinCode(code);
    const bool found = builtin == tflite::BuiltinOperator_CUSTOM
                           ? resolver.FindOp(code->custom_code()->c_str()) != nullptr
                           : resolver.FindOp(builtin) != nullptr;
    if (!found) return false;
  }
  return true;
}

// The place of a named input among the graph's inputs, or -1. The converter orders them
// as it likes; the signature knows their names.
int InputPlace(const tflite::Model& model, const char* name) {
  const auto* signatures = model.signature_defs();
  if (signatures == nullptr || signatures->size() != 1) return -1;
  const auto* inputs = model.subgraphs()->Get(0)->inputs();
  for (const tflite::TensorMap* entry : *signatures->Get(0)->inputs()) {
    const flatbuffers::String& found = *entry->name();
    const size_t length = std::strlen(name);
    if (found.size() != length) continue;
    if (std::memcmp(found.Data(), name, length) != 0) continue;
    for (uint32_t place = 0; place < inputs->size(); ++place) {
      if (static_cast<uint32_t>(inputs->Get(place)) == entry->tensor_index()) {
        return static_cast<int>(place);
      }
    }
  }
  return -1;
}

TfLiteTensor* Input(Interpreter& interpreter, const tflite::Model& model,
                    const char* name) {
  const int place = InputPlace(model, name);
  if (place < 0) return nullptr;
  TfLiteTensor* tensor = interpreter.input(static_cast<size_t>(place));
  const bool is_row = tensor != nullptr && tensor->type == kTfLiteInt32 &&
                      tensor->bytes == instance.task.max_tokens * sizeof(int32_t);
  return is_row ? tensor : nullptr;
}

bool FindTensors(Interpreter& interpreter, const tflite::Model& model) {
  const bool is_pair = HasFlag(EI_BERT_FLAG_PAIR);
  if (interpreter.inputs_size() != (is_pair ? 3U : 2U)) return false;
  if (interpreter.outputs_size() != 1) return false;
  instance.ids = Input(interpreter, model, "ids");
  instance.mask = Input(interpreter, model, "mask");
  instance.segment_ids = is_pair ? Input(interpreter, model, "segment_ids") : nullptr;
  instance.logits = interpreter.output(0);
  return instance.ids != nullptr && instance.mask != nullptr &&
         (instance.segment_ids != nullptr || !is_pair) &&
         instance.logits->type == kTfLiteInt8 &&
         instance.logits->bytes == instance.task.classes;
}

// Whether it is a .tflite by its identifier, with a root inside.
bool IsModel(const uint8_t* bytes, size_t model_bytes) {
  constexpr size_t kHeader = 2 * sizeof(flatbuffers::uoffset_t);
  return model_bytes > kHeader && tflite::ModelBufferHasIdentifier(bytes) &&
         flatbuffers::ReadScalar<flatbuffers::uoffset_t>(bytes) < model_bytes;
}

// Makes the interpreter of a model whose vocabulary and task are already in place.
int32_t Start(const uint8_t* bytes, size_t model_bytes, uint8_t* arena,
              size_t arena_bytes) {
  if (!Aligned(bytes)) return EI_BERT_MODEL_ALIGNMENT;
  if (!IsModel(bytes, model_bytes)) return EI_BERT_MODEL_FORMAT;
  const tflite::Model* model = tflite::GetModel(bytes);
  if (model->version() != TFLITE_SCHEMA_VERSION) return EI_BERT_MODEL_FORMAT;
  auto* resolver = new (instance.resolver) Resolver();
  if (EiBertRegisterOps(*resolver) != kTfLiteOk || !AllRegistered(*model, *resolver)) {
    return EI_BERT_OPERATOR;
  }
  auto* interpreter =
      new (instance.interpreter) Interpreter(model, *resolver, arena, arena_bytes);
  // An interpreter without tensors has nothing to free, and its destructor would go
  // through what was never allocated.
  if (interpreter->AllocateTensors() != kTfLiteOk) return EI_BERT_ALLOCATION;
  if (!FindTensors(*interpreter, *model)) {
    interpreter->~MicroInterpreter();
    return EI_BERT_MODEL_INTERFACE;
  }
  instance.ready = interpreter;
  return EI_BERT_OK;
}

// Ends what ran before, and checks the arena of what is to run.
int32_t Stop(const uint8_t* arena, size_t arena_bytes) {
  if (instance.ready != nullptr) {
    instance.ready->~MicroInterpreter();
    instance.ready = nullptr;
  }
  if (arena == nullptr) return EI_BERT_NULL;
  if (!Aligned(arena)) return EI_BERT_ARENA_ALIGNMENT;
  return arena_bytes < EI_BERT_ARENA_LEAST_BYTES ? EI_BERT_ARENA_SIZE : EI_BERT_OK;
}

void Finish(ei_bert_result* result) {
  const int8_t* logits = instance.logits->data.int8;
  const float scale = instance.logits->params.scale;
  const uint32_t classes = instance.task.classes;
  std::memset(result, 0, sizeof(*result));
  std::memcpy(result->logits, logits, classes);
  if (HasFlag(EI_BERT_FLAG_REGRESSION)) {
    result->label = -1;
    result->value =
        static_cast<float>(logits[0] - instance.logits->params.zero_point) * scale;
    return;
  }
  uint32_t best = 0;
  for (uint32_t label = 1; label < classes; ++label) {
    if (logits[label] > logits[best]) best = label;
  }
  float sum = 0.0f;
  for (uint32_t label = 0; label < classes; ++label) {
    const auto below = static_cast<float>(logits[label] - logits[best]);
    sum += std::exp(below * scale / instance.task.temperature);
  }
  result->label = static_cast<int32_t>(best);
  result->probability = 1.0f / sum;
  result->unknown = result->probability < instance.task.unknown_threshold ? 1 : 0;
}

// Enters the first difference of a vector, and the largest of all logits.
void Compare(const ei_bert_golden_vector& vector, const ei_bert_result& result,
             ei_bert_self_test_report* report) {
  bool is_equal = true;
  for (uint32_t label = 0; label < instance.task.classes; ++label) {
    const int32_t expected = +vector.logits[label];
    const int32_t found = +result.logits[label];
    const int32_t distance = expected > found ? expected - found : found - expected;
    if (distance > report->largest_difference) report->largest_difference = distance;
    if (distance != 0 && is_equal) {
      is_equal = false;
      ei_bert_self_test_differs(report, EI_BERT_SELF_TEST_LOGITS,
                                static_cast<int32_t>(label), expected, found);
    }
  }
  uint32_t label = EI_BERT_GOLDEN_NO_LABEL;
  if (result.label >= 0) {
    label = static_cast<uint32_t>(result.label);
    if (result.unknown != 0) label |= EI_BERT_GOLDEN_UNKNOWN;
  }
  if (is_equal && label != vector.label) {
    ei_bert_self_test_differs(report, EI_BERT_SELF_TEST_LABEL, 0,
                              static_cast<int32_t>(vector.label),
                              static_cast<int32_t>(label));
  }
}

}  // namespace

int32_t ei_bert_init(uint8_t* arena, size_t arena_bytes) {
  const int32_t status = Stop(arena, arena_bytes);
  if (status != EI_BERT_OK) return status;
  if (ei_bert_crc32(0, ei_bert_model, ei_bert_model_bytes) != EI_BERT_MODEL_CRC32) {
    return EI_BERT_MODEL_CHECKSUM;
  }
  if (ei_bert_trie_crc32(&ei_bert_model_vocabulary) != EI_BERT_VOCABULARY_CRC32) {
    return EI_BERT_VOCABULARY_CHECKSUM;
  }
  instance.vocabulary = ei_bert_model_vocabulary;
  instance.task = ei_bert_model_task;
  return Start(ei_bert_model, ei_bert_model_bytes, arena, arena_bytes);
}

int32_t ei_bert_init_blob(const ei_bert_blob* blob, uint8_t* arena,
                          size_t arena_bytes) {
  int32_t status = Stop(arena, arena_bytes);
  if (status != EI_BERT_OK) return status;
  if (blob == nullptr) return EI_BERT_NULL;
  if (!Aligned(blob)) return EI_BERT_BLOB_ALIGNMENT;  // Its header can't be read.
  status = ei_bert_blob_check(blob, blob->blob_bytes);
  if (status != EI_BERT_OK) return status;
  size_t model_bytes = 0;
  ei_bert_blob_vocabulary(blob, &instance.vocabulary);
  ei_bert_blob_task(blob, &instance.task);
  const uint8_t* model = ei_bert_blob_model(blob, &model_bytes);
  return Start(model, model_bytes, arena, arena_bytes);
}

int32_t ei_bert_classify(const char* text, size_t text_bytes, const char* pair,
                         size_t pair_bytes, ei_bert_result* result) {
  if (instance.ready == nullptr) return EI_BERT_NOT_READY;
  if (result == nullptr) return EI_BERT_NULL;
  if ((pair != nullptr) != HasFlag(EI_BERT_FLAG_PAIR)) return EI_BERT_TASK;
  int32_t* segment_ids = nullptr;
  if (instance.segment_ids != nullptr) segment_ids = instance.segment_ids->data.i32;
  const int32_t tokens =
      ei_bert_tokenize_with(&instance.vocabulary, text, text_bytes, pair, pair_bytes,
                            instance.ids->data.i32, instance.mask->data.i32,
                            segment_ids, instance.task.max_tokens);
  if (tokens < 0) return tokens;
  if (instance.ready->Invoke() != kTfLiteOk) return EI_BERT_INFERENCE;
  Finish(result);
  return EI_BERT_OK;
}

int32_t ei_bert_self_test(ei_bert_self_test_report* report) {
  ei_bert_self_test_report own;
  if (report == nullptr) report = &own;
  ei_bert_self_test_begin(report);
  if (instance.ready == nullptr) return EI_BERT_NOT_READY;
  ei_bert_golden_vector vector;
  size_t place = 0;
  int read;
  while ((read = ei_bert_golden_next(&instance.task, &place, &vector)) > 0) {
    ++report->vectors;
    const size_t max_tokens = instance.task.max_tokens;
    // The inputs' own memory, which classify writes again.
    const int32_t tokens = ei_bert_tokenize_with(
        &instance.vocabulary, vector.text, vector.text_bytes, vector.pair,
        vector.pair_bytes, instance.ids->data.i32, nullptr, nullptr, max_tokens);
    if (!ei_bert_self_test_ids(&vector, instance.ids->data.i32, tokens, report)) {
      continue;
    }
    ei_bert_result result;
    const int32_t status = ei_bert_classify(vector.text, vector.text_bytes, vector.pair,
                                            vector.pair_bytes, &result);
    if (status != EI_BERT_OK) return status;
    Compare(vector, result, report);
  }
  return ei_bert_self_test_end(report, read);
}

const char* ei_bert_label(int32_t label) {
  const bool is_ready = instance.ready != nullptr;
  return ei_bert_task_label(is_ready ? &instance.task : &ei_bert_model_task, label);
}

size_t ei_bert_arena_used_bytes(void) {
  return instance.ready == nullptr ? 0 : instance.ready->arena_used_bytes();
}
