/* Lets a user-mode Linux of 2022 run on processors that came after it.
 *
 * Its room for a process's floating-point state ends with AVX-512. On a processor with more state (AMX) the host's kernel
 * takes nothing but the whole of it, so the guest dies at its first process. This stands between the guest's kernel and
 * ptrace: what the guest sets is laid over what the process has, and the whole is set. Loaded with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Not on the stack: those of the guest's kernel are small. It has one thread. */
static unsigned char whole[65536];

long ptrace(enum __ptrace_request request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	pid_t pid = va_arg(arguments, pid_t);
	void *address = va_arg(arguments, void *);
	void *data = va_arg(arguments, void *);
	va_end(arguments);

	static long (*real)(enum __ptrace_request, ...);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "ptrace");
	if (request == PTRACE_SETREGSET && (size_t)address == NT_X86_XSTATE) {
		struct iovec *part = data;
		struct iovec all = {.iov_base = whole, .iov_len = sizeof whole};
		if (real(PTRACE_GETREGSET, pid, address, &all) == 0 && part->iov_len < all.iov_len) {
			memcpy(whole, part->iov_base, part->iov_len);
			return real(request, pid, address, &all);
		}
	}
	return real(request, pid, address, data);
}
