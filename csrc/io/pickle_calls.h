// The calls by which numpy writes arrays and scalars of uint8 and bool, and Python 3 writes bytes
// below protocol 3. Their names are compared with a list; nothing is ever imported or called.
//
//   numpy[._]core.multiarray _reconstruct(ndarray, (0,), b'b') + state (1, shape, dtype, F, bytes)
//   numpy[._]core.numeric    _frombuffer(bytes, dtype, shape, order)
//   numpy[._]core.multiarray scalar(dtype, bytes)
//   numpy                    dtype('u1' or 'b1', ...) + state
//   _codecs                  encode(text, 'latin1')
#pragma once

#include <cstdint>
#include <string_view>

#include "io/pickle_values.h"

namespace guise::io {

enum class PickleName : int64_t { kReconstruct, kFromBuffer, kScalar, kNdarray, kDtype, kEncode };

// Throws CorruptFile that names module and name for any other pair.
PickleName find_pickle_name(std::string_view module, std::string_view name);

// What the call gives. `arguments` is a place in document.values. Throws CorruptFile for arguments
// of another kind, shape or length than numpy or Python would write.
PickleValue call_pickle_name(PickleDocument& document, PickleName name, uint32_t arguments);

// Sets the state of an array that was made by kReconstruct, or of a dtype. Throws as above.
void set_pickle_state(PickleDocument& document, uint32_t value, uint32_t state);

}  // namespace guise::io
