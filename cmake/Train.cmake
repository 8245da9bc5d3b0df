# Generated sources of src/train: TensorBoard's messages, and the page of a run. (A custom command
# must be in the folder of its target.)
set(CGV_TRAIN_SOURCE ${CMAKE_SOURCE_DIR}/src/train)
set(CGV_TRAIN_DIR ${CMAKE_BINARY_DIR}/generated/train)
file(MAKE_DIRECTORY ${CGV_TRAIN_DIR})
add_custom_command(OUTPUT ${CGV_TRAIN_DIR}/events.pb-c.c ${CGV_TRAIN_DIR}/events.pb-c.h
  COMMAND ${PROTOC_C} --c_out=${CGV_TRAIN_DIR} --proto_path=${CGV_TRAIN_SOURCE} events.proto
  DEPENDS ${CGV_TRAIN_SOURCE}/events.proto VERBATIM)
add_custom_command(OUTPUT ${CGV_TRAIN_DIR}/report.html.c
  COMMAND ${CMAKE_COMMAND} -DNAME=cgv_report_page -DIN=${CGV_TRAIN_SOURCE}/report.html
          -DOUT=${CGV_TRAIN_DIR}/report.html.c -P ${CMAKE_SOURCE_DIR}/cmake/EmbedText.cmake
  DEPENDS ${CGV_TRAIN_SOURCE}/report.html ${CMAKE_SOURCE_DIR}/cmake/EmbedText.cmake VERBATIM)
target_sources(cgvideo PRIVATE ${CGV_TRAIN_DIR}/events.pb-c.c ${CGV_TRAIN_DIR}/report.html.c)
# As a system folder: what protoc writes is not held to our rules.
target_include_directories(cgvideo SYSTEM PRIVATE ${CMAKE_BINARY_DIR}/generated)
