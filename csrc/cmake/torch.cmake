# Finds the LibTorch that the interpreter's torch carries, and refuses what cannot work, with a sentence.
# Sets TORCH_LIBRARIES, GUISE_TORCH_VERSION and, for the module, TORCH_PYTHON_LIBRARY.
find_package(Python COMPONENTS Interpreter Development.Module REQUIRED)
execute_process(
  COMMAND "${Python_EXECUTABLE}" -c "import torch; print(torch.utils.cmake_prefix_path); print(torch.__version__)"
  OUTPUT_VARIABLE guise_torch_facts ERROR_VARIABLE guise_torch_error
  RESULT_VARIABLE guise_torch_status OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT guise_torch_status EQUAL 0)
  message(FATAL_ERROR
    "guise builds against the torch of ${Python_EXECUTABLE}, which has none. Run "
    "'pip install torch==2.13.0', then 'pip install --no-build-isolation .'\n${guise_torch_error}")
endif()
string(REPLACE "\n" ";" guise_torch_facts "${guise_torch_facts}")
list(GET guise_torch_facts 0 guise_torch_prefix)
list(GET guise_torch_facts 1 GUISE_TORCH_VERSION)
if(NOT GUISE_TORCH_VERSION MATCHES "^2\\.13\\.")
  message(FATAL_ERROR "guise needs torch 2.13; got ${GUISE_TORCH_VERSION}. Run 'pip install torch==2.13.0'.")
endif()

# find_package(Torch) overrides the architectures unless they are set before it.
if(NOT DEFINED ENV{TORCH_CUDA_ARCH_LIST} AND NOT DEFINED TORCH_CUDA_ARCH_LIST)
  set(TORCH_CUDA_ARCH_LIST "8.0;9.0")
endif()
list(APPEND CMAKE_PREFIX_PATH "${guise_torch_prefix}")
find_package(Torch REQUIRED)
if(TORCH_CXX_FLAGS MATCHES "_GLIBCXX_USE_CXX11_ABI=0")
  message(FATAL_ERROR "this torch uses the old C++ ABI, which OpenCV does not; install torch 2.13.0 from PyPI")
endif()
# torch's targets hand nvcc flags it does not know to every language; ours are set per language.
set_property(TARGET torch_cpu PROPERTY INTERFACE_COMPILE_OPTIONS "")
# torch_python belongs to the module alone; the core, its tests and the examples run without Python.
find_library(TORCH_PYTHON_LIBRARY torch_python PATHS "${TORCH_INSTALL_PREFIX}/lib" NO_DEFAULT_PATH REQUIRED)
