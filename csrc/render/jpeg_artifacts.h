// What JPEG does to a picture: encoded and decoded again.
#pragma once

#include <cstdint>

namespace guise::render {

// rgb: [size_px * size_px * 3], changed in place. quality: 1..100, as in libjpeg.
void add_jpeg_artifacts(uint8_t* rgb, int size_px, int quality);

}  // namespace guise::render
