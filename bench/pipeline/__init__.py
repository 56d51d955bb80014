# SPDX-License-Identifier: Apache-2.0
"""What a packet costs end to end, behind meetfence and behind what is used without it."""
