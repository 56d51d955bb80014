// SPDX-License-Identifier: Apache-2.0
// Country databases made by tests/data/make_mmdb.pl: MaxMind's own writer, so that reader and writer are
// not of one mind by mistake.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "tests/unit/daemon/temp_dir.h"

namespace meetfence::test {

/// `options` are the script's: "iso 6 --alias".
inline std::string make_mmdb(const TempDir& directory, const std::string& name, const std::string& options,
                             std::string_view places)
{
    const auto lines = directory.path(name + ".txt");
    auto database = directory.path(name + ".mmdb");
    write_file(lines, places);
    const auto command = "perl " MEETFENCE_SOURCE_DIR "/tests/data/make_mmdb.pl '" + database + "' " +
                         options + " < '" + lines + "'";
    if (std::system(command.c_str()) != 0) {
        throw std::runtime_error("make_mmdb.pl failed (Debian package libmaxmind-db-writer-perl)");
    }
    return database;
}

} // namespace meetfence::test
