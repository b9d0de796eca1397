// The interfaces of Linux that Swift's Glibc module leaves out.
#pragma once
#include <malloc.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

// Declared by <sys/socket.h> only under _GNU_SOURCE.
int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);
