//! What the boundary costs in memory: nothing, for the call that programs make most.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use doorward::{Auth, Config, NewUserOptions, Secret, SessionOptions, block_on};

use crate::abi::Bytes;
use crate::answer::{Answer, Seen};
use crate::boundary::In;
use crate::operations;
use crate::view::View;

/// Counts what is allocated on this thread.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn counted(body: impl FnOnce()) -> usize {
    let before = COUNT.get();
    body();
    COUNT.get() - before
}

/// A user's session, and its access token.
fn signed_in() -> (Auth, Secret) {
    let config = Config::from_toml(
        "database = 'memory:'\n[password]\nmemory_kib = 64\npasses = 1\nunsafe_fast_hashes = true\n[provider.email]\nkind = 'password'\n",
    );
    let auth = Auth::open(&config.unwrap()).unwrap();
    let token = block_on(async {
        auth.start().await.unwrap();
        let password = (
            "password".to_owned(),
            Secret::from(&b"plum tractors hum at noon"[..]),
        );
        let credentials = doorward::Fields(vec![password]);
        let made = auth
            .create_user(
                "email",
                b"ada@example.com",
                credentials,
                NewUserOptions::default(),
            )
            .await;
        let proof = made.unwrap().require().unwrap();
        let made = auth.create_session(&proof, SessionOptions::default()).await;
        made.unwrap().require().unwrap().access_token().unwrap().clone()
    });
    (auth, token)
}

#[test]
fn a_hit_of_validate_session_allocates_nothing_at_the_boundary() {
    let (auth, token) = signed_in();
    let view = View::whole(auth.clone(), None);
    let mut answer = Answer::none();
    let validate = || operations::validate_session(In::of(&view), Bytes::lent(token.expose()));
    // What is made once is made before it is counted.
    validate().take();
    drop(block_on(auth.validate_session(token.expose())));

    let in_rust = counted(|| drop(block_on(auth.validate_session(token.expose()))));
    let in_c = counted(|| answer = validate());
    assert_eq!(in_c, in_rust);
    assert!(matches!(answer.look(), Seen::Session(_)));
    assert_eq!(counted(|| answer.take()), 0);

    // What cannot be decided, and what few ask for, may cost something.
    let refused =
        counted(|| answer = operations::validate_session(In::of(&view), Bytes::lent(b"dwa_nonsense")));
    assert!(refused > 0);
    answer.take();
    block_on(auth.stop()).unwrap();
}
