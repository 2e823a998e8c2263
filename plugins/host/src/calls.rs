//! The system calls that a confined plugin may make. Any other answers ENOSYS, as on a kernel that lacks it.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};

/// Computing, memory, threads of one's own, time, and what is open already.
const ALWAYS: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_faccessat,
    libc::SYS_fcntl,
    libc::SYS_fstat,
    libc::SYS_futex,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_newfstatat,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_sigaltstack,
    libc::SYS_statx,
    libc::SYS_sysinfo,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    libc::SYS_uname,
    libc::SYS_write,
    libc::SYS_writev,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_dup2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_pipe,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
];

/// Connections that the plugin opens. None is waited for: `listen` and `accept` are not here.
const NET: &[i64] = &[
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_ioctl,
    libc::SYS_pselect6,
    libc::SYS_recvmmsg,
    libc::SYS_sendmmsg,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_socketpair,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_select,
];

/// Families of sockets for `net`: the last one is how the C library asks which addresses the machine has.
const FAMILIES: [i32; 4] = [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX, libc::AF_NETLINK];

/// Puts the list in force, in all threads, for good.
pub(crate) fn allow_only(is_net: bool) -> Result<(), String> {
    let why = |error: &dyn std::fmt::Display| format!("seccomp: {error}");
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALWAYS.iter().map(|call| (*call, Vec::new())).collect();
    let mut when = |call: i64, allowed: Vec<(u8, Operand)>| -> Result<(), String> {
        for (argument, operand) in allowed {
            let condition = operand.condition(argument).map_err(|error| why(&error))?;
            let rule = SeccompRule::new(vec![condition]).map_err(|error| why(&error))?;
            rules.entry(call).or_default().push(rule);
        }
        Ok(())
    };
    // Threads share a process; anything else would be another one. Without clone3 the C library takes clone.
    when(libc::SYS_clone, vec![(0, Operand::All(libc::CLONE_THREAD))])?;
    // To read, and to make nothing.
    let writes = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC;
    when(libc::SYS_openat, vec![(2, Operand::None(writes))])?;
    #[cfg(target_arch = "x86_64")]
    when(libc::SYS_open, vec![(1, Operand::None(writes))])?;
    when(libc::SYS_prctl, vec![(0, Operand::Is(libc::PR_SET_NAME))])?;
    // To itself: abort() does.
    let me = i32::try_from(std::process::id()).map_err(|error| why(&error))?;
    when(libc::SYS_tgkill, vec![(0, Operand::Is(me))])?;
    // To ask, not to set.
    when(libc::SYS_prlimit64, vec![(2, Operand::Is(0))])?;
    // No new code; resolving names loads libraries, so `net` may map it from files.
    let code = if is_net { 0 } else { libc::PROT_EXEC };
    when(libc::SYS_mmap, vec![(2, Operand::None(code))])?;
    when(libc::SYS_mprotect, vec![(2, Operand::None(code))])?;
    if is_net {
        when(
            libc::SYS_socket,
            FAMILIES.map(|family| (0, Operand::Is(family))).to_vec(),
        )?;
        rules.extend(NET.iter().map(|call| (*call, Vec::new())));
    }
    let arch = std::env::consts::ARCH.try_into().map_err(|error| why(&error))?;
    let refused = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let filter =
        SeccompFilter::new(rules, refused, SeccompAction::Allow, arch).map_err(|error| why(&error))?;
    let program: BpfProgram = filter
        .try_into()
        .map_err(|error: seccompiler::BackendError| why(&error))?;
    apply_filter_all_threads(&program).map_err(|error| why(&error))
}

/// What an argument must be.
#[derive(Clone, Copy)]
enum Operand {
    /// Has all these bits.
    All(i32),
    Is(i32),
    /// Has none of these bits.
    None(i32),
}

impl Operand {
    fn condition(self, argument: u8) -> Result<SeccompCondition, seccompiler::BackendError> {
        let bits = |value: i32| u64::from(value.cast_unsigned());
        let (compare, value) = match self {
            Self::All(mask) => (SeccompCmpOp::MaskedEq(bits(mask)), bits(mask)),
            Self::Is(value) => (SeccompCmpOp::Eq, bits(value)),
            Self::None(mask) => (SeccompCmpOp::MaskedEq(bits(mask)), 0),
        };
        // Pointers are compared whole: half of one may be zero.
        let length = if argument == 2 && matches!(self, Self::Is(_)) {
            SeccompCmpArgLen::Qword
        } else {
            SeccompCmpArgLen::Dword
        };
        SeccompCondition::new(argument, length, compare, value)
    }
}
