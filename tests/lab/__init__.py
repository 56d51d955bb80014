# SPDX-License-Identifier: Apache-2.0
"""Network namespaces with an edge host, its daemon and participants: for the demo and the tests."""
