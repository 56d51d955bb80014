# SPDX-License-Identifier: Apache-2.0
# bpf_skeleton(TARGET SOURCE HEADERS…): compiles SOURCE for the BPF machine and embeds the object as
# a libbpf skeleton, "<name>.skel.h", in the include path of whoever links TARGET.
find_program(BPF_CLANG NAMES clang-14 clang REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin REQUIRED)
find_program(LLVM_STRIP NAMES llvm-strip-14 llvm-strip REQUIRED)

function(bpf_skeleton target source)
    get_filename_component(name ${source} NAME_WE)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
    set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/include/${name}.skel.h)
    # -mcpu=v3: compare-and-swap (kernel 5.12) and 32-bit jumps. asm/ headers are in the multiarch folder.
    # Strip takes DWARF out, with this machine's paths, and leaves BTF.
    add_custom_command(
        OUTPUT ${object}
        COMMAND ${BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror
                -fdebug-prefix-map=${PROJECT_SOURCE_DIR}=.
                -I${PROJECT_SOURCE_DIR} -isystem /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
                -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
        COMMAND ${LLVM_STRIP} -g ${object}
        DEPENDS ${source} ${ARGN}
        VERBATIM)
    add_custom_command(
        OUTPUT ${skeleton}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/include
        COMMAND sh -c "'${BPFTOOL}' gen skeleton '${object}' name ${name}_bpf > '${skeleton}'"
        DEPENDS ${object}
        VERBATIM)
    add_custom_target(${target}_generate DEPENDS ${skeleton})
    add_library(${target} INTERFACE)
    add_dependencies(${target} ${target}_generate)
    target_include_directories(${target} SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR}/include)
endfunction()
