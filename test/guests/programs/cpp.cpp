// A C++ program that lives from `new`: containers, texts, objects of large alignments. Its numbers don't depend on malloc.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <unordered_map>
#include <vector>

#define EXPORT(name) extern "C" __attribute__((export_name(#name)))

namespace {

struct Random {
  uint32_t state = 1;
  uint32_t below(uint32_t bound) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % bound;
  }
};

struct Checksum {
  uint32_t sum = 2166136261u;
  void add(uint32_t n) {
    for (int i = 0; i < 4; i++) sum = (sum ^ (n >> 8 * i & 0xff)) * 16777619u;
  }
  void add(const std::string &text) {
    for (unsigned char letter : text) add(letter);
  }
};

struct Shape {
  virtual ~Shape() = default;
  virtual uint32_t area() const = 0;
};

struct Square : Shape {
  uint32_t side;
  explicit Square(uint32_t side) : side(side) {}
  uint32_t area() const override { return side * side; }
};

struct Polygon : Shape {
  std::vector<uint32_t> sides;
  explicit Polygon(uint32_t n) : sides(n, n) {}
  uint32_t area() const override { return (uint32_t)sides.size() + sides.back(); }
};

struct alignas(64) Line {
  uint32_t words[16];
};

uint32_t is_at_multiple(const void *p, size_t alignment) {
  return (uintptr_t)p % alignment == 0;
}

void texts(Random &random, Checksum &sum) {
  std::map<std::string, std::vector<uint32_t>> words;
  for (uint32_t i = 0; i < 3000; i++) {
    std::string word = std::to_string(random.below(500)) + "-" + std::string(random.below(40), 'z');
    words[word].push_back(i);
  }
  for (auto &[word, places] : words) {
    sum.add(word);
    sum.add((uint32_t)places.size());
  }
  std::unordered_map<uint32_t, std::string> by_number;
  for (uint32_t i = 0; i < 2000; i++) by_number[random.below(900)] += "x";
  sum.add((uint32_t)by_number.size());
}

void objects(Random &random, Checksum &sum) {
  std::deque<std::unique_ptr<Shape>> shapes;
  for (int i = 0; i < 5000; i++) {
    uint32_t n = 1 + random.below(60);
    if (n % 2 == 0) shapes.push_back(std::make_unique<Square>(n));
    else shapes.push_back(std::make_unique<Polygon>(n));
    if (shapes.size() > 200) {
      sum.add(shapes.front()->area());
      shapes.pop_front();
    }
  }
  std::vector<std::shared_ptr<std::string>> shared;
  for (int i = 0; i < 500; i++) shared.push_back(std::make_shared<std::string>(random.below(90), 'a'));
  auto copy = shared;
  shared.clear();
  std::stable_sort(copy.begin(), copy.end(), [](auto &a, auto &b) { return a->size() < b->size(); });
  for (auto &text : copy) sum.add((uint32_t)(text->size() + (size_t)text.use_count()));
}

void aligned(Random &random, Checksum &sum) {
  std::vector<Line> lines; // it moves as it grows
  std::vector<std::unique_ptr<Line>> owned;
  for (uint32_t i = 0; i < 300; i++) {
    lines.push_back(Line{{i}});
    if (random.below(3) == 0) owned.push_back(std::make_unique<Line>(Line{{i}}));
  }
  for (auto &line : lines) sum.add(is_at_multiple(&line, 64) + line.words[0]);
  for (auto &line : owned) sum.add(is_at_multiple(line.get(), 64) + line->words[0]);
  auto *wide = new long double[random.below(50) + 1];
  sum.add(is_at_multiple(wide, alignof(long double)));
  delete[] wide;
}

} // namespace

// All of the above, `rounds` times. A checksum.
EXPORT(run) uint32_t run(uint32_t rounds) {
  Random random;
  Checksum sum;
  for (uint32_t i = 0; i < rounds; i++) {
    texts(random, sum);
    objects(random, sum);
    aligned(random, sum);
  }
  return sum.sum;
}

// What there is no memory for is null, where it may be. 0, or the number of what is wrong.
EXPORT(refusals) int refusals() {
  volatile size_t huge = 0x80000001;
  if (::operator new(huge, std::nothrow) != nullptr) return 1;
  if (::operator new(huge, std::align_val_t(64), std::nothrow) != nullptr) return 2;
  ::operator delete(nullptr);
  return 0;
}

// What goes wrong in C++.

EXPORT(delete_twice) void delete_twice() {
  auto *volatile line = new uint32_t[4]();
  delete[] line;
  delete[] line;
}

EXPORT(overflow) void overflow() {
  auto *volatile bytes = new char[21];
  bytes[21] = 1;
  delete[] bytes;
}
