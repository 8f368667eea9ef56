// hostile_models FOLDER [--count N] [--seed S] [--part I/N] [--only I] [--write
// FOLDER]: changed copies of every model below FOLDER, each opened and run. A
// copy passes when it ends in a result or a typed failure other than
// `internal`, within two seconds of processor time and with no more memory than
// 256 MB and four times its file. A process of its own does the work, so that a
// crash costs one copy; the last line sums up. With --write the copies become
// files and are not run. Exit code 1: something failed.
#include <sanitizer/allocator_interface.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>

#include "capi/open.h"
#include "fuzz/hostile/feeds.h"
#include "graph/text.h"

namespace kinglet::hostile {

namespace {

constexpr double kSeconds = 2, kKilledAfter = 20;
constexpr size_t kRoom = size_t{256} << 20;

struct Source {
  std::string path;
  std::vector<Field> model;
  std::vector<Tensor> vectors;
};

struct Options {
  std::string folder, write;
  size_t count = 100000, part = 0, parts = 1, only = SIZE_MAX;
  uint64_t seed = 1;
};

// What the working process tells the one that watches it.
struct Board {
  std::atomic<size_t> copy{0};
  std::atomic<double> began{0};
  std::atomic<size_t> opened{0}, ran{0}, slow{0}, large{0}, wrong{0};
  std::atomic<double> slowest{0};
  std::atomic<size_t> slowest_copy{0};
  std::atomic<size_t> most_bytes{0};
  std::atomic<size_t> refused[64];
};

double seconds_used() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

// Live and most bytes of everything that malloc gives out.
std::atomic<size_t> live_bytes{0}, peak_bytes{0};
void on_malloc(const volatile void* p, size_t) {
  size_t live = live_bytes += __sanitizer_get_allocated_size(const_cast<const void*>(p));
  if (live > peak_bytes) peak_bytes = live;
}
void on_free(const volatile void* p) {
  if (p) live_bytes -= __sanitizer_get_allocated_size(const_cast<const void*>(p));
}

std::vector<Source> read_sources(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".onnx") paths.push_back(entry.path().string());
  }
  std::ranges::sort(paths);
  std::vector<Source> out;
  for (const std::string& path : paths) {
    std::ifstream file(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), {});
    // The large networks are the node models' operators again and take most of
    // the time.
    if (bytes.size() > (size_t{1} << 20) || path.find("/light/") != std::string::npos) continue;
    out.push_back(
        {path, parse(bytes, Kind::kModel), read_vectors(std::filesystem::path(path).parent_path().string())});
  }
  return out;
}

std::string copy_of(const Source& source, const Donors& donors, Random& random) {
  std::vector<Field> model = source.model;
  mutate(model, donors, random);
  return write(model);
}

// Ends runs that take long, as a page with a deadline does.
class Deadline {
 public:
  Deadline(CancelFlag& flag, double at) : flag_(flag), at_(at), thread_([this] { wait(); }) {}
  ~Deadline() {
    done_ = true;
    thread_.join();
  }

 private:
  void wait() {
    while (!done_) {
      if (seconds_used() > at_) return flag_.request();
      usleep(500);
    }
  }
  CancelFlag& flag_;
  double at_;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

Status open_and_run(const std::string& file, const Source& source, Random& random, Board& board) {
  KL_ASSIGN(auto bytes, Buffer::allocate(file.size()));
  if (!file.empty()) std::memcpy(bytes->data(), file.data(), file.size());
  OpenOptions options;
  options.optimize = !random.one_in(4);
  KL_ASSIGN(OpenedModel model, open_model(std::move(bytes), {}, options));
  ++board.opened;
  Session& session = *model.session;
  bool state = random.one_in(4);
  if (state) carry_some(session, random);
  std::vector<Value> outputs;
  Status status;
  // The second run's plan is made from the first one's.
  for (int turn = 0; turn < 2; ++turn) {
    set_feeds(session, source.vectors, random, state && turn > 0);
    Deadline deadline(session.cancel(), seconds_used() + 0.5);
    status = session.prepare();
    if (status.ok()) status = session.run(&outputs);
  }
  KL_TRY(std::move(status));
  ++board.ran;
  return {};
}

void try_copy(const Options& options, const std::vector<Source>& sources, const Donors& donors, size_t index,
              Board& board) {
  Random random(options.seed * 0x1000003 + index);
  const Source& source = sources[index % sources.size()];
  std::string file = copy_of(source, donors, random);
  if (!options.write.empty()) {
    char name[32];
    std::snprintf(name, sizeof name, "/%06zu.onnx", index);
    std::ofstream(options.write + name, std::ios::binary) << file;
    return;
  }
  auto complain = [&](const std::string& why) {
    std::printf("copy %zu of %s: %s\n", index, source.path.c_str(), why.c_str());
    std::fflush(stdout);
  };
  size_t before = live_bytes, allowed = kRoom + 4 * file.size(), buffers = Buffer::live_bytes();
  Buffer::set_limit(buffers + allowed);
  peak_bytes = before;
  double start = seconds_used();
  board.began = start;
  Status status = open_and_run(file, source, random, board);
  double seconds = seconds_used() - start;
  size_t most = peak_bytes - before;
  if (!status.ok()) ++board.refused[static_cast<size_t>(status.code())];
  if (options.only != SIZE_MAX)
    std::printf("%s, %.3f s, %zu bytes\n", status.message().c_str(), seconds, most);
  if (!status.ok() && status.code() == Code::kInternal) {
    ++board.wrong;
    complain(status.message());
  }
  if (Buffer::live_bytes() != buffers) {
    ++board.wrong;
    complain("buffers were left behind");
  }
  if (seconds > kSeconds) {
    ++board.slow;
    complain(str("took ", seconds, " s"));
  }
  if (most > allowed) {
    ++board.large;
    complain(str("took ", most, " bytes"));
  }
  if (seconds > board.slowest) board.slowest = seconds, board.slowest_copy = index;
  if (most > board.most_bytes) board.most_bytes = most;
}

int work(const Options& options, size_t first, Board& board) {
  std::vector<Source> sources = read_sources(options.folder);
  Donors donors;
  for (const Source& source : sources) collect_donors(source.model, &donors);
  if (sources.empty()) return std::fprintf(stderr, "no models below %s\n", options.folder.c_str()), 2;
  __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
  if (options.only != SIZE_MAX) return try_copy(options, sources, donors, options.only, board), 0;
  for (size_t i = first; i < options.count; i += options.parts) {
    board.copy = i;
    try_copy(options, sources, donors, i, board);
  }
  board.copy = SIZE_MAX;
  return 0;
}

// Processor seconds that process `id` has used.
double seconds_of(pid_t id) {
  clockid_t clock;
  timespec t{};
  if (clock_getcpuclockid(id, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

// Waits for the working process; false when it ended before its work was done.
bool watch(pid_t child, Board& board, std::string* how) {
  int state = 0;
  while (waitpid(child, &state, WNOHANG) == 0) {
    if (board.began > 0 && seconds_of(child) - board.began > kKilledAfter) {
      kill(child, SIGKILL);
      waitpid(child, &state, 0);
      *how = str("no end after ", kKilledAfter, " s");
      return false;
    }
    usleep(20000);
  }
  if (WIFEXITED(state) && WEXITSTATUS(state) == 0) return true;
  *how = WIFSIGNALED(state) ? str("ended with signal ", WTERMSIG(state))
                            : str("ended with code ", WEXITSTATUS(state));
  return false;
}

int run(const Options& options) {
  void* shared = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto& board = *new (shared) Board;
  if (options.only != SIZE_MAX || !options.write.empty()) return work(options, options.part, board);
  size_t crashed = 0, first = options.part;
  while (board.copy != SIZE_MAX) {
    board.began = 0;
    board.copy = first;
    pid_t child = fork();
    if (child == 0) _exit(work(options, first, board));
    std::string how;
    if (watch(child, board, &how)) break;
    if (board.began == 0) return std::printf("the work does not begin: %s\n", how.c_str()), 2;
    std::printf("copy %zu: %s\n", board.copy.load(), how.c_str());
    std::fflush(stdout);
    ++crashed;
    first = board.copy + options.parts;
    if (first >= options.count) break;
  }
  size_t tried = (options.count - options.part + options.parts - 1) / options.parts;
  std::string codes;
  for (size_t i = 0; i < std::size(board.refused); ++i) {
    if (board.refused[i])
      codes += str(codes.empty() ? "" : ", ", code_name(static_cast<Code>(i)), " ", board.refused[i].load());
  }
  size_t failed = crashed + board.slow + board.large + board.wrong;
  std::printf(
      "%zu copies: %zu opened, %zu ran; refused: %s; slowest %.3f s "
      "(copy %zu), most %.1f MB; %zu failed "
      "(%zu crashed, %zu slow, %zu large, %zu wrong)\n",
      tried, board.opened.load(), board.ran.load(), codes.c_str(), board.slowest.load(),
      board.slowest_copy.load(), static_cast<double>(board.most_bytes) / 1e6, failed, crashed,
      board.slow.load(), board.large.load(), board.wrong.load());
  return failed == 0 && board.ran > 0 ? 0 : 1;
}

}  // namespace

}  // namespace kinglet::hostile

int main(int count, char** arguments) {
  kinglet::hostile::Options options;
  for (int i = 1; i < count; ++i) {
    std::string_view name = arguments[i];
    if (!name.starts_with("--")) {
      options.folder = name;
      continue;
    }
    if (++i == count) return std::fprintf(stderr, "%s needs a value\n", arguments[i - 1]), 2;
    char* end = nullptr;
    size_t number = std::strtoull(arguments[i], &end, 10);
    if (name == "--count") options.count = number;
    if (name == "--seed") options.seed = number;
    if (name == "--only") options.only = number;
    if (name == "--write") options.write = arguments[i];
    if (name == "--part")
      options.part = number, options.parts = std::max<size_t>(std::strtoull(end + 1, nullptr, 10), 1);
  }
  return kinglet::hostile::run(options);
}
