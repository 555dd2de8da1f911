# GUISE_SANITIZE=ON builds everything of ours with AddressSanitizer and UndefinedBehaviorSanitizer.
if(GUISE_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=address,undefined)
endif()
