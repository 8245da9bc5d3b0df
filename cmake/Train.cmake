# The page of a run, which src/train writes.
set(CGV_TRAIN_SOURCE ${CMAKE_SOURCE_DIR}/src/train)
set(CGV_TRAIN_DIR ${CMAKE_BINARY_DIR}/generated/train)
file(MAKE_DIRECTORY ${CGV_TRAIN_DIR})
add_custom_command(OUTPUT ${CGV_TRAIN_DIR}/report.html.c
  COMMAND ${CMAKE_COMMAND} -DNAME=cgv_report_page -DIN=${CGV_TRAIN_SOURCE}/report.html
          -DOUT=${CGV_TRAIN_DIR}/report.html.c -P ${CMAKE_SOURCE_DIR}/cmake/EmbedText.cmake
  DEPENDS ${CGV_TRAIN_SOURCE}/report.html ${CMAKE_SOURCE_DIR}/cmake/EmbedText.cmake VERBATIM)
target_sources(cgvideo PRIVATE ${CGV_TRAIN_DIR}/report.html.c)
