# Settles EI_BERT_TFLM_TARGET, for the build and for find_package alike: the user's
# target, or one that is made of the user's files.
if(EI_BERT_TFLM_LIBRARY AND NOT EI_BERT_TFLM_TARGET)
  if(NOT TARGET ei_bert_tflm)
    add_library(ei_bert_tflm INTERFACE IMPORTED)
    set_target_properties(ei_bert_tflm PROPERTIES
      # TFLM's own build defines it; it changes the layout of structs.
      INTERFACE_COMPILE_DEFINITIONS TF_LITE_STATIC_MEMORY
      INTERFACE_INCLUDE_DIRECTORIES "${EI_BERT_TFLM_INCLUDE_DIR}"
      INTERFACE_LINK_LIBRARIES "${EI_BERT_TFLM_LIBRARY}")
  endif()
  set(EI_BERT_TFLM_TARGET ei_bert_tflm)
endif()
if(EI_BERT_TFLM_TARGET AND NOT TARGET "${EI_BERT_TFLM_TARGET}")
  message(FATAL_ERROR
    "EI_BERT_TFLM_TARGET=${EI_BERT_TFLM_TARGET}: no such target; accepted: one that "
    "exists before ei_bert is added or found")
endif()
