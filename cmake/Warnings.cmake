# SPDX-License-Identifier: Apache-2.0
# meetfence_library(NAME SOURCES… ) and meetfence_program(NAME SOURCES…): the one place for flags.
# -g1: backtraces have functions and lines. Variables would take a quarter of the time of a build, for core dumps that the
# unit does not allow, since addresses would be in them.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
add_library(meetfence_flags INTERFACE)
target_compile_options(meetfence_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow=local -Wnon-virtual-dtor -Werror
    # Designated initialisers leave members out on purpose; the language zeroes them.
    -Wno-missing-field-initializers)
target_include_directories(meetfence_flags INTERFACE ${PROJECT_SOURCE_DIR})
# The same program wherever it is built: no folder of the builder's in it.
target_compile_options(meetfence_flags INTERFACE -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
if(MEETFENCE_SANITIZE)
    target_compile_options(meetfence_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
                                                     -fno-omit-frame-pointer)
    target_link_options(meetfence_flags INTERFACE -fsanitize=address,undefined)
else()
    # What Debian builds its network daemons with (dpkg-buildflags, hardening=+all), tests included: they try what ships.
    target_compile_options(meetfence_flags INTERFACE
        -fPIE -fstack-protector-strong -fstack-clash-protection
        $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection>
        # Fortify counts sizes while it optimises, and warns where it cannot.
        $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
    target_link_options(meetfence_flags INTERFACE -pie -Wl,-z,relro,-z,now)
endif()

function(meetfence_library name)
    add_library(${name} STATIC ${ARGN})
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
    target_link_libraries(${name} PRIVATE meetfence_flags)
endfunction()

function(meetfence_program name)
    add_executable(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE meetfence_flags)
endfunction()
