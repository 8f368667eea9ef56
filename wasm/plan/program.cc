#include "plan/program.h"

#include <algorithm>

#include "plan/planner.h"

namespace kinglet {

namespace {
constexpr size_t kKeptPlans = 8;

bool same_inputs(std::span<const Port> a, std::span<const Port> b) {
  return std::ranges::equal(a, b, [](const Port& x, const Port& y) {
    return x.dtype == y.dtype && x.shape_known == y.shape_known && x.shape == y.shape;
  });
}
}  // namespace

class Program::Packs final : public PackCache {
 public:
  Result<std::shared_ptr<Buffer>> get(const Tensor& constant, std::string_view format, size_t bytes,
                                      const std::function<void(std::byte*)>& fill) override {
    auto [it, added] = entries_.try_emplace({constant.data(), std::string(format)});
    if (!added) return it->second.packed;
    auto packed = Buffer::allocate(bytes);
    if (!packed.ok()) {
      entries_.erase(it);
      return packed;
    }
    fill((*packed)->data());
    it->second = {constant, *packed};
    return packed;
  }
  size_t bytes() const {
    size_t total = 0;
    for (const auto& [_, entry] : entries_) total += entry.packed->bytes();
    return total;
  }

 private:
  struct Entry {
    Tensor constant;  // keeps the key's address taken
    std::shared_ptr<Buffer> packed;
  };
  std::map<std::pair<const std::byte*, std::string>, Entry> entries_;
};

Program::Program(std::shared_ptr<const Graph> graph, int threads)
    : Program(std::move(graph), threads, std::make_shared<Packs>()) {}
Program::Program(std::shared_ptr<const Graph> graph, int threads, std::shared_ptr<Packs> packs)
    : graph_(std::move(graph)), threads_(threads), packs_(std::move(packs)) {}

Result<std::shared_ptr<const Plan>> Program::plan(std::span<const Port> inputs) {
  auto it = std::ranges::find_if(kept_, [&](const Kept& k) { return same_inputs(k.key, inputs); });
  if (it == kept_.end()) {
    KL_ASSIGN(Plan made, make_plan(*graph_, inputs, *packs_, threads_));
    if (kept_.size() == kKeptPlans) kept_.pop_back();
    kept_.push_back({{inputs.begin(), inputs.end()}, std::make_shared<const Plan>(std::move(made))});
    it = kept_.end() - 1;
  }
  std::rotate(kept_.begin(), it, it + 1);
  return kept_.front().plan;
}

Program& Program::child(const Node& node, size_t index) {
  auto& child = children_[{&node, index}];
  if (!child) child.reset(new Program(node.subgraphs[index].graph, threads_, packs_));
  return *child;
}

std::vector<std::shared_ptr<const Plan>> Program::plans() const {
  std::vector<std::shared_ptr<const Plan>> out;
  for (const Kept& k : kept_) out.push_back(k.plan);
  return out;
}

size_t Program::packed_bytes() const { return packs_->bytes(); }

}  // namespace kinglet
