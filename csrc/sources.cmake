# Every source of the core, rung by rung, in the order of the flows (csrc/README.md).
set(GUISE_CORE_SOURCES
  # core
  csrc/core/geometry.cpp csrc/core/image.cpp csrc/core/random.cpp csrc/core/device.cpp csrc/core/run_tasks.cpp csrc/core/allocator.cpp csrc/core/cv_bridge.cpp csrc/core/image_pyramid.cpp
  # io
  csrc/io/posix_file.cpp csrc/io/atomic_file.cpp csrc/io/sha256.cpp
  csrc/io/image_header.cpp csrc/io/exif_orientation.cpp csrc/io/jpeg_codec.cpp csrc/io/png_codec.cpp
  csrc/io/webp_codec.cpp csrc/io/bmp_codec.cpp csrc/io/read_image.cpp csrc/io/write_image.cpp
  csrc/io/safetensors_header.cpp csrc/io/safetensors.cpp
  csrc/io/record_io.cpp csrc/io/tar_archive.cpp csrc/io/xmp.cpp
  csrc/io/pickle_text.cpp csrc/io/pickle_calls.cpp csrc/io/pickle_values.cpp csrc/io/verification_bin.cpp
  # ops
  csrc/ops/argument_checks.cpp
  csrc/ops/warp_affine.cpp csrc/ops/warp_affine_cpu.cpp
  csrc/ops/nms.cpp csrc/ops/nms_cpu.cpp csrc/ops/nms_greedy.cpp
  csrc/ops/pixelate.cpp csrc/ops/pixelate_cpu.cpp
  csrc/ops/gaussian_blur.cpp csrc/ops/gaussian_blur_cpu.cpp
  csrc/ops/feather_blend.cpp csrc/ops/feather_blend_cpu.cpp
  # nets
  csrc/nets/weights.cpp csrc/nets/row_kernels.cpp csrc/nets/row_pipeline.cpp csrc/nets/onnx_net.cpp csrc/nets/face_candidate.cpp
  csrc/nets/yunet.cpp csrc/nets/face_assignment.cpp csrc/nets/yunet_loss.cpp
  csrc/nets/sampled_classes.cpp csrc/nets/margin_loss.cpp csrc/nets/yunet_detector.cpp csrc/nets/centerface_detector.cpp
  csrc/nets/retinaface.cpp csrc/nets/retinaface_detector.cpp csrc/nets/six_d_rep_net.cpp
  csrc/nets/vec2face.cpp csrc/nets/vec2face_discriminator.cpp
  csrc/nets/vec2face_mask.cpp csrc/nets/pose_condition.cpp
  csrc/nets/packed_product.cpp csrc/nets/lane_kernels.cpp csrc/nets/picture_decoder.cpp
  csrc/nets/vec2face_inference.cpp
  csrc/nets/open_face_detector.cpp
  csrc/nets/layer_ops.cpp csrc/nets/inference_net.cpp csrc/nets/layer_graph.cpp csrc/nets/fold_layer_graph.cpp
  csrc/nets/recogniser_net.cpp csrc/nets/conv_units.cpp csrc/nets/iresnet.cpp csrc/nets/ir_backbone.cpp
  csrc/nets/mobilefacenet_layouts.cpp csrc/nets/mobilefacenet.cpp csrc/nets/inception_resnet.cpp
  csrc/nets/house_recogniser.cpp csrc/nets/recogniser_presets.cpp csrc/nets/open_face_embedder.cpp
  csrc/nets/face_measures.cpp csrc/nets/face_generator.cpp
  # renderer: who, skin, hair, light, camera
  csrc/render/head_model.cpp csrc/render/head_model_file.cpp csrc/render/five_point_shape.cpp
  csrc/render/skin_model.cpp csrc/render/skin_base.cpp csrc/render/skin_fine.cpp csrc/render/skin_placement.cpp
  csrc/render/skin_tables.cpp csrc/render/skin_spots.cpp csrc/render/skin_dress.cpp
  csrc/render/groom.cpp csrc/render/groom_roots.cpp csrc/render/groom_sites.cpp csrc/render/groom_shell.cpp
  csrc/render/hair_styles.cpp csrc/render/hair_cuts.cpp csrc/render/hair_seeds.cpp csrc/render/hair_strands.cpp
  csrc/render/hair_gathered.cpp csrc/render/hair_color.cpp csrc/render/brows_and_lashes.cpp csrc/render/beard.cpp
  csrc/render/keyed_noise.cpp csrc/render/mesh_builder.cpp
  csrc/render/clothing.cpp csrc/render/accessory_neck.cpp csrc/render/accessory_collars.cpp
  csrc/render/glasses.cpp csrc/render/accessory_frames.cpp csrc/render/hats.cpp csrc/render/accessory_shell.cpp
  csrc/render/accessory_headscarf.cpp csrc/render/earrings.cpp csrc/render/occluders.cpp
  csrc/render/accessory_face_wrap.cpp csrc/render/accessory_hand.cpp
  csrc/render/environment.cpp csrc/render/background.cpp csrc/render/background_canvas.cpp
  csrc/render/background_indoor.cpp csrc/render/background_outdoor.cpp
  csrc/render/recipe_options.cpp csrc/render/recipe_text.cpp csrc/render/draw_numbers.cpp
  csrc/render/draw_identity.cpp csrc/render/draw_features.cpp csrc/render/draw_photo.cpp
  csrc/render/draw_expression.cpp csrc/render/draw_hair_cut.cpp csrc/render/draw_wearing.cpp
  csrc/render/draw_light.cpp csrc/render/draw_camera.cpp
  csrc/render/camera.cpp csrc/render/shadow_map.cpp csrc/render/rasterizer.cpp
  csrc/render/shade_skin.cpp csrc/render/shade_eye.cpp csrc/render/shade_strand.cpp csrc/render/shade_material.cpp
  csrc/render/scene.cpp csrc/render/resolve.cpp csrc/render/film.cpp csrc/render/jpeg_artifacts.cpp
  csrc/render/draw_picture.cpp csrc/render/renderer.cpp
  # search
  csrc/search/identity_distribution.cpp csrc/search/separated_set.cpp csrc/search/sample_identities.cpp
  csrc/search/pack_vectors.cpp csrc/search/perturb_vectors.cpp csrc/search/refine_vector.cpp
  csrc/search/draw_faces.cpp
  # measures
  csrc/measure/arrays.cpp csrc/measure/error_curve.cpp csrc/measure/intervals.cpp
  csrc/measure/verification_folds.cpp csrc/measure/cosine_tiles.cpp csrc/measure/all_pairs.cpp
  csrc/measure/separation.cpp csrc/measure/identification.cpp
  # detect
  csrc/stages/detect_faces.cpp
  # align
  csrc/stages/align_face.cpp
  # obscure
  csrc/stages/obscure_face.cpp
  # estimate
  csrc/stages/estimate_pose.cpp
  # embed
  csrc/stages/embed_faces.cpp
  # assess
  csrc/stages/assess_quality.cpp
  # render
  csrc/stages/render_samples.cpp
  # generate
  csrc/stages/generate_samples.cpp
  # check
  csrc/stages/check_sample.cpp csrc/stages/check_identity.cpp
  # pipelines
  csrc/pipelines/anonymize_image.cpp csrc/pipelines/photo_list.cpp csrc/pipelines/anonymize_photo.cpp
  csrc/pipelines/collection_report.cpp csrc/pipelines/anonymize_collection.cpp
  csrc/pipelines/dataset_plan.cpp csrc/pipelines/dataset_shard.cpp csrc/pipelines/dataset_merge.cpp
  csrc/pipelines/dataset_folder.cpp csrc/pipelines/draw_identity_pictures.cpp
  csrc/pipelines/draw_identities.cpp
  csrc/pipelines/synthesize_dataset.cpp)

# Rates of these loops rest on fused multiply-adds, which the rest of the core does without.
set_source_files_properties(csrc/nets/row_kernels.cpp csrc/nets/packed_product.cpp
  csrc/nets/lane_kernels.cpp PROPERTIES
  COMPILE_OPTIONS "-ffp-contract=fast;-Wno-psabi" SKIP_PRECOMPILE_HEADERS ON)

# Square roots without a look at errno, and loops that may be vectorised; results are the same.
file(GLOB guise_render_sources RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" csrc/render/*.cpp)
set_source_files_properties(${guise_render_sources} PROPERTIES
  COMPILE_OPTIONS "-fno-math-errno;-fno-trapping-math" SKIP_PRECOMPILE_HEADERS ON)

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
  csrc/bindings/bind_stages.cpp csrc/bindings/bind_pipelines.cpp csrc/bindings/bind_render.cpp
  csrc/bindings/bind_dataset_io.cpp csrc/bindings/bind_dataset.cpp
  csrc/bindings/bind_measure.cpp csrc/bindings/bind_verification_bin.cpp
  csrc/bindings/bind_nets.cpp csrc/bindings/bind_detector_nets.cpp
  csrc/bindings/bind_generator_nets.cpp csrc/bindings/bind_losses.cpp
  csrc/bindings/bind_embed.cpp csrc/bindings/bind_generate.cpp)
