// SPDX-License-Identifier: Apache-2.0
#include "model/fields.h"

namespace meetfence {

const Json& member_of(const Json& object, std::string_view key)
{
    static const Json kNothing;
    if (!object.is_object()) {
        return kNothing;
    }
    const auto it = object.find(std::string(key));
    return it == object.end() ? kNothing : *it;
}

std::string text_of(const Json& object, std::string_view key)
{
    const auto& value = member_of(object, key);
    if (value.is_null()) {
        return {};
    }
    return value.is_string() ? value.get<std::string>() : to_line(value);
}

std::uint64_t number_of(const Json& object, std::string_view key)
{
    const auto& value = member_of(object, key);
    return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

std::vector<std::string> texts_of(const Json& object, std::string_view key)
{
    std::vector<std::string> texts;
    const auto& list = member_of(object, key);
    if (list.is_array()) {
        for (const auto& item : list) {
            texts.push_back(item.is_string() ? item.get<std::string>() : std::string{});
        }
    }
    return texts;
}

} // namespace meetfence
