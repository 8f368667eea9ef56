#include "base/quarry.h"

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

size_t Quarry::room_at(std::byte* from, size_t bytes) const {
  size_t room = bytes;
  for (const Span* span = first_; span != nullptr; span = span->next) {
    const auto* at = reinterpret_cast<const std::byte*>(span);
    if (at + span->bytes == from || at == from + bytes) room += span->bytes;
  }
  return room;
}

}  // namespace kinglet
