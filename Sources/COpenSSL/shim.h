// OpenSSL: TLS, digests and signatures. What OpenSSL defines as macros, Swift sees as the functions below.
#pragma once
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

static inline long anneal_ssl_ctx_set_min_version_tls12(SSL_CTX *context) {
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

static inline void anneal_ssl_ctx_set_modes(SSL_CTX *context) {
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
}

// The keys of session tickets: 80 octets in OpenSSL 3. 1 on success.
static inline long anneal_ssl_ctx_copy_ticket_keys(SSL_CTX *from, SSL_CTX *to) {
  unsigned char keys[256];
  long length = SSL_CTX_get_tlsext_ticket_keys(from, NULL, 0);
  if (length <= 0 || length > (long)sizeof keys) return 0;
  long done = SSL_CTX_get_tlsext_ticket_keys(from, keys, length) == 1 && SSL_CTX_set_tlsext_ticket_keys(to, keys, length) == 1;
  OPENSSL_cleanse(keys, sizeof keys);
  return done;
}

static inline int anneal_err_is_http_request(unsigned long error) {
  return ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST;
}
