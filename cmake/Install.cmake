# cmake --install: the library, its headers, cgvideo.pc and the models. (src/app installs the
# program.)
install(TARGETS cgvideo ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/cgvideo DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)

install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/cgvideo/models OPTIONAL
        FILES_MATCHING PATTERN *.safetensors)

# Who links the static library needs what it needs; who links the shared one does not.
if(BUILD_SHARED_LIBS)
  set(private .private)
else()
  set(more_libs " -lm -lpthread -ldl")
endif()
# The prefix as seen from cgvideo.pc, so that an installed tree may be moved.
string(REGEX REPLACE "[^/]+" ".." up_to_prefix ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
configure_file(cmake/cgvideo.pc.in cgvideo.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/cgvideo.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
