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
  cgv_compile_shader(cgvideo ${CGV_SHADER_DIR} ${name} ${stem} ${ARGN})
  cgv_declare_shader(${name} ${stem} ${ARGN})
endfunction()

# The same into a source of TARGET in the folder DIR, with these flags of glslang.
function(cgv_compile_shader target dir name stem)
  set(source ${CMAKE_SOURCE_DIR}/shaders/${stem}.comp)
  set(spirv ${dir}/${name}.spv)
  set(embedded ${dir}/${name}.spv.c)
  file(GLOB includes CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/shaders/include/*.h ${CMAKE_SOURCE_DIR}/shaders/include/*.glsl)
  add_custom_command(OUTPUT ${embedded} BYPRODUCTS ${spirv}
    COMMAND ${GLSLANG} -V --quiet --target-env vulkan1.2 ${ARGN} -I${CMAKE_SOURCE_DIR}/shaders/include
            -o ${spirv} ${source}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DIN=${spirv} -DOUT=${embedded} -P ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    DEPENDS ${source} ${includes} ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    COMMENT "Shader ${name}" VERBATIM)
  target_sources(${target} PRIVATE ${embedded})
endfunction()

# In shaders.h; and for other builds of it the global properties CGV_SHADERS, all names, and
# CGV_SHADER_NAME, the rest of its line.
function(cgv_declare_shader name)
  file(APPEND ${CGV_SHADER_HEADER}.new "extern const cgv_shader cgv_shader_${name};\n")
  set_property(GLOBAL APPEND PROPERTY CGV_SHADERS ${name})
  set_property(GLOBAL PROPERTY CGV_SHADER_${name} ${ARGN})
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
  cgv_declare_shader(${name})
endfunction()

# After the last cgv_shader: replace the header only when it changed, so that nothing is rebuilt.
function(cgv_shaders_done)
  file(COPY_FILE ${CGV_SHADER_HEADER}.new ${CGV_SHADER_HEADER} ONLY_IF_DIFFERENT)
  target_include_directories(cgvideo PRIVATE ${CGV_SHADER_DIR})
endfunction()
