// SPDX-License-Identifier: Apache-2.0
#include "tests/support/loaded_program.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string>

#include "daemon/dataplane/geo_tables.h"
#include "daemon/geo/place_table.h"
#include "meetfence.skel.h"
#include "meetfence_egress.skel.h"
#include "model/endpoint.h"
#include "model/ip.h"
#include "tests/support/kernel_calls.h"

namespace meetfence::test {
namespace {

void add_country(__u64* words, Country country)
{
    words[country.number() / 64] |= 1ULL << (country.number() % 64);
}

template <class T> int collect(void* all, void* data, std::size_t size) noexcept
{
    T element{};
    std::memcpy(&element, data, std::min(size, sizeof(element)));
    static_cast<std::vector<T>*>(all)->push_back(element);
    return 0;
}

} // namespace

std::uint64_t boot_clock_ns()
{
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

Country country(std::string_view code)
{
    return value_of(Country::parse(code));
}

void LoadedProgram::Unload::operator()(meetfence_bpf* skeleton) const
{
    meetfence_bpf::destroy(skeleton);
}

void LoadedProgram::Unload::operator()(meetfence_egress_bpf* skeleton) const
{
    meetfence_egress_bpf::destroy(skeleton);
}

LoadedProgram::LoadedProgram(const Settings& settings)
    : skeleton_(meetfence_bpf::open()), cells_(settings.cells)
{
    if (!skeleton_) {
        refused("opening the program");
    }
    skeleton_->rodata->multi_buffer = settings.multi_buffer ? 1 : 0;
    skeleton_->rodata->event_interval_ns = static_cast<std::uint64_t>(settings.event_interval.count());
    skeleton_->rodata->sample_interval_ns = static_cast<std::uint64_t>(settings.sample_interval.count());
    auto* program = skeleton_->progs.meetfence_xdp;
    if (!settings.multi_buffer) { // as on kernels that have no such frames
        check(bpf_program__set_flags(program, bpf_program__flags(program) & ~BPF_F_XDP_HAS_FRAGS),
              "program flags");
    }
    const auto& maps = skeleton_->maps;
    check(bpf_map__set_max_entries(maps.endpoints, kEndpoints), "sizing endpoints");
    check(bpf_map__set_max_entries(maps.meetings, kMeetings), "sizing meetings");
    check(bpf_map__set_max_entries(maps.policies, kMeetings), "sizing policies");
    check(bpf_map__set_max_entries(maps.rules, kRules), "sizing rules");
    check(bpf_map__set_max_entries(maps.cells, cells_), "sizing cells");
    check(bpf_map__set_max_entries(maps.cell_times, cells_), "sizing cell_times");
    check(bpf_map__set_max_entries(maps.participants, kParticipants), "sizing participants");
    check(bpf_map__set_max_entries(maps.participant_ids, kParticipants), "sizing participant_ids");
    check(bpf_map__set_max_entries(maps.ufrags, 4 * kParticipants), "sizing ufrags");
    check(bpf_map__set_max_entries(maps.flows, settings.flow_slots), "sizing flows");
    check(meetfence_bpf::load(skeleton_.get()), "loading the program (CAP_BPF and CAP_NET_ADMIN are needed)");
    load_egress();

    map_tables();
    control[0].layout = MF_LAYOUT;
    control[0].flow_slots = settings.flow_slots;
    control[0].flow_idle = kFlowIdle;
    for (std::uint64_t word = 1; auto& secret : control[0].flow_secret) {
        secret = 0x9e3779b97f4a7c15U * ++word | 1U; // tests want the same order every time
    }
    ring_.reset(ring_buffer__new(fd(maps.events), collect<mf_event>, &events_, nullptr));
    sample_ring_.reset(ring_buffer__new(fd(maps.samples), collect<mf_sample>, &samples_, nullptr));
    if (!ring_ || !sample_ring_) {
        refused("opening the rings");
    }
}

LoadedProgram::~LoadedProgram() = default;

// The same maps: of one set, two programs.
void LoadedProgram::load_egress()
{
    egress_.reset(meetfence_egress_bpf::open());
    if (!egress_) {
        refused("opening the egress program");
    }
    egress_->rodata->event_interval_ns = skeleton_->rodata->event_interval_ns;
    egress_->rodata->sample_interval_ns = skeleton_->rodata->sample_interval_ns;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, egress_->obj)
    {
        const auto* same = bpf_object__find_map_by_name(skeleton_->obj, bpf_map__name(map));
        if (same != nullptr) { // rodata has a name of its own
            check(bpf_map__reuse_fd(map, fd(same)), "sharing maps");
        }
    }
    check(meetfence_egress_bpf::load(egress_.get()), "loading the egress program");
}

void LoadedProgram::map_tables()
{
    const auto map = [this](auto& table, const bpf_map* from) {
        using Table = std::remove_reference_t<decltype(table)>;
        table = value_of(
            Table::map(fd(from), bpf_map__max_entries(from), pins::Access::read_write, bpf_map__name(from)));
    };
    map(control, skeleton_->maps.control);
    map(ports, skeleton_->maps.ports);
    map(endpoints, skeleton_->maps.endpoints);
    map(meetings, skeleton_->maps.meetings);
    map(policies, skeleton_->maps.policies);
    map(rules, skeleton_->maps.rules);
    map(cell_times, skeleton_->maps.cell_times);
    map(participants, skeleton_->maps.participants);
    map(flows, skeleton_->maps.flows);
}

// Before the next packet, not with every prefix; and into the same memory, where it fits: putting a
// map into its slot costs a grace period of the kernel's.
void LoadedProgram::write_geo_slots()
{
    for (std::uint32_t number = 0; number < geo_slots_.size(); ++number) {
        auto& slot = geo_slots_.at(number);
        if (std::exchange(slot.written, true)) {
            continue;
        }
        const auto places = geo::build_table({}, geo::Agreement::all, slot.places);
        const auto table = value_of(geo::make_country_table(places));
        const auto chunks = table.words.size() / MF_GEO_CHUNK_WORDS;
        if (slot.memory.size() != chunks) {
            const auto staged = value_of(dataplane::stage_table(table, places));
            const int inner = staged.map.get();
            check(bpf_map_update_elem(fd(skeleton_->maps.geo), &number, &inner, BPF_ANY),
                  "putting a country table into its slot");
            slot.memory = value_of(pins::MappedArray<mf_geo_chunk>::map(
                inner, chunks, pins::Access::read_write, "country table"));
        }
        for (std::size_t i = 0; i < chunks; ++i) {
            std::memcpy(&slot.memory[i], &table.words[i * MF_GEO_CHUNK_WORDS], sizeof(mf_geo_chunk));
        }
    }
}

std::uint32_t LoadedProgram::add_meeting()
{
    const auto index = next_in(last_meeting_, meetings.size(), "meetings");
    meetings[index].number = 100 + index;
    meetings[index].policy = index;
    return index;
}

void LoadedProgram::add_endpoint(std::uint32_t meeting, std::string_view text, std::uint32_t flags)
{
    const auto endpoint = value_of(Endpoint::parse(text));
    for (unsigned port = endpoint.first_port; port <= endpoint.last_port; ++port) {
        auto& head = ports[port + (endpoint.transport == Transport::tcp ? MF_PORT_SLOTS / 2 : 0)];
        const auto index = next_in(last_endpoint_, endpoints.size(), "endpoints");
        auto& element = endpoints[index];
        if (endpoint.address) {
            std::ranges::copy(endpoint.address->bytes(), element.local);
        }
        element.meeting = meeting;
        element.flags = flags;
        element.next = head;
        head = index;
    }
}

PlacedRule LoadedProgram::add_rule(std::uint32_t meeting, const KernelRule& rule)
{
    const auto index = next_in(last_rule_, rules.size(), "rules");
    auto& element = rules[index];
    auto& policy = policies[meeting];
    for (const auto code : rule.countries) {
        add_country(element.countries, country(code));
    }
    element.cell_count = static_cast<std::uint32_t>(rule.countries.size());
    if (rule.whom != Whom::countries) {
        const bool inverted = rule.whom == Whom::all_but || rule.countries.empty();
        for (auto& word : element.countries) {
            word = inverted ? ~word : word;
        }
        element.countries[0] &= rule.whom == Whom::all_but ? ~1ULL : ~0ULL;
        element.whom = rule.whom == Whom::all_but ? MF_WHOM_ALL_BUT : MF_WHOM_PARTICIPANT;
        element.participant = rule.participant;
        element.cell_count = 1;
    }
    for (std::size_t word = 0; word < MF_COUNTRY_WORDS; ++word) {
        policy.countries[word] |= element.countries[word];
        control[0].concerned[word] |= element.countries[word];
    }
    element.number = 1000 + index;
    element.from_ns = rule.from_ns;
    element.until_ns = rule.until_ns;
    element.cells = next_cell_;
    element.mode = rule.mode == Mode::monitor ? MF_MONITOR : MF_ENFORCE;
    next_cell_ += element.cell_count;
    if (!rule.except.empty()) {
        element.except_set = ++last_set_;
        for (const auto prefix : rule.except) {
            put_prefix(element.except_set, prefix);
        }
    }
    policy.rules[policy.rule_count++] = index;
    return {index, element.number, element.cells};
}

void LoadedProgram::place(std::string_view prefix, std::string_view country_code, std::uint32_t geo_slot)
{
    auto& slot = geo_slots_.at(geo_slot);
    slot.places.push_back({value_of(IpPrefix::parse(prefix)), country(country_code)});
    slot.written = false;
}

void LoadedProgram::put_prefix(std::uint32_t set, std::string_view text)
{
    const auto prefix = value_of(IpPrefix::parse(text));
    mf_prefix_key key{64 + prefix.mapped_bits(), set, prefix.is_v4() ? 4U : 6U, {}};
    std::ranges::copy(prefix.address.bytes(), key.address);
    const std::uint32_t value = 1;
    check(bpf_map_update_elem(fd(skeleton_->maps.prefix_sets), &key, &value, BPF_ANY),
          "adding to a prefix set");
}

void LoadedProgram::exempt(std::string_view prefix)
{
    if (control[0].exempt_set == 0) {
        control[0].exempt_set = ++last_set_;
    }
    put_prefix(control[0].exempt_set, prefix);
}

LoadedProgram::TestRun LoadedProgram::test_run(Bytes input, std::size_t metadata_bytes)
{
    write_geo_slots();
    TestRun run{Verdict::pass, Bytes(input.size())};
    // The context begins with the metadata: data_meta is 0, the packet starts behind it.
    xdp_md context{};
    context.data = static_cast<std::uint32_t>(metadata_bytes);
    context.data_end = static_cast<std::uint32_t>(input.size());

    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = input.data();
    options.data_size_in = static_cast<std::uint32_t>(input.size());
    options.data_out = run.output.data();
    options.data_size_out = options.data_size_in;
    if (metadata_bytes > 0) {
        options.ctx_in = &context;
        options.ctx_size_in = sizeof(context);
    }
    check(bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.meetfence_xdp), &options),
          "BPF_PROG_TEST_RUN");
    run.verdict = static_cast<Verdict>(options.retval);
    run.output.resize(options.data_size_out);
    return run;
}

Outcome LoadedProgram::run_egress(const Bytes& frame)
{
    write_geo_slots();
    const auto before = counters();
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    check(bpf_prog_test_run_opts(bpf_program__fd(egress_->progs.meetfence_egress), &options),
          "BPF_PROG_TEST_RUN");
    constexpr std::uint32_t kShot = 2;   // TC_ACT_SHOT
    constexpr std::uint32_t kNext = ~0U; // TC_ACT_UNSPEC
    if (options.retval != kShot && options.retval != kNext) {
        throw std::runtime_error("a verdict that is neither: " + std::to_string(options.retval));
    }
    return {options.retval == kShot ? Verdict::drop : Verdict::pass, counters() - before};
}

Outcome LoadedProgram::run(const Bytes& frame)
{
    return run_with_metadata(frame, {});
}

Verdict LoadedProgram::send(const Bytes& frame, std::uint32_t times) const
{
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.repeat = static_cast<int>(times);
    check(bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.meetfence_xdp), &options),
          "BPF_PROG_TEST_RUN");
    return static_cast<Verdict>(options.retval);
}

Outcome LoadedProgram::run_with_metadata(const Bytes& frame, const Bytes& metadata)
{
    Bytes input = metadata;
    input.insert(input.end(), frame.begin(), frame.end());
    const auto before = counters();
    const auto result = test_run(std::move(input), metadata.size());
    return {result.verdict, counters() - before};
}

Explanation LoadedProgram::explain(const Bytes& frame)
{
    mf_explain question{};
    question.magic = MF_EXPLAIN_MAGIC;
    Bytes input(sizeof(question));
    std::memcpy(input.data(), &question, sizeof(question));
    input.insert(input.end(), frame.begin(), frame.end());
    const auto result = test_run(std::move(input), sizeof(question));
    if (result.output.size() != sizeof(question) + frame.size()) {
        throw std::runtime_error("the answer does not come back with its metadata");
    }
    Explanation explanation{
        result.verdict, {}, Bytes(result.output.begin() + sizeof(question), result.output.end())};
    std::memcpy(&explanation.answer, result.output.data(), sizeof(question));
    return explanation;
}

Counters LoadedProgram::counters() const
{
    return {read_per_cpu<mf_traffic>(fd(skeleton_->maps.reasons), MF_REASON_ENTRIES),
            read_per_cpu<mf_cell>(fd(skeleton_->maps.cells), cells_)};
}

std::uint32_t LoadedProgram::verified_instructions(mf_direction direction) const
{
    bpf_prog_info info{};
    std::uint32_t size = sizeof(info);
    const auto* program =
        direction == MF_INGRESS ? skeleton_->progs.meetfence_xdp : egress_->progs.meetfence_egress;
    check(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size), "program info");
    return info.verified_insns;
}

int LoadedProgram::geo_fd() const
{
    return fd(skeleton_->maps.geo);
}

const bpf_object* LoadedProgram::object() const
{
    return skeleton_->obj;
}

} // namespace meetfence::test
