// SPDX-License-Identifier: Apache-2.0
// Process 1 of the virtual machine's initramfs: static, and the only program in there. It loads the modules,
// mounts the root and goes there. The kernel's command line says which:
//   vm.root=host   the host's root file system (9p share "root", read-only) under a tmpfs; runs the command
//   and powers off vm.root=disk   /dev/vda as it is, with its systemd; the command is a unit there
// The share "control", on /run/vm, holds `command` and takes `output` and `status`.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define P9_OPTIONS "trans=virtio,version=9p2000.L,msize=512000,cache="
#define ROOT "/root"

_Noreturn static void power_off(void)
{
    fflush(NULL);
    sync();
    reboot(RB_POWER_OFF);
    for (;;) {
        pause();
    }
}

// Nobody can be told but the console, which the host shows where no status arrives.
_Noreturn static void die(const char* what)
{
    printf("init: %s: %s\n", what, strerror(errno));
    power_off();
}

static void mount_on(const char* point, const char* type, const char* source, const char* options)
{
    mkdir(point, 0755);
    if (mount(source, point, type, 0, options) != 0) {
        die(point);
    }
}

static int is_file(const struct dirent* entry)
{
    return entry->d_name[0] != '.';
}

static void load_modules(void)
{
    struct dirent** entries;
    const int count = scandir("/modules", &entries, is_file, alphasort);
    for (int i = 0; i < count; ++i) {
        char path[512];
        snprintf(path, sizeof(path), "/modules/%s", entries[i]->d_name);
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST)) {
            die(path);
        }
        close(fd);
        unlink(path); // gives its memory back
    }
}

static void mount_disk(void)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    for (int i = 0; i < 3000 && access("/dev/vda", F_OK) != 0; ++i) {
        nanosleep(&pause, NULL);
    }
    mount_on(ROOT, "ext4", "/dev/vda", NULL);
}

static void mount_host(void)
{
    mkdir("/lower", 0755);
    if (mount("root", "/lower", "9p", MS_RDONLY, P9_OPTIONS "loose") != 0) {
        die("the share root");
    }
    mount_on("/upper", "tmpfs", "tmpfs", "mode=0755,size=75%");
    mkdir("/upper/files", 0755);
    mkdir("/upper/work", 0755);
    // Without redirect_dir a directory of the host's could not be renamed.
    mount_on(ROOT, "overlay", "overlay",
             "lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work,redirect_dir=on");
}

static void mount_kernel_file_systems(void)
{
    mount_on(ROOT "/proc", "proc", "proc", NULL);
    mount_on(ROOT "/sys", "sysfs", "sysfs", NULL);
    mount_on(ROOT "/dev", "devtmpfs", "devtmpfs", NULL);
    mount_on(ROOT "/run", "tmpfs", "tmpfs", "mode=0755");
    mount_on(ROOT "/run/vm", "9p", "control", P9_OPTIONS "none");
}

static void enter_root(void)
{
    if (chdir(ROOT) != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0 ||
        chdir("/") != 0) {
        die("changing the root");
    }
}

static void run_systemd(void)
{
    mkdir("/run/systemd", 0755);
    mkdir("/run/systemd/system", 0755);
    mkdir("/run/systemd/system/multi-user.target.wants", 0755);
    if (symlink("/run/vm/vm-test.service", "/run/systemd/system/vm-test.service") != 0 ||
        symlink("/run/vm/vm-test.service", "/run/systemd/system/multi-user.target.wants/vm-test.service") !=
            0) {
        die("the unit of the test");
    }
    execl("/lib/systemd/systemd", "/lib/systemd/systemd", (char*)NULL);
    die("/lib/systemd/systemd");
}

// What systemd would have done.
static void prepare_for_command(void)
{
    mount_on("/dev/pts", "devpts", "devpts", "ptmxmode=666,mode=620,gid=5");
    mount_on("/dev/shm", "tmpfs", "tmpfs", "mode=1777");
    mount_on("/sys/fs/bpf", "bpf", "bpf", "mode=0700");
    mount_on("/sys/fs/cgroup", "cgroup2", "cgroup2", NULL);
    mount_on("/sys/kernel/tracing", "tracefs", "tracefs", NULL);
    mkdir("/run/lock", 01777);
    if (symlink("/proc/self/fd", "/dev/fd") != 0 || symlink("fd/0", "/dev/stdin") != 0 ||
        symlink("fd/1", "/dev/stdout") != 0 || symlink("fd/2", "/dev/stderr") != 0) {
        die("/dev/fd");
    }
    sethostname("vm", 2);
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &loopback) != 0) {
        die("lo");
    }
    close(fd);
    const struct rlimit files = {1048576, 1048576};
    setrlimit(RLIMIT_NOFILE, &files);
}

_Noreturn static void be_command(void)
{
    setsid();
    const int in = open("/dev/null", O_RDONLY);
    const int out = open("/run/vm/output", O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    execl("/bin/bash", "bash", "/run/vm/command", (char*)NULL);
    _exit(127);
}

static int run_command(void)
{
    const pid_t command = fork();
    if (command == 0) {
        be_command();
    }
    int status = 0;
    for (pid_t ended = 0; ended != command; ended = wait(&status)) {
        if (ended < 0) {
            die("waiting for the command");
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void report(int status)
{
    FILE* const file = fopen("/run/vm/status", "we");
    if (file == NULL || fprintf(file, "%d\n", status) < 0 || fclose(file) != 0) {
        die("/run/vm/status");
    }
}

static bool on_disk(void)
{
    char words[4096] = "";
    FILE* const file = fopen("/proc/cmdline", "re");
    if (file == NULL || fgets(words, sizeof(words), file) == NULL) {
        die("/proc/cmdline");
    }
    fclose(file);
    return strstr(words, "vm.root=disk") != NULL;
}

int main(void)
{
    mount_on("/dev", "devtmpfs", "devtmpfs", NULL);
    const int console = open("/dev/console", O_RDWR);
    dup2(console, 0);
    dup2(console, 1);
    dup2(console, 2);
    mount_on("/proc", "proc", "proc", NULL);
    load_modules();
    const bool disk = on_disk();
    if (disk) {
        mount_disk();
    } else {
        mount_host();
    }
    mount_kernel_file_systems();
    enter_root();
    if (disk) {
        run_systemd();
    }
    prepare_for_command();
    report(run_command());
    power_off();
}
