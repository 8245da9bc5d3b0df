# cgv_protocol(LAYER NAME): compile src/LAYER/NAME.proto, for the library to include as
# "LAYER/NAME.pb-c.h". (A custom command must be in the folder of its target.)
function(cgv_protocol layer name)
  set(source ${CMAKE_SOURCE_DIR}/src/${layer})
  set(generated ${CMAKE_BINARY_DIR}/generated/${layer})
  file(MAKE_DIRECTORY ${generated})
  add_custom_command(OUTPUT ${generated}/${name}.pb-c.c ${generated}/${name}.pb-c.h
    COMMAND ${PROTOC_C} --c_out=${generated} --proto_path=${source} ${name}.proto
    DEPENDS ${source}/${name}.proto VERBATIM)
  target_sources(cgvideo PRIVATE ${generated}/${name}.pb-c.c)
endfunction()

# For other targets that compile them too.
add_custom_target(cgv_protocols DEPENDS ${CMAKE_BINARY_DIR}/generated/model/onnx.pb-c.c)

cgv_protocol(model onnx)   # the files of src/model/onnx.h
cgv_protocol(train events) # TensorBoard's
# As a system folder: what protoc writes is not held to our rules.
target_include_directories(cgvideo SYSTEM PRIVATE ${CMAKE_BINARY_DIR}/generated)
