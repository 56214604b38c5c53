// OpenSSL's libcrypto: HMAC-SHA-256, scrypt, and random bytes.
//
// The low-level SHA256_* calls are marked deprecated since 3.0 in favour of EVP, but only they keep their state in a plain
// struct: a keyed HMAC is then a value that is copied (112 bytes, no allocation, no lock), 25% quicker than a reused EVP_MAC.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
