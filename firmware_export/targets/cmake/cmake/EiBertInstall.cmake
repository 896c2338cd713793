include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(config_folder "${CMAKE_INSTALL_LIBDIR}/cmake/ei_bert")
install(DIRECTORY include/ DESTINATION include)
install(FILES ei_bert.blob DESTINATION "${CMAKE_INSTALL_DATADIR}/ei_bert")
# Two export sets, because the classifier exists only where TFLM is named.
foreach(part tokenizer classifier)
  if(TARGET ei_bert_${part})
    install(TARGETS ei_bert_${part} EXPORT ei_bert_${part}
      ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
    install(EXPORT ei_bert_${part} NAMESPACE ei_bert::
      FILE ei_bert-${part}.cmake
      DESTINATION "${config_folder}")
  endif()
endforeach()
configure_package_config_file(cmake/ei_bertConfig.cmake.in ei_bertConfig.cmake
  INSTALL_DESTINATION "${config_folder}")
write_basic_package_version_file(ei_bertConfigVersion.cmake
  COMPATIBILITY SameMajorVersion)
install(FILES
  cmake/EiBertTflm.cmake
  "${PROJECT_BINARY_DIR}/ei_bertConfig.cmake"
  "${PROJECT_BINARY_DIR}/ei_bertConfigVersion.cmake"
  DESTINATION "${config_folder}")
