//! Calls that are many calls in one: which of their commands a confined plugin may give. All else answers ENOSYS, also what
//! a later kernel adds.
//!
//! A command is not here because it is harmless today, but because threads, memory, clocks and descriptors of one's own
//! need it.

use nix::libc;
use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

/// What an argument must be.
#[derive(Clone, Copy)]
enum Operand {
    Is(i32),
    /// Has none of these bits.
    None(i32),
    /// Is the second, but for the bits of the first.
    But(i32, i32),
    /// A pointer that is not there.
    Null,
}

use Operand::{But, Is, None as Without, Null};

/// One way in which a call may be made: all of these hold for the arguments with these numbers.
type Way = Vec<(u8, Operand)>;

/// Every call that takes commands or flags, with the ways in which it may be made.
pub(crate) fn allowed(is_net: bool, is_interpreter: bool) -> Result<Vec<(i64, Vec<SeccompRule>)>, String> {
    let mut calls = own()?;
    // No new code; resolving names loads libraries, so `net` may map it from files.
    let code = if is_net { 0 } else { libc::PROT_EXEC };
    let mut map = vec![vec![(2, Without(code))]];
    if is_interpreter {
        // Modules that are imported later: from files, of which it can only read its own, and never to be written.
        map.push(vec![
            (2, Without(libc::PROT_WRITE)),
            (3, Without(libc::MAP_ANONYMOUS)),
        ]);
    }
    calls.push((libc::SYS_mmap, map));
    calls.push((libc::SYS_mprotect, vec![vec![(2, Without(code))]]));
    if is_net {
        calls.extend(internet());
    }
    let rule = |way: Way| -> Result<SeccompRule, seccompiler::BackendError> {
        let conditions = way
            .into_iter()
            .map(|(argument, operand)| operand.condition(argument));
        SeccompRule::new(conditions.collect::<Result<_, _>>()?)
    };
    calls
        .into_iter()
        .map(|(call, ways)| {
            let rules = ways.into_iter().map(rule).collect::<Result<Vec<_>, _>>();
            rules
                .map(|rules| (call, rules))
                .map_err(|error| format!("seccomp: {error}"))
        })
        .collect()
}

/// A way for each value that one argument may have.
fn each(argument: u8, values: &[i32]) -> Vec<Way> {
    values.iter().map(|value| vec![(argument, Is(*value))]).collect()
}

fn own() -> Result<Vec<(i64, Vec<Way>)>, String> {
    // To itself: abort() does.
    let me = i32::try_from(std::process::id()).map_err(|error| error.to_string())?;
    // To read, and to make nothing.
    let writes = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | libc::O_ASYNC;
    let mut fcntl = each(1, FCNTL);
    // O_ASYNC is how a descriptor sends signals to whom it is said to belong.
    fcntl.push(vec![(1, Is(libc::F_SETFL)), (2, Without(libc::O_ASYNC))]);
    let futex = FUTEX.iter().map(|command| {
        let flags = libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME;
        vec![(1, But(flags, *command))]
    });
    let pipe = libc::O_CLOEXEC | libc::O_NONBLOCK;
    let calls = vec![
        (libc::SYS_clock_getres, each(0, CLOCKS)),
        (libc::SYS_clock_gettime, each(0, CLOCKS)),
        (libc::SYS_clock_nanosleep, each(0, CLOCKS)),
        (libc::SYS_clone, each(0, &[THREAD, THREAD | libc::CLONE_DETACHED])),
        (libc::SYS_fcntl, fcntl),
        (libc::SYS_futex, futex.collect()),
        (libc::SYS_ioctl, each(1, IOCTL)),
        (libc::SYS_madvise, each(2, MADVISE)),
        (libc::SYS_membarrier, each(0, MEMBARRIER)),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_open, vec![vec![(1, Without(writes))]]),
        (libc::SYS_openat, vec![vec![(2, Without(writes))]]),
        (libc::SYS_pipe2, vec![vec![(1, But(pipe, 0))]]),
        (libc::SYS_prctl, each(0, &[libc::PR_SET_NAME])),
        // To ask about itself, not to set.
        (libc::SYS_prlimit64, vec![vec![(0, Is(0)), (2, Null)]]),
        (libc::SYS_tgkill, each(0, &[me])),
        (libc::SYS_timerfd_create, each(0, TIMERS)),
    ];
    Ok(calls)
}

fn internet() -> Vec<(i64, Vec<Way>)> {
    let sockets = SOCKETS.iter().map(|(family, kind, protocol)| {
        vec![
            (0, Is(*family)),
            (1, But(SOCKET_FLAGS, *kind)),
            (2, Is(*protocol)),
        ]
    });
    let options = || {
        let names = OPTIONS
            .iter()
            .flat_map(|(level, names)| names.iter().map(|name| vec![(1, Is(*level)), (2, Is(*name))]));
        names.collect::<Vec<Way>>()
    };
    // Ends of one's own, to wake a thread: the only type that cannot be turned to somebody else afterwards.
    let pair = vec![(0, Is(libc::AF_UNIX)), (1, But(SOCKET_FLAGS, libc::SOCK_STREAM))];
    let mut ioctl = each(1, IOCTL);
    ioctl.extend(each(1, IOCTL_NET));
    vec![
        (libc::SYS_getsockopt, options()),
        (libc::SYS_ioctl, ioctl),
        (libc::SYS_setsockopt, options()),
        (libc::SYS_socket, sockets.collect()),
        (libc::SYS_socketpair, vec![pair]),
    ]
}

impl Operand {
    fn condition(self, argument: u8) -> Result<SeccompCondition, seccompiler::BackendError> {
        let bits = |value: i32| u64::from(value.cast_unsigned());
        let (length, compare, value) = match self {
            Is(value) => (SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, bits(value)),
            Without(mask) => (SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(bits(mask)), 0),
            But(flags, value) => (
                SeccompCmpArgLen::Dword,
                SeccompCmpOp::MaskedEq(bits(!flags)),
                bits(value),
            ),
            // Pointers are compared whole: half of one may be zero.
            Null => (SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0),
        };
        SeccompCondition::new(argument, length, compare, value)
    }
}

const FCNTL: &[i32] = &[
    libc::F_DUPFD,
    libc::F_DUPFD_CLOEXEC,
    libc::F_GETFD,
    libc::F_GETFL,
    libc::F_SETFD,
];

/// Whether it is a terminal, whether it blocks, whether programs inherit it, how much there is to read.
const IOCTL: &[i32] = &[0x5401, 0x541b, 0x5421, 0x5450, 0x5451];

/// To ask which interfaces there are: SIOCATMARK, SIOCGIFNAME, SIOCGIFCONF, SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFNETMASK,
/// SIOCGIFMTU, SIOCGIFHWADDR, SIOCGIFINDEX.
const IOCTL_NET: &[i32] = &[
    0x8905, 0x8910, 0x8912, 0x8913, 0x8915, 0x891b, 0x8921, 0x8927, 0x8933,
];

/// What the C libraries make threads with: nothing but threads of this process, and not in other namespaces.
const THREAD: i32 = libc::CLONE_VM
    | libc::CLONE_FS
    | libc::CLONE_FILES
    | libc::CLONE_SIGHAND
    | libc::CLONE_THREAD
    | libc::CLONE_SYSVSEM
    | libc::CLONE_SETTLS
    | libc::CLONE_PARENT_SETTID
    | libc::CLONE_CHILD_CLEARTID;

/// Not the ones that inherit priorities: those name a thread, of any process.
const FUTEX: &[i32] = &[
    libc::FUTEX_WAIT,
    libc::FUTEX_WAKE,
    libc::FUTEX_REQUEUE,
    libc::FUTEX_CMP_REQUEUE,
    libc::FUTEX_WAKE_OP,
    libc::FUTEX_WAIT_BITSET,
    libc::FUTEX_WAKE_BITSET,
];

/// Not `MADV_HWPOISON`, which takes a page away from everybody who has it, nor what merges pages with others'.
const MADVISE: &[i32] = &[
    libc::MADV_NORMAL,
    libc::MADV_RANDOM,
    libc::MADV_SEQUENTIAL,
    libc::MADV_WILLNEED,
    libc::MADV_DONTNEED,
    libc::MADV_FREE,
    libc::MADV_HUGEPAGE,
    libc::MADV_NOHUGEPAGE,
    libc::MADV_DONTDUMP,
    libc::MADV_DODUMP,
    libc::MADV_WIPEONFORK,
    // MADV_GUARD_INSTALL and MADV_GUARD_REMOVE: stacks of newer C libraries.
    102,
    103,
];

/// Those that concern the threads of this process.
const MEMBARRIER: &[i32] = &[
    libc::MEMBARRIER_CMD_QUERY,
    libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED,
    libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
];

/// Those of the system and of this process; a negative number is the processor time of another.
const CLOCKS: &[i32] = &[
    libc::CLOCK_REALTIME,
    libc::CLOCK_MONOTONIC,
    libc::CLOCK_PROCESS_CPUTIME_ID,
    libc::CLOCK_THREAD_CPUTIME_ID,
    libc::CLOCK_MONOTONIC_RAW,
    libc::CLOCK_REALTIME_COARSE,
    libc::CLOCK_MONOTONIC_COARSE,
    libc::CLOCK_BOOTTIME,
    libc::CLOCK_TAI,
];

/// None that wakes the machine.
const TIMERS: &[i32] = &[libc::CLOCK_REALTIME, libc::CLOCK_MONOTONIC, libc::CLOCK_BOOTTIME];

const SOCKET_FLAGS: i32 = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;

/// Family, type and protocol. None of netlink: the C library asks it which addresses the machine has after a `bind` alone, and
/// takes a machine for one that has all sorts where there is none.
const SOCKETS: &[(i32, i32, i32)] = &[
    (libc::AF_INET, libc::SOCK_STREAM, 0),
    (libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_TCP),
    (libc::AF_INET, libc::SOCK_DGRAM, 0),
    (libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_UDP),
    (libc::AF_INET6, libc::SOCK_STREAM, 0),
    (libc::AF_INET6, libc::SOCK_STREAM, libc::IPPROTO_TCP),
    (libc::AF_INET6, libc::SOCK_DGRAM, 0),
    (libc::AF_INET6, libc::SOCK_DGRAM, libc::IPPROTO_UDP),
];

/// Options of connections, to read and to set: buffers, waits, keep-alive, errors, sizes. None that names a process, loads
/// a program into the kernel, or changes the machine.
const OPTIONS: &[(i32, &[i32])] = &[
    (
        libc::SOL_SOCKET,
        &[
            libc::SO_ACCEPTCONN,
            libc::SO_DOMAIN,
            libc::SO_ERROR,
            libc::SO_KEEPALIVE,
            libc::SO_LINGER,
            libc::SO_PROTOCOL,
            libc::SO_RCVBUF,
            libc::SO_RCVTIMEO,
            libc::SO_REUSEADDR,
            libc::SO_SNDBUF,
            libc::SO_SNDTIMEO,
            libc::SO_TYPE,
            // SO_RCVTIMEO_NEW and SO_SNDTIMEO_NEW.
            66,
            67,
        ],
    ),
    (
        libc::IPPROTO_IP,
        &[
            libc::IP_BIND_ADDRESS_NO_PORT,
            libc::IP_MTU,
            libc::IP_MTU_DISCOVER,
            libc::IP_PKTINFO,
            libc::IP_RECVERR,
            libc::IP_TOS,
            libc::IP_TTL,
        ],
    ),
    (
        libc::IPPROTO_TCP,
        &[
            libc::TCP_CORK,
            libc::TCP_FASTOPEN_CONNECT,
            libc::TCP_INFO,
            libc::TCP_KEEPCNT,
            libc::TCP_KEEPIDLE,
            libc::TCP_KEEPINTVL,
            libc::TCP_LINGER2,
            libc::TCP_MAXSEG,
            libc::TCP_NODELAY,
            libc::TCP_NOTSENT_LOWAT,
            libc::TCP_QUICKACK,
            libc::TCP_SYNCNT,
            libc::TCP_USER_TIMEOUT,
        ],
    ),
    (
        libc::IPPROTO_IPV6,
        &[
            libc::IPV6_MTU,
            libc::IPV6_MTU_DISCOVER,
            libc::IPV6_RECVERR,
            libc::IPV6_RECVPKTINFO,
            libc::IPV6_TCLASS,
            libc::IPV6_UNICAST_HOPS,
            libc::IPV6_V6ONLY,
        ],
    ),
];
