// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "audit/sha256.h"

namespace meetfence::test {
namespace {

using audit::keyed_hash;
using audit::sha256_hex;

TEST(Sha256, IsThatOfFips180)
{
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(sha256_hex(std::string(1000000, 'a')),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, TakesBytesOfEveryKind)
{
    EXPECT_NE(sha256_hex(std::string(1, '\0')), sha256_hex(""));
    EXPECT_NE(sha256_hex(std::string("a\0b", 3)), sha256_hex("a"));
}

TEST(KeyedHash, IsTheBeginningOfRfc4231)
{
    EXPECT_EQ(keyed_hash(std::string(20, '\x0b'), "Hi There"), "b0344c61d8db3853");
    EXPECT_EQ(keyed_hash("Jefe", "what do ya want for nothing?"), "5bdcc146bf60754e");
    EXPECT_EQ(keyed_hash(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f");
}

TEST(KeyedHash, TakesAnEmptyKeyAndAnEmptyText)
{
    EXPECT_EQ(keyed_hash({}, {}), "b613679a0814d9ec");
    EXPECT_NE(keyed_hash("key", ""), keyed_hash("", "key"));
}

} // namespace
} // namespace meetfence::test
