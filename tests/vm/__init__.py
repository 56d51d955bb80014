# SPDX-License-Identifier: Apache-2.0
"""Tests under Debian's own kernels, in virtual machines: `./run test-vm` (docs/testing-kernels.md).

    __main__.py         what is run, in which order, under which kernels
    kernels.py          Debian's kernel packages: fetched, unpacked, made bootable
    initramfs.py        the archive that a kernel starts from
    machine.py          one virtual machine: boots, runs a script, ends
    tree.py             a minimal Debian 12 tree with systemd, as a disk image
    packages.py         the package that is installed, and the one before it
    report.py           `ok …` and `FAIL …`, counted

In the machine:

    guest/init.c          process 1 of the initramfs
    guest/data_plane.sh   the host's own tests, under the machine's kernel
    guest/checks.sh       what the scripts below have in common
    guest/package.sh      from `apt install` to `apt purge` under systemd, and installed again
    guest/reboot.sh       the boot after that
    guest/walkthrough.sh  docs/operations.md, typed
    guest/integrations.sh docs/integrations.md for Janus and coturn, typed
    guest/participant.py  who takes part there
    guest/traffic.c       numbered datagrams and their echoes
"""
