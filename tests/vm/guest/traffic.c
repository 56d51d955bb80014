// SPDX-License-Identifier: Apache-2.0
// Numbered datagrams and their echoes, for a tree that has no interpreter: static, so that it runs in any.
//   traffic echo ADDRESS PORT                        sends back whatever arrives
//   traffic send FILE ADDRESS PORT SOURCE…           one datagram from each source every 10 ms, until SIGTERM
// FILE always has a line "SOURCE SENT ECHOED" for each source. After SIGTERM echoes are waited for as long as
// they come.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kSources = 8, kNumbers = 1 << 20, kEveryMs = 10, kDrainMs = 3000, kBuffer = 8 << 20 };

struct source {
    const char* address;
    int fd;
    uint32_t sent, echoed;
    uint8_t seen[kNumbers]; // an echo that comes twice counts once
};

static struct source sources[kSources];
static volatile sig_atomic_t ending;

static void end(int signal)
{
    (void)signal;
    ending = 1;
}

_Noreturn static void die(const char* what)
{
    fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
    exit(1);
}

static struct sockaddr_in address_of(const char* address, const char* port)
{
    struct sockaddr_in result = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    if (inet_pton(AF_INET, address, &result.sin_addr) != 1) {
        die(address);
    }
    return result;
}

static int open_socket(const char* address, const char* port)
{
    const struct sockaddr_in local = address_of(address, port);
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int size = kBuffer; // a machine that is slow for a second loses nothing
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0 ||
        bind(fd, (const struct sockaddr*)&local, sizeof(local)) != 0) {
        die(address);
    }
    return fd;
}

static int echo(int fd)
{
    for (;;) {
        struct sockaddr_in from;
        socklen_t size = sizeof(from);
        char bytes[2048];
        const ssize_t got = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr*)&from, &size);
        if (got < 0) {
            die("receiving");
        }
        // A filter on the way out is told as an error.
        if (sendto(fd, bytes, (size_t)got, 0, (const struct sockaddr*)&from, size) < 0 && errno != ENOBUFS &&
            errno != EPERM) {
            die("sending back");
        }
    }
}

static void write_counts(int file, int count)
{
    char text[kSources * 64];
    int length = 0;
    for (int i = 0; i < count; ++i) {
        length += snprintf(text + length, sizeof(text) - (size_t)length, "%-15s %10u %10u\n",
                           sources[i].address, sources[i].sent, sources[i].echoed);
    }
    if (pwrite(file, text, (size_t)length, 0) != length) {
        die("writing the counts");
    }
}

// Returns whether something came.
static int receive(int count, int milliseconds)
{
    struct pollfd arrivals[kSources];
    for (int i = 0; i < count; ++i) {
        arrivals[i] = (struct pollfd){.fd = sources[i].fd, .events = POLLIN};
    }
    int came = 0;
    if (poll(arrivals, (nfds_t)count, milliseconds) <= 0) {
        return 0;
    }
    for (int i = 0; i < count; ++i) {
        uint32_t number = 0;
        while (recv(sources[i].fd, &number, sizeof(number), MSG_DONTWAIT) == sizeof(number)) {
            came = 1;
            if (number < kNumbers && sources[i].seen[number]++ == 0) {
                ++sources[i].echoed;
            }
        }
    }
    return came;
}

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void send_all(int count, const struct sockaddr_in* to)
{
    for (int i = 0; i < count; ++i) {
        const uint32_t number = sources[i].sent;
        if (sendto(sources[i].fd, &number, sizeof(number), 0, (const struct sockaddr*)to, sizeof(*to)) < 0) {
            die("sending");
        }
        if (++sources[i].sent == kNumbers) {
            ending = 1;
        }
    }
}

static int send_and_receive(const char* path, int count, const struct sockaddr_in* to)
{
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) {
        die(path);
    }
    signal(SIGTERM, end);
    long due = now_ms();
    while (!ending) {
        const long left = due - now_ms();
        if (left <= 0) {
            send_all(count, to);
            write_counts(file, count);
            due = now_ms() + kEveryMs;
        }
        receive(count, left <= 0 ? 0 : (int)left);
    }
    while (receive(count, kDrainMs)) {
    }
    write_counts(file, count);
    return 0;
}

int main(int argc, char** argv)
{
    if (argc == 4 && strcmp(argv[1], "echo") == 0) {
        return echo(open_socket(argv[2], argv[3]));
    }
    const int count = argc - 5;
    if (count < 1 || count > kSources || strcmp(argv[1], "send") != 0) {
        fputs("usage: traffic echo ADDRESS PORT | traffic send FILE ADDRESS PORT SOURCE…\n", stderr);
        return 2;
    }
    for (int i = 0; i < count; ++i) {
        sources[i].address = argv[5 + i];
        sources[i].fd = open_socket(argv[5 + i], "0");
    }
    const struct sockaddr_in to = address_of(argv[3], argv[4]);
    return send_and_receive(argv[2], count, &to);
}
