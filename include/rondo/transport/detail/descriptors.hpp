// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/version.hpp>

#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// File descriptors of other processes of the node: how memory is shared that has no name.
namespace rondo::inline v0_1::detail {

/// A file descriptor that closes itself.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int number) : number_{number} {}
  descriptor(descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() {
    if (number_ >= 0) {
      static_cast<void>(::close(number_));
    }
  }
  [[nodiscard]] int get() const noexcept { return number_; }

 private:
  int number_ = -1;
};

/// A socket without a name in any folder, to which processes of the node send descriptors.
class letterbox {
 public:
  /// What others have to know to send.
  struct address {
    sockaddr_un name;
    socklen_t bytes;
    std::uint64_t secret;
  };

  letterbox() : socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)} {
    require(socket_.get() >= 0, "socket");
    sockaddr_un any{};
    any.sun_family = AF_UNIX;  // nothing more: the kernel picks a name that nobody has
    require(
        ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(sa_family_t)) == 0,
        "bind");
    own_.bytes = sizeof own_.name;
    require(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&own_.name), &own_.bytes) == 0,
            "getsockname");
    require(::getrandom(&own_.secret, sizeof own_.secret, 0) == sizeof own_.secret, "getrandom");
  }

  [[nodiscard]] const address& own() const noexcept { return own_; }

  /// False if the other box is full just now.
  [[nodiscard]] bool send(const address& to, std::int32_t rank, int number) {
    letter text{to.secret, rank};
    control rights{};
    msghdr message = message_of(text, rights);
    auto name = to.name;
    message.msg_name = &name;
    message.msg_namelen = to.bytes;
    auto* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(head), &number, sizeof number);
    const auto sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)) {
      return false;
    }
    require(sent == sizeof text, "sendmsg");
    return true;
  }

  struct received {
    std::int32_t rank = -1;  ///< -1: there was nothing for this box
    descriptor file{};
  };
  [[nodiscard]] received receive() {
    letter text{};
    control rights{};
    msghdr message = message_of(text, rights);
    const auto got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    if (got < 0) {
      require(errno == EAGAIN || errno == EINTR, "recvmsg");
      return {};
    }
    descriptor file{};
    auto* const head = CMSG_FIRSTHDR(&message);
    if (head != nullptr && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof(int))) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(head), sizeof number);
      file = descriptor{number};
    }
    const bool ours = got == sizeof text && text.secret == own_.secret && file.get() >= 0;
    return ours ? received{text.rank, std::move(file)} : received{};
  }

  /// Sleeps until something comes, or for a moment.
  void wait() const {
    pollfd here{socket_.get(), POLLIN, 0};
    static_cast<void>(::poll(&here, 1, 2));
  }

 private:
  struct letter {
    std::uint64_t secret;
    std::int32_t rank;
    std::int32_t unused = 0;
  };
  union control {
    cmsghdr head;
    char bytes[CMSG_SPACE(sizeof(int))];
  };

  [[nodiscard]] msghdr message_of(letter& text, control& rights) {
    part_ = {&text, sizeof text};
    msghdr message{};
    message.msg_iov = &part_;
    message.msg_iovlen = 1;
    message.msg_control = rights.bytes;
    message.msg_controllen = sizeof rights.bytes;
    return message;
  }
  static void require(bool holds, const char* what) {
    if (!holds) {
      raise(error{error_code::transport,
                  std::string{"descriptors: "} + what + ": " + std::strerror(errno)});
    }
  }

  descriptor socket_;
  address own_{};
  iovec part_{};
};

/// Gives every rank a descriptor for what `mine` refers to on this one, and returns those of all
/// ranks; none for this rank itself. The ranks are processes of one node, or threads;
/// `exchange(mine, all)` gathers bytes of all ranks, in rank order. Collective. Errors: `timeout`
/// if a rank's descriptor has not come after `deadline`; error_code::transport for what the system
/// refuses.
template <class Exchange>
[[nodiscard]] std::vector<descriptor> exchange_descriptors(
    int rank, int ranks, int mine, Exchange& exchange,
    std::chrono::steady_clock::duration deadline = std::chrono::seconds{30}) {
  letterbox box;
  std::vector<letterbox::address> boxes(static_cast<std::size_t>(ranks));
  exchange(std::as_bytes(std::span{&box.own(), 1}), std::as_writable_bytes(std::span{boxes}));

  std::vector<descriptor> all(boxes.size());
  const auto since = std::chrono::steady_clock::now();
  int sent = 1;
  int missing = ranks - 1;
  while (sent < ranks || missing > 0) {
    // Boxes hold few letters: each rank empties its own while it fills those of others.
    const int peer = (rank + sent) % ranks;
    const bool went = sent < ranks && box.send(boxes[static_cast<std::size_t>(peer)], rank, mine);
    sent += went ? 1 : 0;
    auto came = box.receive();
    if (came.rank >= 0 && came.rank < ranks && came.rank != rank &&
        all[static_cast<std::size_t>(came.rank)].get() < 0) {
      all[static_cast<std::size_t>(came.rank)] = std::move(came.file);
      --missing;
    } else if (!went) {
      if (std::chrono::steady_clock::now() - since >= deadline) {
        int late = 0;
        while (late == rank || all[static_cast<std::size_t>(late)].get() >= 0) {
          ++late;
        }
        raise(timeout{"descriptors: rank " + std::to_string(rank) + " waited for rank " +
                          std::to_string(late) + "; are all ranks processes of one node?",
                      late});
      }
      box.wait();
    }
  }
  // A box closes when all have what was sent to it; what a rank has yet to send needs the others'.
  const std::byte done{0};
  std::vector<std::byte> all_done(boxes.size());
  exchange(std::span{&done, 1}, std::span{all_done});
  return all;
}

}  // namespace rondo::inline v0_1::detail
