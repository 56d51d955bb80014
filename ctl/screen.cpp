// SPDX-License-Identifier: Apache-2.0
#include "ctl/screen.h"

#include <array>
#include <cerrno>
#include <ostream>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace meetfence::ctl {
namespace {

// xterm's control sequences; terminals that do not know synchronized updates (2026) ignore them.
constexpr std::string_view kEnter = "\033[?1049h\033[?25l\033[2J";
constexpr std::string_view kLeave = "\033[0m\033[?25h\033[?1049l";
constexpr std::string_view kBeginDrawing = "\033[?2026h\033[H";
constexpr std::string_view kEndLine = "\033[K";
constexpr std::string_view kEndDrawing = "\033[J\033[?2026l";

void watch(const UniqueFd& all, int descriptor)
{
    epoll_event event{.events = EPOLLIN};
    epoll_ctl(all.get(), EPOLL_CTL_ADD, descriptor, &event);
}

} // namespace

Attention::Attention(bool keys) : all_(epoll_create1(EPOLL_CLOEXEC)), keys_(keys)
{
    sigset_t wanted{};
    sigemptyset(&wanted);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP}) {
        sigaddset(&wanted, signal);
    }
    pthread_sigmask(SIG_BLOCK, &wanted, &before_);
    signals_ = UniqueFd(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    watch(all_, signals_.get());
    if (keys_) {
        watch(all_, STDIN_FILENO);
    }
}

Attention::~Attention()
{
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool Attention::wait(std::chrono::milliseconds most) const
{
    pollfd waiting{all_.get(), POLLIN, 0};
    return poll(&waiting, 1, static_cast<int>(most.count())) > 0;
}

Happened Attention::take()
{
    Happened happened;
    signalfd_siginfo signal{};
    while (read(signals_.get(), &signal, sizeof(signal)) == static_cast<ssize_t>(sizeof(signal))) {
        switch (signal.ssi_signo) {
        case SIGWINCH:
            happened.resized = true;
            break;
        case SIGTSTP:
            happened.suspend = true;
            break;
        default:
            happened.end = true;
        }
    }
    if (keys_) {
        take_keys(happened);
    }
    return happened;
}

void Attention::take_keys(Happened& happened)
{
    pollfd waiting{STDIN_FILENO, POLLIN, 0};
    if (poll(&waiting, 1, 0) <= 0) {
        return;
    }
    std::array<char, 64> keys{};
    const auto got = read(STDIN_FILENO, keys.data(), keys.size());
    if (got > 0) {
        happened.keys.assign(keys.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || errno != EINTR) {
        keys_ = false; // nobody will press one any more
        epoll_ctl(all_.get(), EPOLL_CTL_DEL, STDIN_FILENO, nullptr);
    }
}

Screen::Screen(std::ostream& out) : out_(out)
{
    enter();
}

void Screen::enter()
{
    termios settings{};
    if (!before_ && tcgetattr(STDIN_FILENO, &settings) == 0) {
        before_ = settings;
    }
    if (before_) {
        settings = *before_;
        settings.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        settings.c_cc[VMIN] = 1;
        settings.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSADRAIN, &settings);
    }
    out_ << kEnter << std::flush;
    entered_ = true;
}

void Screen::leave()
{
    if (!entered_) {
        return;
    }
    entered_ = false;
    out_ << kLeave << std::flush;
    if (before_) {
        tcsetattr(STDIN_FILENO, TCSADRAIN, &*before_);
    }
}

void Screen::suspend()
{
    leave();
    raise(SIGSTOP);
    enter();
}

void Screen::draw(const std::vector<std::string>& lines)
{
    std::string page(kBeginDrawing);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        page.append(i == 0 ? "" : "\r\n").append(lines[i]).append(kEndLine);
    }
    out_ << page << kEndDrawing << std::flush;
}

TerminalSize Screen::size()
{
    winsize size{};
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    return known ? TerminalSize{size.ws_col, size.ws_row} : TerminalSize{};
}

} // namespace meetfence::ctl
