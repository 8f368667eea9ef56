#include "base/quarry.h"

#include <algorithm>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(from, bytes) ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(from, bytes) ((void)0)
#endif

namespace kinglet {

Quarry* Quarry::all = nullptr;

Quarry::~Quarry() {
  Quarry** at = &all;
  while (*at != this) at = &(*at)->other_;
  *at = other_;
}

void Quarry::give(std::byte* from, size_t bytes) {
  Span* before = nullptr;
  Span* after = first_;
  for (; after != nullptr && reinterpret_cast<std::byte*>(after) < from; after = after->next) before = after;
  // The grain after a buffer may be read.
  ASAN_POISON_MEMORY_REGION(from + kGrain, bytes - kGrain);
  auto ends_at = [](Span* span, const void* at) {
    return span != nullptr && reinterpret_cast<std::byte*>(span) + span->bytes == at;
  };
  if (ends_at(before, from))
    before->bytes += bytes;
  else
    before = (before != nullptr ? before->next : first_) = new (from) Span{after, bytes};
  if (ends_at(before, after)) {
    before->bytes += after->bytes;
    before->next = after->next;
  }
}

std::shared_ptr<Quarry> Quarry::take(size_t bytes, std::byte** from) {
  Quarry* found = nullptr;
  Span** best = nullptr;
  for (Quarry* q = all; q != nullptr; q = q->other_) {
    for (Span** at = &q->first_; *at != nullptr; at = &(*at)->next) {
      if ((*at)->bytes < bytes || (best != nullptr && (*best)->bytes <= (*at)->bytes)) continue;
      best = at;
      found = q;
    }
  }
  if (best == nullptr) return nullptr;
  Span span = **best;
  *from = reinterpret_cast<std::byte*>(*best);
  ASAN_UNPOISON_MEMORY_REGION(*from, bytes + (span.bytes > bytes ? kGrain : 0));
  *best = span.bytes == bytes ? span.next : new (*from + bytes) Span{span.next, span.bytes - bytes};
  return found->shared_from_this();
}

bool Quarry::widen(std::byte** from, size_t* have, size_t bytes) {
  if (*have >= bytes) return true;
  if (*have == 0) return false;
  Span** before = nullptr;
  Span** after = &first_;
  for (; *after != nullptr && reinterpret_cast<std::byte*>(*after) < *from; after = &(*after)->next)
    before = after;
  std::byte* end = *from + *have;
  size_t above = reinterpret_cast<std::byte*>(*after) == end ? (*after)->bytes : 0;
  size_t below = before != nullptr && reinterpret_cast<std::byte*>(*before) + (*before)->bytes == *from
                     ? (*before)->bytes
                     : 0;
  size_t missing = bytes - *have;
  if (above + below < missing) return false;
  if (size_t more = std::min(above, missing); more != 0) {
    Span span = **after;
    ASAN_UNPOISON_MEMORY_REGION(end, more + (span.bytes > more ? kGrain : 0));
    *after = span.bytes == more ? span.next : new (end + more) Span{span.next, span.bytes - more};
    missing -= more;
  }
  *from -= missing;
  *have = bytes;
  if (missing == below && missing != 0)
    *before = (*before)->next;
  else if (missing != 0)
    (*before)->bytes -= missing;
  ASAN_UNPOISON_MEMORY_REGION(*from, missing);
  return true;
}

}  // namespace kinglet
