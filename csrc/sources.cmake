# Every source of the core, rung by rung, in the order of the flows (csrc/README.md).
set(GUISE_CORE_SOURCES
  # core
  csrc/core/geometry.cpp csrc/core/image.cpp csrc/core/random.cpp csrc/core/device.cpp csrc/core/allocator.cpp csrc/core/cv_bridge.cpp csrc/core/image_pyramid.cpp
  # io
  csrc/io/posix_file.cpp csrc/io/atomic_file.cpp csrc/io/sha256.cpp
  csrc/io/image_header.cpp csrc/io/exif_orientation.cpp csrc/io/jpeg_codec.cpp csrc/io/png_codec.cpp
  csrc/io/webp_codec.cpp csrc/io/bmp_codec.cpp csrc/io/read_image.cpp csrc/io/write_image.cpp
  csrc/io/safetensors_header.cpp csrc/io/safetensors.cpp
  # ops
  csrc/ops/argument_checks.cpp
  csrc/ops/warp_affine.cpp csrc/ops/warp_affine_cpu.cpp
  csrc/ops/nms.cpp csrc/ops/nms_cpu.cpp csrc/ops/nms_greedy.cpp
  csrc/ops/pixelate.cpp csrc/ops/pixelate_cpu.cpp
  csrc/ops/gaussian_blur.cpp csrc/ops/gaussian_blur_cpu.cpp
  csrc/ops/feather_blend.cpp csrc/ops/feather_blend_cpu.cpp
  # nets
  csrc/nets/weights.cpp csrc/nets/row_kernels.cpp csrc/nets/row_pipeline.cpp csrc/nets/onnx_net.cpp csrc/nets/face_candidate.cpp
  csrc/nets/yunet.cpp csrc/nets/yunet_detector.cpp csrc/nets/centerface_detector.cpp
  csrc/nets/open_face_detector.cpp
  # detect
  csrc/stages/detect_faces.cpp
  # align
  csrc/stages/align_face.cpp
  # obscure
  csrc/stages/obscure_face.cpp
  # pipelines
  csrc/pipelines/anonymize_image.cpp csrc/pipelines/photo_list.cpp csrc/pipelines/anonymize_photo.cpp
  csrc/pipelines/collection_report.cpp csrc/pipelines/anonymize_collection.cpp)

# Rates of these loops rest on fused multiply-adds, which the rest of the core does without.
set_source_files_properties(csrc/nets/row_kernels.cpp PROPERTIES
  COMPILE_OPTIONS "-ffp-contract=fast;-Wno-psabi" SKIP_PRECOMPILE_HEADERS ON)

if(guise_with_cuda)
  enable_language(CUDA)
  list(APPEND GUISE_CORE_SOURCES csrc/ops/with_cuda.cpp csrc/ops/warp_affine_cuda.cu csrc/ops/nms_cuda.cu
       csrc/ops/pixelate_cuda.cu csrc/ops/gaussian_blur_cuda.cu csrc/ops/feather_blend_cuda.cu)
else()
  list(APPEND GUISE_CORE_SOURCES csrc/ops/no_cuda.cpp)
endif()

set(GUISE_BINDING_SOURCES
  csrc/bindings/module.cpp csrc/bindings/bind_errors.cpp csrc/bindings/bind_core.cpp
  csrc/bindings/bind_options.cpp csrc/bindings/bind_io.cpp csrc/bindings/bind_ops.cpp
  csrc/bindings/bind_stages.cpp csrc/bindings/bind_pipelines.cpp)
