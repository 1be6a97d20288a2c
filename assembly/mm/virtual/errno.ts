/** Errors that calls return, below 0, as the kernel does (include/uapi/asm-generic/errno-base.h). */

export const EPERM: f64 = -1;
export const EAGAIN: f64 = -11;
export const ENOMEM: f64 = -12;
export const EACCES: f64 = -13;
export const EEXIST: f64 = -17;
export const EINVAL: f64 = -22;
