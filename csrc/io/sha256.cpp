// SHA-256 through OpenSSL's EVP interface.
//
// The trap: EVP calls report failure by their return value only; each is checked.
#include "io/sha256.h"

#include <openssl/evp.h>

#include <memory>
#include <vector>

#include "core/check.h"
#include "io/posix_file.h"

namespace guise::io {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;

void check_crypto(int status) {
  if (status != 1) throw Unavailable("libcrypto must offer SHA-256; install a full OpenSSL 3");
}

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    check_crypto(context_ != nullptr ? 1 : 0);
    check_crypto(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
  }

  void update(const uint8_t* data, size_t size) {
    check_crypto(EVP_DigestUpdate(context_.get(), data, size));
  }

  std::string finish() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    check_crypto(EVP_DigestFinal_ex(context_.get(), digest, &length));
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string hex;
    for (unsigned int i = 0; i < length; ++i) {
      hex.push_back(kDigits[digest[i] >> 4]);
      hex.push_back(kDigits[digest[i] & 15]);
    }
    return hex;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256_hex(const uint8_t* data, size_t size) {
  Sha256 hash;
  hash.update(data, size);
  return hash.finish();
}

std::string sha256_file(const std::string& path) {
  const FileDescriptor file = open_regular(path);
  std::vector<uint8_t> piece(kPieceBytes);
  Sha256 hash;
  size_t got = 0;
  do {
    got = read_up_to(file, piece.data(), piece.size(), path);
    hash.update(piece.data(), got);
  } while (got == piece.size());
  return hash.finish();
}

}  // namespace guise::io
