// SPDX-License-Identifier: Apache-2.0
// One port that several meetings share, as most media servers have it, and two who come from the same
// country: a member of `theirs`, which tests block, and a bystander of `ours`, who must never notice.
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tests/support/meeting_fixture.h"
#include "tests/support/stun.h"

namespace meetfence::test {

struct Person {
    std::uint32_t meeting = 0;
    std::uint64_t owner = 0;
    std::string ufrag; // the server's, of this person's transport
};

class SharedPortTest : public testing::TestWithParam<std::tuple<Family, Transport>> {
protected:
    explicit SharedPortTest(std::uint32_t flags = MF_ENDPOINT_LEARNS, const Settings& settings = {})
        : program(settings)
    {
        place_everybody(program);
        program.add_endpoint(0, port(), flags);
        member = join(theirs, "26ant1ioqu7qnr");
        bystander = join(ours, "Auta");
    }

    [[nodiscard]] std::string port() const { return endpoint(transport, host.server); }
    Person join(std::uint32_t meeting, std::string_view ufrag)
    {
        const auto owner = program.add_participant(meeting);
        program.bind(owner, port(), ufrag);
        return {meeting, owner, std::string(ufrag)};
    }
    PlacedRule block(std::uint32_t meeting, Mode mode = Mode::enforce)
    {
        return program.add_rule(meeting, {.countries = {"CN"}, .mode = mode});
    }
    PlacedRule block_participant(const Person& person, Mode mode = Mode::enforce)
    {
        return program.add_rule(person.meeting,
                                {.mode = mode, .whom = Whom::participant, .participant = person.owner});
    }

    // Frames. ICE puts a length in front of whatever it sends on TCP.
    [[nodiscard]] Bytes coat(const Bytes& message) const
    {
        return transport == Transport::tcp ? framed(message) : message;
    }
    [[nodiscard]] Packet in(const SocketAddress& from, const Bytes& message) const
    {
        return Packet(transport, from, server).payload(coat(message));
    }
    [[nodiscard]] Packet out(const SocketAddress& to, const Bytes& message) const
    {
        return Packet(transport, server, to).payload(coat(message));
    }
    [[nodiscard]] Bytes media_in(const SocketAddress& from) const { return in(from, kRtp); }
    [[nodiscard]] Bytes media_out(const SocketAddress& to) const { return out(to, kRtp); }
    /// The client's check, and the server's answer to it.
    [[nodiscard]] Bytes check(const SocketAddress& from, std::string_view ufrag, std::uint32_t transaction)
    {
        return in(from, request(Stack::chrome, Role::controlling, std::string(ufrag) + ":KKh3", transaction));
    }
    [[nodiscard]] Bytes answer(const SocketAddress& to, std::uint32_t transaction) const
    {
        return out(to, success(to.address, transaction));
    }
    /// The server's check, and the client's answer to it.
    [[nodiscard]] Bytes server_check(const SocketAddress& to, std::string_view ufrag,
                                     std::uint32_t transaction) const
    {
        return out(to, request(Stack::libnice, Role::controlled, "KKh3:" + std::string(ufrag), transaction));
    }
    [[nodiscard]] Bytes client_answer(const SocketAddress& from, std::uint32_t transaction) const
    {
        return in(from, success(server.address, transaction));
    }

    void expect(const Bytes& frame, mf_reason reason)
    {
        EXPECT_EQ(program.run(frame), counted(reason, frame));
    }
    void expect_out(const Bytes& frame, mf_reason reason)
    {
        EXPECT_EQ(program.run_egress(frame), counted(reason, frame, MF_EGRESS));
    }
    void expect(const Bytes& frame, mf_reason reason, const PlacedRule& rule)
    {
        EXPECT_EQ(program.run(frame), booked(reason, frame, rule.first_cell));
    }
    void expect_out(const Bytes& frame, mf_reason reason, const PlacedRule& rule)
    {
        EXPECT_EQ(program.run_egress(frame), booked(reason, frame, rule.first_cell, MF_EGRESS));
    }
    void expect_media(const SocketAddress& client, mf_reason reason)
    {
        expect(media_in(client), reason);
        expect_out(media_out(client), reason);
    }
    void expect_media(const SocketAddress& client, mf_reason reason, const PlacedRule& rule)
    {
        expect(media_in(client), reason, rule);
        expect_out(media_out(client), reason, rule);
    }

    /// A check that is answered, whatever the rules say to it.
    void handshake(const SocketAddress& client, std::string_view ufrag)
    {
        const auto transaction = next_transaction();
        EXPECT_EQ(program.run(check(client, ufrag, transaction)).verdict, Verdict::pass);
        EXPECT_EQ(program.run_egress(answer(client, transaction)).verdict, Verdict::pass);
    }
    void handshake(const SocketAddress& client, const Person& person) { handshake(client, person.ufrag); }
    /// All that the bystander sends and is sent passes. How it is counted depends.
    void expect_untouched(const SocketAddress& client, std::string_view ufrag)
    {
        const auto passes = [&](const Bytes& frame) { EXPECT_EQ(program.run(frame).verdict, Verdict::pass); };
        const auto goes_out = [&](const Bytes& frame) {
            EXPECT_EQ(program.run_egress(frame).verdict, Verdict::pass);
        };
        for (unsigned round = 0; round < 3; ++round) {
            const auto asked = next_transaction();
            passes(check(client, ufrag, asked));
            goes_out(answer(client, asked));
            const auto refused = next_transaction();
            passes(check(client, ufrag, refused));
            goes_out(out(client, error(refused)));
            const auto back = next_transaction();
            goes_out(server_check(client, ufrag, back));
            passes(client_answer(client, back));
            passes(media_in(client));
            goes_out(media_out(client));
        }
    }
    std::uint32_t next_transaction() { return ++last_transaction_; }

    [[nodiscard]] mf_flow* flow(const SocketAddress& client) const
    {
        return program.find_flow(transport, client, server);
    }
    [[nodiscard]] std::uint64_t owner_of(const SocketAddress& client) const
    {
        const auto* found = flow(client);
        return found == nullptr ? 0 : found->owner;
    }
    [[nodiscard]] std::vector<mf_event> take_events(mf_event_kind kind)
    {
        auto events = program.take_events();
        std::erase_if(events, [kind](const auto& event) { return event.kind != kind; });
        return events;
    }

    const Family family = std::get<Family>(GetParam());
    const Transport transport = std::get<Transport>(GetParam());
    const Hosts& host = hosts(family);
    const SocketAddress server{host.server, kMeetingPort};
    const SocketAddress chinese{host.chinese, kClientPort}, american{host.american, kClientPort},
        unplaced{host.unplaced, kClientPort};
    /// Behind the same NAT.
    const SocketAddress neighbour{host.chinese, kClientPort + 1};
    LoadedProgram program;
    const std::uint32_t theirs = program.add_meeting(), ours = program.add_meeting();
    Person member, bystander;
    inline static const Bytes kRtp = {0x80, 111, 0, 1, 0, 0, 3, 0xC0, 1, 2, 3, 4, 0xAA, 0xBB, 0xCC, 0xDD,
                                      0x80, 111, 0, 1, 0, 0, 3, 0xC0, 1, 2, 3, 4, 0xAA, 0xBB, 0xCC, 0xDD};

private:
    std::uint32_t last_transaction_ = 1000;
};

} // namespace meetfence::test
