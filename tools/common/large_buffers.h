/* The C library's memory of the process. */
#ifndef SSCAM_TOOLS_COMMON_LARGE_BUFFERS_H
#define SSCAM_TOOLS_COMMON_LARGE_BUFFERS_H

/* From now on, what is freed is kept for later allocations of any size. Networks that score batch
 * after batch free and allocate the same large buffers with each; returning them to the system
 * costs page faults each time. Where a network runs a few times, what is kept between buffers of
 * different sizes would double the memory in use for nothing. */
void keep_large_buffers(void);

#endif
