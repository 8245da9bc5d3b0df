# cgv_shader(NAME [SOURCE DEFINE...]): compile shaders/NAME.comp, or SOURCE.comp with these macros,
# to SPIR-V and embed it in the library as the constant `cgv_shader_NAME` declared in the generated
# header shaders.h.
set(CGV_SHADER_DIR ${CMAKE_BINARY_DIR}/shaders)
set(CGV_SHADER_HEADER ${CGV_SHADER_DIR}/shaders.h)
file(WRITE ${CGV_SHADER_HEADER}.new "// Generated: the embedded compute shaders.\n#pragma once\n#include \"gpu/shader.h\"\n")

function(cgv_shader name)
  list(POP_FRONT ARGN stem)
  if(NOT stem)
    set(stem ${name})
  endif()
  list(TRANSFORM ARGN PREPEND -D)
  set(source ${CMAKE_SOURCE_DIR}/shaders/${stem}.comp)
  set(spirv ${CGV_SHADER_DIR}/${name}.spv)
  set(embedded ${CGV_SHADER_DIR}/${name}.spv.c)
  file(GLOB includes CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/shaders/include/*.h ${CMAKE_SOURCE_DIR}/shaders/include/*.glsl)
  add_custom_command(OUTPUT ${embedded} BYPRODUCTS ${spirv}
    COMMAND ${GLSLANG} -V --quiet --target-env vulkan1.2 ${ARGN} -I${CMAKE_SOURCE_DIR}/shaders/include
            -o ${spirv} ${source}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DIN=${spirv} -DOUT=${embedded} -P ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    DEPENDS ${source} ${includes} ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    COMMENT "Shader ${name}" VERBATIM)
  target_sources(cgvideo PRIVATE ${embedded})
  file(APPEND ${CGV_SHADER_HEADER}.new "extern const cgv_shader cgv_shader_${name};\n")
endfunction()

# cgv_shader_compiled(NAME): embed shaders/matrix/NAME.spv, which is kept compiled because Debian 12's
# glslang does not know its extensions. tests/check_matrix_spirv.sh compares it with its source.
function(cgv_shader_compiled name)
  set(spirv ${CMAKE_SOURCE_DIR}/shaders/matrix/${name}.spv)
  set(embedded ${CGV_SHADER_DIR}/${name}.spv.c)
  add_custom_command(OUTPUT ${embedded}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DIN=${spirv} -DOUT=${embedded} -P ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    DEPENDS ${spirv} ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    COMMENT "Shader ${name}" VERBATIM)
  target_sources(cgvideo PRIVATE ${embedded})
  file(APPEND ${CGV_SHADER_HEADER}.new "extern const cgv_shader cgv_shader_${name};\n")
endfunction()

# After the last cgv_shader: replace the header only when it changed, so that nothing is rebuilt.
function(cgv_shaders_done)
  file(COPY_FILE ${CGV_SHADER_HEADER}.new ${CGV_SHADER_HEADER} ONLY_IF_DIFFERENT)
  target_include_directories(cgvideo PRIVATE ${CGV_SHADER_DIR})
endfunction()
