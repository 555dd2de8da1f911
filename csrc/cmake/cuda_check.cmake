# Compiles every CUDA kernel of csrc/ops for sm_80 and sm_90, without a GPU and without a CUDA torch.
#
#   cmake -DSOURCE_DIR=<repository root> -DOUT_DIR=<folder for objects> -P csrc/cmake/cuda_check.cmake
#
# Where no nvcc is found it says so in one line and succeeds: kernels hold no arithmetic of their
# own, so the CPU tests cover what they compute. Warnings are shown; errors fail the check.
cmake_minimum_required(VERSION 3.22)

foreach(required SOURCE_DIR OUT_DIR)
  if(NOT DEFINED ${required})
    message(FATAL_ERROR "cuda-check: ${required} must be set; pass -D${required}=<folder>")
  endif()
endforeach()

file(GLOB toolkit_folders LIST_DIRECTORIES true /usr/local/cuda*)
list(SORT toolkit_folders COMPARE NATURAL ORDER DESCENDING)
set(hints "")
foreach(root IN LISTS toolkit_folders)
  list(APPEND hints ${root}/bin)
endforeach()

set(nvcc "")
if(DEFINED ENV{CUDACXX} AND EXISTS "$ENV{CUDACXX}")
  set(nvcc "$ENV{CUDACXX}")
else()
  find_program(found_nvcc nvcc HINTS ENV CUDA_PATH PATH_SUFFIXES bin PATHS ${hints})
  if(found_nvcc)
    set(nvcc "${found_nvcc}")
  endif()
endif()
if(NOT nvcc)
  message("cuda-check: skipped, no nvcc in PATH, CUDACXX, CUDA_PATH or /usr/local/cuda*")
  return()
endif()

file(GLOB kernels ${SOURCE_DIR}/csrc/ops/*.cu)
if(NOT kernels)
  message(FATAL_ERROR "cuda-check: ${SOURCE_DIR}/csrc/ops must hold .cu files; found none; "
                      "set SOURCE_DIR to the repository root")
endif()
file(MAKE_DIRECTORY ${OUT_DIR})

set(failed "")
foreach(kernel IN LISTS kernels)
  get_filename_component(name ${kernel} NAME_WE)
  foreach(arch 80 90)
    # --fmad=false keeps the bytes equal to those of the CPU; the real build passes it as well.
    execute_process(
      COMMAND ${nvcc} -std=c++17 -O2 --fmad=false -arch=sm_${arch} -Xcompiler=-Wall,-Wextra
              -I ${SOURCE_DIR}/csrc -c ${kernel} -o ${OUT_DIR}/${name}.sm_${arch}.o
      RESULT_VARIABLE status)
    if(status EQUAL 0)
      message("cuda-check: ${name}.cu compiles for sm_${arch}")
    else()
      list(APPEND failed ${name}.cu:sm_${arch})
    endif()
  endforeach()
endforeach()
if(failed)
  message(FATAL_ERROR "cuda-check: did not compile: ${failed}")
endif()
