#include <algorithm>
#include <unordered_set>

#include "graph/text.h"

namespace kinglet {

namespace {

bool is_plain(std::string_view name) {
  return !name.empty() && name != "_" && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("_./:-~").find(c) != std::string_view::npos;
  });
}

std::string quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (byte < 0x20 || byte == 0x7f)
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    else
      out += c;
  }
  return out + "\"";
}

// Always with a point or an exponent, so that it is not taken for an integer.
std::string float_text(double value) {
  std::string out = str(value);
  bool integer = out.find_first_not_of("-0123456789") == std::string::npos;
  return integer ? out + ".0" : out;
}

uint64_t hash(const Tensor& tensor) {
  uint64_t h = 0xcbf29ce484222325;
  auto add = [&](std::string_view bytes) {
    for (char c : bytes) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  };
  if (tensor.dtype() == DType::kString) {
    for (const std::string& s : tensor.values<std::string>()) add(s), add(std::string_view("\0", 1));
  } else {
    add({tensor.data<char>(), tensor.bytes()});
  }
  return h;
}

class Printer {
 public:
  Printer(const TextOptions& options, std::string* out) : options_(options), out_(*out) {}

  void body(const Graph& graph, const std::string& indent) {
    name_values(graph);
    std::vector<std::string> names = std::move(names_);
    auto name = [&](ValueId id) {
      return id == kNoValue ? std::string("_") : names[static_cast<size_t>(id)];
    };
    for (ValueId id : graph.inputs) out_ += str(indent, "input ", name(id), ": ", graph.edge(id).type, "\n");
    std::vector<bool> used = used_values(graph);
    for (ValueId id = 0; id < static_cast<ValueId>(graph.edge_count()); ++id) {
      if (!used[static_cast<size_t>(id)] || !graph.edge(id).is_constant()) continue;
      out_ += str(indent, "const ", name(id), ": ");
      tensor(graph.edge(id).constant, " = ");
      out_ += "\n";
    }
    for (NodeId n : graph.order()) {
      const Node& node = graph.node(n);
      out_ += indent;
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        out_ += str(i ? ", " : "", name(node.outputs[i]));
        if (!options_.types || node.outputs[i] == kNoValue) continue;
        const Type& type = graph.edge(node.outputs[i]).type;
        if (type.kind != Type::Kind::kUnknown && type.dtype != DType::kNone) out_ += str(": ", type);
      }
      out_ +=
          str(node.outputs.empty() ? "" : " = ", node.domain, node.domain.empty() ? "" : ".", node.op, "(");
      for (size_t i = 0; i < node.inputs.size(); ++i) out_ += str(i ? ", " : "", name(node.inputs[i]));
      out_ += ")";
      attributes(node.attributes);
      if (options_.names && !node.name.empty())
        out_ += str(" @", is_plain(node.name) ? node.name : quoted(node.name));
      for (const Subgraph& s : node.subgraphs) {
        out_ += str(" ", s.name, "(");
        for (size_t i = 0; i < s.captures.size(); ++i) out_ += str(i ? ", " : "", name(s.captures[i]));
        out_ += ") {\n";
        body(*s.graph, indent + "  ");
        out_ += str(indent, "}");
      }
      out_ += "\n";
    }
    for (ValueId id : graph.outputs) {
      const Type& type = graph.edge(id).type;
      out_ += str(indent, "output ", name(id));
      if (type.kind != Type::Kind::kUnknown &&
          (type.kind != Type::Kind::kTensor || type.dtype != DType::kNone))
        out_ += str(": ", type);
      out_ += "\n";
    }
  }

 private:
  void name_values(const Graph& graph) {
    names_.assign(graph.edge_count(), {});
    std::unordered_set<std::string> taken;
    auto give = [&](ValueId id) {
      if (id == kNoValue || !names_[static_cast<size_t>(id)].empty()) return;
      std::string name = graph.edge(id).name;
      if (name.empty() || taken.contains(name)) name += str("~", id);
      taken.insert(name);
      names_[static_cast<size_t>(id)] = is_plain(name) ? name : quoted(name);
    };
    // What the outside knows keeps its name.
    for (ValueId id : graph.inputs) give(id);
    for (ValueId id : graph.outputs) give(id);
    for (ValueId id = 0; id < static_cast<ValueId>(graph.edge_count()); ++id) give(id);
  }

  static std::vector<bool> used_values(const Graph& graph) {
    std::vector<bool> used(graph.edge_count(), false);
    auto use = [&](ValueId id) {
      if (id != kNoValue) used[static_cast<size_t>(id)] = true;
    };
    for (ValueId id : graph.outputs) use(id);
    for (NodeId n : graph.order()) {
      for (ValueId id : graph.node(n).inputs) use(id);
      for (const Subgraph& s : graph.node(n).subgraphs) {
        for (ValueId id : s.captures) use(id);
      }
    }
    return used;
  }

  template <class List, class Print>
  void list(const List& items, Print&& print) {
    out_ += "[";
    for (size_t i = 0; i < items.size(); ++i) {
      if (i != 0) out_ += ", ";
      print(items[i]);
    }
    out_ += "]";
  }

  void tensor(const Tensor& t, std::string_view equals) {
    out_ += str(t.dtype());
    if (t.rank() != 0) out_ += str(t.shape());
    out_ += equals;
    if (!t.buffer()->form.empty()) {
      out_ += "#packed";
      return;
    }
    char kind = dtype_kind(t.dtype());
    if (t.count() > options_.inline_elements || kind == 'c') {
      static constexpr char kHex[] = "0123456789abcdef";
      out_ += '#';
      for (int shift = 60; shift >= 0; shift -= 4) out_ += kHex[hash(t) >> shift & 15];
      return;
    }
    out_ += "[";
    for (int64_t i = 0; i < t.count(); ++i) {
      if (i != 0) out_ += ", ";
      if (kind == 's')
        out_ += quoted(t.data<std::string>()[i]);
      else if (kind == 'f')
        out_ += float_text(t.number(i));
      else if (t.dtype() == DType::kInt64)
        out_ += str(t.data<int64_t>()[i]);
      else if (t.dtype() == DType::kUInt64)
        out_ += str(t.data<uint64_t>()[i]);
      else
        out_ += str(static_cast<int64_t>(t.number(i)));
    }
    out_ += "]";
  }

  void attributes(const Attributes& attributes) {
    if (attributes.all().empty()) return;
    std::vector<const Attribute*> sorted;
    for (const Attribute& a : attributes.all()) sorted.push_back(&a);
    std::ranges::sort(sorted, {}, &Attribute::name);
    out_ += " {";
    for (const Attribute* a : sorted) {
      out_ += str(a == sorted.front() ? "" : ", ", a->name, "=");
      std::visit([this](const auto& v) { value(v); }, a->value);
    }
    out_ += "}";
  }
  void value(int64_t v) { out_ += str(v); }
  void value(float v) { out_ += float_text(v); }
  void value(const std::string& v) { out_ += quoted(v); }
  void value(const Tensor& v) { tensor(v, "="); }
  void value(const Type& v) { out_ += str("<", v, ">"); }
  template <class T>
  void value(const std::vector<T>& v) {
    list(v, [this](const T& item) { value(item); });
  }

  const TextOptions& options_;
  std::string& out_;
  std::vector<std::string> names_;
};

}  // namespace

std::string to_text(const Graph& graph, const TextOptions& options) {
  std::string out = str("graph ",
                        graph.name.empty()     ? ""
                        : is_plain(graph.name) ? graph.name
                                               : quoted(graph.name),
                        graph.name.empty() ? "{\n" : " {\n");
  Printer(options, &out).body(graph, "  ");
  return out + "}\n";
}

}  // namespace kinglet
