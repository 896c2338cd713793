// Classifies the lines of the console with the newer blob of the two partitions, or with
// the firmware's own model where neither holds one that this firmware can run.
#include <cstdio>

#include "esp_partition.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "line_classifier.h"

namespace {

// The type that partitions.csv gives the slots.
constexpr auto kBlobType = static_cast<esp_partition_type_t>(0x40);

struct Slot {
  const void* address;
  size_t bytes;
};

void Write(const char* text) {
  std::fputs(text, stdout);
  std::fflush(stdout);
}

// Maps a partition for good; the blob in it is read in place.
Slot Map(const char* label) {
  const esp_partition_t* partition =
      esp_partition_find_first(kBlobType, ESP_PARTITION_SUBTYPE_ANY, label);
  if (partition == nullptr) return {nullptr, 0};
  const void* address = nullptr;
  esp_partition_mmap_handle_t handle;
  const esp_err_t error = esp_partition_mmap(
      partition, 0, partition->size, ESP_PARTITION_MMAP_DATA, &address, &handle);
  if (error != ESP_OK) return {nullptr, 0};
  return {address, partition->size};
}

}  // namespace

extern "C" void app_main() {
  const Slot a = Map("ei_bert_a");
  const Slot b = Map("ei_bert_b");
  const ei_bert_blob* blob = nullptr;
  const int32_t status =
      ei_bert_blob_select(a.address, a.bytes, b.address, b.bytes, &blob);
  Write("# slots: ");
  Write(ei_bert_status_text(status));
  Write("\n");
  bool is_ready = line_classifier_begin(Write, blob) == EI_BERT_OK;
  if (!is_ready && blob != nullptr) {
    is_ready = line_classifier_begin(Write, nullptr) == EI_BERT_OK;
  }
  if (!is_ready) return;
  while (true) {
    // Without a driver the console does not wait for input.
    const int byte = std::getchar();
    if (byte == EOF) {
      std::clearerr(stdin);
      vTaskDelay(1);
    } else {
      line_classifier_take(static_cast<char>(byte));
    }
  }
}
