/* The yardstick: a server and a client that do what the lab's do, and nothing else. One thread each, epoll(7).
 *
 *   pair serve PORT                             echo until killed; one line "ready" once it listens
 *   pair dial ADDRESS PORT SECONDS N rst|fin|awaited
 *                                               connect, send one byte, take it back, close; N in flight. `awaited`:
 *                                               send FIN, and close when the other side's has come, as the agent does.
 *                                               One line: connections, seconds. The first one that fails ends it,
 *                                               with status 1.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, LONGEST = 1024, BACKLOG = 4096, DESCRIPTORS = 65536 };
enum how { FIN, RST, AWAITED };
static char closing[DESCRIPTORS]; /* whose FIN is sent, by descriptor */

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    return (double)moment.tv_sec + (double)moment.tv_nsec / 1e9;
}

static struct sockaddr_in place(const char *address, const char *port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1) fail("address");
    return to;
}

static void watch(int poller, int sock, uint32_t events, int how) {
    struct epoll_event event = {.events = events, .data.fd = sock};
    if (epoll_ctl(poller, how, sock, &event)) fail("epoll_ctl");
}

/* Echo what has come, or close at its end. */
static void serve_one(int sock) {
    char bytes[LONGEST];
    ssize_t count = recv(sock, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0 || send(sock, bytes, (size_t)count, MSG_DONTWAIT | MSG_NOSIGNAL) != count) close(sock);
}

static void serve(const char *port) {
    struct sockaddr_in here = place("0.0.0.0", port);
    struct epoll_event ready[EVENTS];
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poller = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&here, sizeof here)) fail("bind");
    if (listen(listener, BACKLOG)) fail("listen");
    watch(poller, listener, EPOLLIN, EPOLL_CTL_ADD);
    puts("ready");
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(poller, ready, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.fd != listener) {
                serve_one(ready[i].data.fd);
                continue;
            }
            struct sockaddr_in peer;
            socklen_t size = sizeof peer;
            int sock = accept4(listener, (struct sockaddr *)&peer, &size, 0);
            if (sock < 0) continue;
            watch(poller, sock, EPOLLIN, EPOLL_CTL_ADD);
            serve_one(sock);
        }
    }
}

/* Begin a connection; its byte goes out as soon as it is established, which over one machine is at once. */
static void dial(int poller, const struct sockaddr_in *to) {
    int sock = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (sock < 0 || sock >= DESCRIPTORS) fail("socket");
    if (connect(sock, (const struct sockaddr *)to, sizeof *to) && errno != EINPROGRESS) {
        fail("connect");
    }
    if (send(sock, "x", 1, MSG_NOSIGNAL) == 1)
        watch(poller, sock, EPOLLIN, EPOLL_CTL_ADD);
    else
        watch(poller, sock, EPOLLOUT, EPOLL_CTL_ADD);
}

/* Go on with a connection; returns 0 while it waits, 1 if it is done. */
static int go_on(int poller, int sock, uint32_t events, enum how how) {
    char byte;
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    if (events & EPOLLOUT && !(events & (EPOLLERR | EPOLLHUP))) {
        if (send(sock, "x", 1, MSG_NOSIGNAL) != 1) fail("send");
        watch(poller, sock, EPOLLIN, EPOLL_CTL_MOD);
        return 0;
    }
    if (recv(sock, &byte, 1, 0) != (closing[sock] ? 0 : 1)) fail("recv");
    if (how == AWAITED && !closing[sock]) {
        if (shutdown(sock, SHUT_WR)) fail("shutdown");
        return closing[sock] = 1, 0;
    }
    closing[sock] = 0;
    if (how == RST) setsockopt(sock, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(sock);
    return 1;
}

static void dial_on(char **argument) {
    struct sockaddr_in to = place(argument[0], argument[1]);
    double start = now(), end = start + atof(argument[2]);
    enum how how = !strcmp(argument[4], "rst") ? RST : !strcmp(argument[4], "awaited") ? AWAITED : FIN;
    int in_flight = atoi(argument[3]), poller = epoll_create1(0), open = 0;
    long done = 0;
    struct epoll_event ready[EVENTS];
    do {
        while (open < in_flight && now() < end) {
            dial(poller, &to);
            open++;
        }
        int count = open ? epoll_wait(poller, ready, EVENTS, 3000) : 0;
        if (open && count <= 0) fail("nothing came for 3 s");
        for (int i = 0; i < count; i++) {
            int result = go_on(poller, ready[i].data.fd, ready[i].events, how);
            open -= result;
            done += result;
        }
    } while (open || now() < end);
    printf("%ld %.6f\n", done, now() - start);
}

int main(int count, char **argument) {
    if (count == 3 && !strcmp(argument[1], "serve")) serve(argument[2]);
    if (count != 7 || strcmp(argument[1], "dial")) return fputs("usage: see the head of pair.c\n", stderr), 2;
    dial_on(argument + 2);
    return 0;
}
