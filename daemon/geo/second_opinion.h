// SPDX-License-Identifier: Apache-2.0
// Where is one address, asked of the database files themselves and by libmaxminddb's own look-up: for the
// running check, which shares no walk, no table and no merging with what it checks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/geo/place_table.h"
#include "model/country.h"
#include "model/ip.h"
#include "model/result.h"

namespace meetfence::geo {

struct Opinion {
    Country country;       // none = no country
    bool disputed = false; // databases that know the address name different countries

    friend bool operator==(const Opinion&, const Opinion&) = default;
};

class SecondOpinion {
public:
    /// `databases`: paths of files that `load_mmdb` has accepted and nobody writes to, in their order. They
    /// are mapped, and may be renamed or removed while this lives.
    [[nodiscard]] static Result<SecondOpinion> open(const std::vector<std::string>& databases,
                                                    Agreement agreement, std::vector<PlacedPrefix> overrides);
    SecondOpinion(SecondOpinion&&) noexcept;
    SecondOpinion& operator=(SecondOpinion&&) noexcept;
    ~SecondOpinion();

    [[nodiscard]] Result<Opinion> of(const IpAddress& address) const;

private:
    class File;
    SecondOpinion(std::vector<std::unique_ptr<File>> files, Agreement agreement,
                  std::vector<PlacedPrefix> overrides);

    std::vector<std::unique_ptr<File>> files_;
    Agreement agreement_;
    std::vector<PlacedPrefix> overrides_;
};

} // namespace meetfence::geo
