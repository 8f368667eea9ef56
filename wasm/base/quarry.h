#pragma once
#include <cstddef>
#include <memory>

namespace kinglet {

// A block of memory of which free spans serve later buffers. Sizes and addresses are multiples of kGrain.
class Quarry : public std::enable_shared_from_this<Quarry> {
 public:
  static constexpr size_t kGrain = 16;
  // Nothing of `block` is free yet; it is kept as long as the quarry.
  explicit Quarry(std::shared_ptr<void> block) : block_(std::move(block)), other_(all) { all = this; }
  ~Quarry();
  Quarry(const Quarry&) = delete;
  Quarry& operator=(const Quarry&) = delete;

  // A span of the block is free from now on. Free neighbours become one span.
  void give(std::byte* from, size_t bytes);
  // Takes `bytes` from the smallest span of any quarry that has them. Null: there is none.
  static std::shared_ptr<Quarry> take(size_t bytes, std::byte** from);
  // Bytes that would be free in one piece if the span of `bytes` bytes at `from` were.
  size_t room_at(std::byte* from, size_t bytes) const;

 private:
  // Lies at the beginning of each free span; in order of addresses.
  struct Span {
    Span* next;
    size_t bytes;
  };
  static Quarry* all;
  std::shared_ptr<void> block_;
  Span* first_ = nullptr;
  Quarry* other_;
};

}  // namespace kinglet
