# make demo    set up what is missing, render faces of nobody, anonymise a photograph (or PHOTOS=folder), write demo/index.html
# make test    set up what is missing and run everything that CI runs
# Debian 12 and Python 3.10 or newer; apt-get is used as root or through sudo.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
JOBS ?= 2
PHOTOS ?=
FUZZ_SECONDS ?= 300
TORCH := torch==2.13.0

APT := build-essential g++ cmake libopencv-dev libxtensor-dev libgtest-dev libbenchmark-dev nlohmann-json3-dev \
       libarchive-dev libssl-dev libjpeg62-turbo-dev libpng-dev libwebp-dev zlib1g-dev pkg-config ccache python3-venv

# Everything that the build reads; a change installs the package again.
SOURCES := CMakeLists.txt pyproject.toml $(shell find csrc python models tests/cpp tests/benchmarks examples \
             -type f -not -name '*.pyc' -not -name '*.so' 2>/dev/null)

.PHONY: help setup build demo test lint wheel sanitize fuzz cuda-check clean stub bench

help:
	@sed -n 's/^# make/make/p' Makefile

# ---- set-up ------------------------------------------------------------------------------------------------

build/.apt: Makefile
	mkdir -p build
	missing=$$(for p in $(APT); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$sudo apt-get update -q; \
	  DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -q --no-install-recommends $$missing; \
	fi
	touch $@

# torch first and by its exact version: any other range may bring another build of several gigabytes.
build/.venv: pyproject.toml | build/.apt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip
	$(BIN)/python -m pip install -q $(TORCH) numpy 'scikit-build-core>=0.11' ninja
	$(BIN)/python -m pip install -q typer rich jinja2 typing-extensions \
	  pytest hypothesis safetensors ruff mypy clang-format==14.0.6 scikit-image scipy pillow nbclient nbformat ipykernel \
	  pybind11-stubgen onnx dlib-bin piexif pyarrow webdataset opencv-python-headless
	$(BIN)/python -c "import torch; v = torch.__version__; assert v.startswith('2.13.0'), v"
	touch $@

setup: build/.apt build/.venv

build/.installed: $(SOURCES) | build/.venv
	CMAKE_BUILD_PARALLEL_LEVEL=$(JOBS) GUISE_TESTS=ON $(BIN)/python -m pip install -q --no-build-isolation --no-deps \
	  --force-reinstall .
	touch $@

build: build/.installed

CPP_BUILD = $(firstword $(wildcard build/cp*-linux_x86_64))

# ---- demo --------------------------------------------------------------------------------------------------

demo: build/.installed
	$(BIN)/python -m guise.demo --out demo $(if $(PHOTOS),--photos "$(PHOTOS)")

# ---- test --------------------------------------------------------------------------------------------------

lint: build/.installed
	git ls-files 'csrc/*.h' 'csrc/*.cpp' 'csrc/*.cu' 'csrc/*.cuh' 'tests/*.h' 'tests/*.cpp' 'examples/*.cpp' \
	  | xargs $(BIN)/clang-format --dry-run -Werror
	$(BIN)/ruff check python tests examples docs
	$(BIN)/ruff format --check python tests examples docs
	$(BIN)/mypy

# nvcc is looked for in CMake's usual places; without one this prints a line and succeeds.
cuda-check: | build/.apt
	cmake -DSOURCE_DIR="$(CURDIR)" -DOUT_DIR="$(CURDIR)/build/cuda-check" -P csrc/cmake/cuda_check.cmake

test: build/.installed
	@started=$$SECONDS; lap() { echo "== $$1: $$((SECONDS - started)) s since the start"; }; \
	lap build; \
	$(MAKE) --no-print-directory lint; lap lint; \
	$(MAKE) --no-print-directory cuda-check; lap cuda-check; \
	build_dir=$$(ls -d build/cp*-linux_x86_64 | head -1); \
	"$$build_dir/tests/cpp/guise_tests" --gtest_brief=1; lap 'C++ tests'; \
	$(BIN)/python -m pytest -q; lap 'Python tests'

# ---- more --------------------------------------------------------------------------------------------------

wheel: build/.venv
	CMAKE_BUILD_PARALLEL_LEVEL=$(JOBS) $(BIN)/python -m pip wheel -q --no-build-isolation --no-deps -w dist .
	ls -l dist/*.whl

# The C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer.
sanitize: build/.venv
	cmake -S . -B build/sanitize -G Ninja -DCMAKE_MAKE_PROGRAM=$(BIN)/ninja -DGUISE_SANITIZE=ON -DGUISE_TESTS=ON -DGUISE_PYTHON=OFF \
	  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPython_EXECUTABLE=$(BIN)/python > build/sanitize.log
	cmake --build build/sanitize --target guise_tests -j $(JOBS)
	ASAN_OPTIONS=detect_leaks=0:detect_container_overflow=0 build/sanitize/tests/cpp/guise_tests --gtest_brief=1

# The parsers under libFuzzer with both sanitizers, FUZZ_SECONDS in all.
fuzz: build/.venv
	command -v clang++ >/dev/null || { sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -q clang libclang-rt-14-dev; }
	CXX=clang++ CC=clang cmake -S . -B build/fuzz -G Ninja -DCMAKE_MAKE_PROGRAM=$(BIN)/ninja -DGUISE_FUZZ=ON -DGUISE_PYTHON=OFF \
	  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPython_EXECUTABLE=$(BIN)/python > build/fuzz.log
	cmake --build build/fuzz --target fuzz_image fuzz_safetensors fuzz_verification_bin -j $(JOBS)
	$(BIN)/python tests/fuzz/make_seeds.py build/fuzz/seeds
	for target in image safetensors verification_bin; do mkdir -p build/fuzz/corpus_$$target; \
	  build/fuzz/tests/fuzz/fuzz_$$target -detect_leaks=0 -max_total_time=$$(($(FUZZ_SECONDS) / 3)) -rss_limit_mb=4096 -print_final_stats=1 \
	    build/fuzz/corpus_$$target build/fuzz/seeds/$$target; done

stub: build/.installed
	$(BIN)/python csrc/bindings/generate_stub.py

clean:
	rm -rf build dist demo
