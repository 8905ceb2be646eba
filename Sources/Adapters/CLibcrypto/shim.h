#ifndef HALLMARK_CLIBCRYPTO_H
#define HALLMARK_CLIBCRYPTO_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

/* OPENSSL_* names that are macros and therefore invisible to Swift. */
static const int hallmark_public_selection = EVP_PKEY_PUBLIC_KEY;
static const int hallmark_keypair_selection = EVP_PKEY_KEYPAIR;
static inline void hallmark_clear_free(void *bytes, size_t count) { OPENSSL_clear_free(bytes, count); }

/* System calls that Swift cannot make itself (variadic, or behind macros). Each returns 1 for success. */

static inline int hallmark_forbid_core_files(void) {
  struct rlimit none = {0, 0};
  return setrlimit(RLIMIT_CORE, &none) == 0;
}

/* No core dumps, no ptrace by the same user, /proc/self owned by root. */
static inline int hallmark_forbid_tracing(void) {
#if defined(__linux__)
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
#else
  return 0;
#endif
}

/* Keeps the whole process out of swap. Only where no limit can make later allocations fail: with CAP_IPC_LOCK or an unlimited
   RLIMIT_MEMLOCK. Pages are locked as they are touched, so this costs no memory by itself. */
static inline int hallmark_lock_memory(void) {
#if defined(__linux__) && defined(MCL_ONFAULT)
  struct rlimit limit;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct capabilities[2] = {{0, 0, 0}, {0, 0, 0}};
  int unlimited = getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
  int capable = syscall(SYS_capget, &header, capabilities) == 0 && (capabilities[0].effective & (1u << CAP_IPC_LOCK)) != 0;
  if (!unlimited && !capable) return 0;
  return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
#else
  return 0;
#endif
}

#endif
