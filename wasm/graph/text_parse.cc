#include <algorithm>
#include <cstdlib>
#include <unordered_map>

#include "base/narrow_float.h"
#include "base/number.h"
#include "graph/text.h"
#include "graph/text_lexer.h"

namespace kinglet {

namespace {

constexpr int kMaxDepth = 64;

bool is_integer(const std::string& number) {
  return number.find_first_not_of("+-0123456789") == std::string::npos;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) { next(); }

  Status whole(Graph* graph) {
    KL_TRY(keyword("graph"));
    if (!token_.is('{')) {
      graph->name = token_.text;
      next();
    }
    KL_TRY(sign('{'));
    KL_TRY(body(graph, 0));
    return token_.kind == Token::kEnd ? Status() : wrong("the end");
  }
  int line() const { return lexer_.line(); }

 private:
  using Names = std::unordered_map<std::string, ValueId>;

  void next() { token_ = lexer_.next(); }
  Status wrong(std::string_view wanted) {
    return fail(Code::kInvalidArgument, wanted, " expected, \"", token_.text, "\" found");
  }
  bool accept(char c) {
    if (!token_.is(c)) return false;
    next();
    return true;
  }
  Status sign(char c) { return accept(c) ? Status() : wrong(std::string_view(&c, 1)); }
  Status keyword(std::string_view word) {
    if (token_.kind != Token::kName || token_.text != word) return wrong(word);
    next();
    return {};
  }
  Result<std::string> name() {
    if (token_.kind == Token::kEnd || token_.kind == Token::kSign) return wrong("a name");
    std::string out = std::move(token_.text);
    next();
    return out;
  }
  Result<int64_t> integer() {
    if (token_.kind != Token::kNumber || !is_integer(token_.text)) return wrong("an integer");
    int64_t out = std::strtoll(token_.text.c_str(), nullptr, 10);
    next();
    return out;
  }

  // Through the closing brace.
  Status body(Graph* graph, int depth) {
    KL_REQUIRE(depth < kMaxDepth, kLimitExceeded, "bodies are nested more than ", kMaxDepth, " deep");
    Names names;
    auto find = [&](const std::string& name) -> Result<ValueId> {
      if (name == "_") return kNoValue;
      auto it = names.find(name);
      if (it == names.end()) return fail(Code::kInvalidArgument, "nothing computes \"", name, "\"");
      return it->second;
    };
    auto define = [&](const std::string& name, ValueId id) -> Status {
      KL_REQUIRE(names.emplace(name, id).second, kInvalidArgument, "two values are called \"", name, "\"");
      return {};
    };
    while (!accept('}')) {
      bool quoted = token_.kind == Token::kString;
      KL_ASSIGN(std::string first, name());
      if (!quoted && (first == "input" || first == "const" || first == "output")) {
        KL_ASSIGN(std::string value_name, name());
        if (first == "output") {
          KL_ASSIGN(ValueId id, find(value_name));
          graph->outputs.push_back(id);
          if (accept(':')) {
            KL_ASSIGN(graph->edge(id).type, type());
          }
          continue;
        }
        KL_TRY(sign(':'));
        ValueId id;
        if (first == "input") {
          KL_ASSIGN(Type t, type());
          graph->inputs.push_back(id = graph->add_edge(value_name, std::move(t)));
        } else {
          KL_ASSIGN(Tensor t, tensor());
          id = graph->add_constant(value_name, std::move(t));
        }
        KL_TRY(define(value_name, id));
        continue;
      }
      // A node: its outputs, or its operator when it has none.
      Node node;
      std::string op = first;
      std::vector<std::pair<std::string, Type>> outputs;
      if (!token_.is('(')) {
        for (std::string name_here = first;;) {
          Type t;
          if (accept(':')) {
            KL_ASSIGN(t, type());
          }
          outputs.emplace_back(name_here, std::move(t));
          if (!accept(',')) break;
          KL_ASSIGN(name_here, name());
        }
        KL_TRY(sign('='));
        KL_ASSIGN(op, name());
      }
      size_t dot = op.rfind('.');
      node.op = dot == std::string::npos ? op : op.substr(dot + 1);
      if (dot != std::string::npos) node.domain = op.substr(0, dot);
      KL_TRY(values(find, &node.inputs));
      if (accept('{')) KL_TRY(attributes(&node.attributes));
      if (accept('@')) {
        KL_ASSIGN(node.name, name());
      }
      while (body_follows()) {
        Subgraph sub;
        KL_ASSIGN(sub.name, name());
        KL_TRY(values(find, &sub.captures));
        KL_TRY(sign('{'));
        sub.graph = std::make_shared<Graph>();
        KL_TRY(body(sub.graph.get(), depth + 1));
        node.subgraphs.push_back(std::move(sub));
      }
      for (auto& [output, t] : outputs) {
        ValueId id = kNoValue;
        if (output != "_") {
          id = graph->add_edge(output, std::move(t));
          KL_TRY(define(output, id));
        }
        node.outputs.push_back(id);
      }
      graph->add_node(std::move(node));
    }
    return {};
  }

  // `name(` behind a node; a node of its own would go on with ',', ':' or '='.
  bool body_follows() const {
    bool named = token_.text == "then_branch" || token_.text == "else_branch" || token_.text == "body";
    Lexer ahead = lexer_;
    return token_.kind == Token::kName && named && ahead.next().is('(');
  }

  template <class Find>
  Status values(Find& find, std::vector<ValueId>* out) {
    KL_TRY(sign('('));
    while (!accept(')')) {
      KL_ASSIGN(std::string n, name());
      KL_ASSIGN(ValueId id, find(n));
      out->push_back(id);
      if (!token_.is(')')) KL_TRY(sign(','));
    }
    return {};
  }

  Result<Type> type(int depth = 0) {
    KL_REQUIRE(depth < kMaxDepth, kLimitExceeded, "a type is nested more than ", kMaxDepth, " deep");
    Type out;
    if (accept('?')) return out;
    KL_ASSIGN(std::string word, name());
    if (word == "seq" || word == "optional" || word == "map") {
      out.kind = word == "seq"   ? Type::Kind::kSequence
                 : word == "map" ? Type::Kind::kMap
                                 : Type::Kind::kOptional;
      KL_TRY(sign('('));
      if (word == "map") {
        KL_ASSIGN(out.dtype, dtype());
        KL_TRY(sign(','));
      }
      KL_ASSIGN(Type element, type(depth + 1));
      out.element = std::make_shared<const Type>(std::move(element));
      KL_TRY(sign(')'));
      return out;
    }
    out = Type::tensor(dtype_from_name(word));
    KL_REQUIRE(out.dtype != DType::kNone, kInvalidArgument, "\"", word, "\" is not an element type");
    if (!accept('[')) return out;
    out.has_shape = true;
    while (!accept(']')) {
      Dim dim;
      if (token_.kind == Token::kNumber) {
        KL_ASSIGN(dim.value, integer());
      } else if (!accept('?')) {
        KL_ASSIGN(dim.symbol, name());
      }
      out.dims.push_back(dim);
      if (!token_.is(']')) KL_TRY(sign(','));
    }
    return out;
  }

  Result<DType> dtype() {
    KL_ASSIGN(std::string word, name());
    DType out = dtype_from_name(word);
    KL_REQUIRE(out != DType::kNone, kInvalidArgument, "\"", word, "\" is not an element type");
    return out;
  }

  // "float32[2,3] = [...]", "int64[4] = ramp"
  Result<Tensor> tensor() {
    KL_ASSIGN(DType element, dtype());
    Shape shape;
    if (accept('[')) {
      while (!accept(']')) {
        KL_ASSIGN(int64_t extent, integer());
        KL_REQUIRE(shape.rank() < kMaxRank, kLimitExceeded, "more than ", kMaxRank, " extents");
        shape.push_back(extent);
        if (!token_.is(']')) KL_TRY(sign(','));
      }
    }
    KL_TRY(sign('='));
    KL_ASSIGN(Tensor out, Tensor::allocate(element, shape));
    if (token_.kind == Token::kName) {
      KL_ASSIGN(std::string filler, name());
      KL_REQUIRE(filler == "zeros" || filler == "ones" || filler == "ramp", kInvalidArgument, "\"", filler,
                 "\" is no filler");
      for (int64_t i = 0; i < out.count() && filler != "zeros"; ++i)
        KL_TRY(store(out, i, filler == "ones" ? "1" : str(i)));
      return out;
    }
    KL_TRY(sign('['));
    int64_t i = 0;
    for (; !accept(']'); ++i) {
      KL_REQUIRE(i < out.count(), kInvalidArgument, "more than ", out.count(), " elements");
      bool text = token_.kind == Token::kString;
      KL_REQUIRE(text == (element == DType::kString), kInvalidArgument, "element ", token_.text, " of ",
                 element);
      KL_TRY(store(out, i, token_.text));
      next();
      if (!token_.is(']')) KL_TRY(sign(','));
    }
    KL_REQUIRE(i == out.count(), kInvalidArgument, i, " elements for ", shape);
    return out;
  }

  static Status store(Tensor& out, int64_t i, const std::string& text) {
    if (out.dtype() == DType::kString) return out.data<std::string>()[i] = text, Status();
    double number = parse_number(text).value_or(0);
    int64_t integer = std::strtoll(text.c_str(), nullptr, 10);
    int bits = dtype_bits(out.dtype());
    char kind = dtype_kind(out.dtype());
    KL_REQUIRE(kind != 'c', kUnsupportedType, "constants of ", out.dtype(), " cannot be written");
    if (out.dtype() == DType::kUInt64)
      integer = static_cast<int64_t>(std::strtoull(text.c_str(), nullptr, 10));
    if (kind == 'f') {
      if (bits == 64) return out.data<double>()[i] = number, Status();
      auto value = static_cast<float>(number);
      if (bits == 32) return out.data<float>()[i] = value, Status();
      if (out.dtype() == DType::kFloat16)
        integer = float_to_half(value);
      else if (out.dtype() == DType::kBFloat16)
        integer = float_to_bfloat16(value);
      else
        integer = float_to_small_float(out.dtype(), value, true);
    }
    if (bits >= 8) {
      auto bytes = static_cast<size_t>(bits / 8);
      std::copy_n(reinterpret_cast<const std::byte*>(&integer), bytes,
                  out.data() + static_cast<size_t>(i) * bytes);
      return {};
    }
    int per_byte = 8 / bits, shift = static_cast<int>(i % per_byte) * bits;
    out.data<uint8_t>()[i / per_byte] |= static_cast<uint8_t>((integer & ((1 << bits) - 1)) << shift);
    return {};
  }

  Status attributes(Attributes* out) {
    while (!accept('}')) {
      KL_ASSIGN(std::string key, name());
      KL_TRY(sign('='));
      KL_ASSIGN(AttributeValue value, attribute());
      out->set(key, std::move(value));
      if (!token_.is('}')) KL_TRY(sign(','));
    }
    return {};
  }

  Result<AttributeValue> attribute() {
    if (accept('<')) {
      KL_ASSIGN(Type t, type());
      KL_TRY(sign('>'));
      return AttributeValue(std::move(t));
    }
    if (accept('[')) return list();
    return item();
  }

  Result<AttributeValue> item() {
    if (token_.kind == Token::kString) {
      KL_ASSIGN(std::string text, name());
      return AttributeValue(std::move(text));
    }
    if (token_.kind == Token::kNumber) {
      if (is_integer(token_.text)) {
        KL_ASSIGN(int64_t number, integer());
        return AttributeValue(number);
      }
      auto number = static_cast<float>(parse_number(token_.text).value_or(0));
      next();
      return AttributeValue(number);
    }
    KL_ASSIGN(Tensor t, tensor());
    return AttributeValue(std::move(t));
  }

  template <class T>
  static Status add(AttributeValue item, std::vector<T>* out) {
    T* value = std::get_if<T>(&item);
    KL_REQUIRE(value != nullptr, kInvalidArgument, "a list of different kinds");
    out->push_back(std::move(*value));
    return {};
  }

  Result<AttributeValue> list() {
    AttributeValue out = std::vector<int64_t>();
    for (bool first = true; !accept(']'); first = false) {
      KL_ASSIGN(AttributeValue value, item());
      if (first && std::holds_alternative<float>(value)) out = std::vector<float>();
      if (first && std::holds_alternative<std::string>(value)) out = std::vector<std::string>();
      if (first && std::holds_alternative<Tensor>(value)) out = std::vector<Tensor>();
      Status added;
      if (auto* ints = std::get_if<std::vector<int64_t>>(&out))
        added = add(std::move(value), ints);
      else if (auto* floats = std::get_if<std::vector<float>>(&out))
        added = add(std::move(value), floats);
      else if (auto* texts = std::get_if<std::vector<std::string>>(&out))
        added = add(std::move(value), texts);
      else
        added = add(std::move(value), std::get_if<std::vector<Tensor>>(&out));
      KL_TRY(std::move(added));
      if (!token_.is(']')) KL_TRY(sign(','));
    }
    return out;
  }

  Lexer lexer_;
  Token token_;
};

}  // namespace

Result<std::unique_ptr<Graph>> parse_graph(std::string_view text) {
  auto graph = std::make_unique<Graph>();
  Parser parser(text);
  if (Status s = parser.whole(graph.get()); !s.ok()) {
    s.with("line", str(parser.line()));
    return s;
  }
  return graph;
}

}  // namespace kinglet
